"""A double of Google's sign-in and Calendar API on the loopback interface, from their public documentation.

Sources (developers.google.com): "Using OAuth 2.0 for Web Server Applications"; Google Calendar API v3,
references of Events (list, insert, update, delete, watch), CalendarList and Channels; guides
"Synchronize resources efficiently" (syncToken, 410), "Push notifications" (X-Goog-... headers),
"Handle API errors" (403 and 429 with reasons, back-off).

It checks what it is sent (client, PKCE, scopes, ids, required fields, parameters that go together) and
answers as the documentation says. `misbehave` gives the next faults: "500", "429", "403" (rate limit),
"401", "410", "hang", "reset" (nothing happened), "lost" (done, but the answer is a 500).
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

CLIENT_ID = "double.apps.googleusercontent.com"
CLIENT_SECRET = "double-client-secret"
EMAIL = "martin@gmail.example"
CALENDAR_SCOPES = {
    "https://www.googleapis.com/auth/calendar.events",
    "https://www.googleapis.com/auth/calendar.calendarlist.readonly",
}
_ID = re.compile(r"[a-v0-9]{5,1024}")
#: With a sync token no other filter may be given (reference of Events: list).
_NOT_WITH_TOKEN = {"timeMin", "timeMax", "q", "orderBy", "iCalUID", "updatedMin",
                   "privateExtendedProperty", "sharedExtendedProperty"}  # fmt: skip
Answer = tuple[int, Any]
Query = dict[str, str]


def problem(status: int, reason: str, message: str = "") -> Answer:
    text = message or reason
    return status, {"error": {"code": status, "message": text, "errors": [
        {"domain": "calendar", "reason": reason, "message": text}]}}  # fmt: skip


@dataclass
class GoogleAccount:
    """One person's account with one calendar, and what was asked of it."""

    url: str = ""
    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)
    forgotten: int = 0
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    refresh_tokens: set[str] = field(default_factory=set)
    access_tokens: set[str] = field(default_factory=set)
    channels: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    faults: deque[str] = field(default_factory=deque)
    page_size: int = 250
    retry_after: int = 7
    hang_seconds: float = 2.0
    zone: str = "America/Argentina/Buenos_Aires"
    lock: threading.RLock = field(default_factory=threading.RLock)

    def misbehave(self, *faults: str) -> None:
        self.faults.extend(faults)

    def grant(self) -> str:
        """A refresh token, as if the person had agreed."""
        token = f"1//{secrets.token_urlsafe(12)}"
        self.refresh_tokens.add(token)
        return token

    def add(self, start: datetime | str, end: datetime | str, **more: Any) -> str:
        """An event by the person's own hand; its id."""
        name = str(more.pop("id", secrets.token_hex(8)))
        self._store({"id": name, "status": "confirmed", "summary": "Dentista", "start": _when(start),
                     "end": _when(end), "iCalUID": f"{name}@google.com", **more})  # fmt: skip
        return name

    def move(self, name: str, start: datetime, end: datetime) -> None:
        self._store({**self.events[name], "start": _when(start), "end": _when(end)})

    def drop(self, name: str) -> None:
        self._store({"id": name, "status": "cancelled"})

    def forget_tokens(self) -> None:
        """As if sync tokens had expired: 410 for all of before."""
        self.forgotten = len(self.changes) + 1
        self.changes.append("")

    def _store(self, event: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
            stored = {"kind": "calendar#event", **event, "etag": f'"{secrets.token_hex(6)}"',
                      "updated": datetime.now(UTC).isoformat()}  # fmt: skip
            self.events[event["id"]] = stored
            self.changes.append(event["id"])
            return stored

    # --- sign-in

    def authorize(self, query: Query) -> str:
        """The person agrees: where the browser goes next. Asserts what the documentation requires."""
        assert query["client_id"] == CLIENT_ID
        assert query["response_type"] == "code"
        assert query["access_type"] == "offline"
        assert query["code_challenge_method"] == "S256"
        assert set(query["scope"].split()) == CALENDAR_SCOPES
        assert query["state"]
        code = f"4/{secrets.token_urlsafe(8)}"
        self.codes[code] = query
        back = {"code": code, "state": query["state"], "scope": query["scope"]}
        return f"{query['redirect_uri']}?{urlencode(back)}"

    def token(self, form: Query) -> Answer:
        if form.get("client_id") != CLIENT_ID or form.get("client_secret") != CLIENT_SECRET:
            return 401, {"error": "invalid_client"}
        if form.get("grant_type") == "refresh_token":
            if form.get("refresh_token") not in self.refresh_tokens:
                return 400, {
                    "error": "invalid_grant",
                    "error_description": "Token has been revoked.",
                }
            return 200, self._access()
        began = self.codes.pop(form.get("code", ""), None)
        if began is None or began["redirect_uri"] != form.get("redirect_uri"):
            return 400, {"error": "invalid_grant"}
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).decode().rstrip("=") != began["code_challenge"]:
            return 400, {"error": "invalid_grant", "error_description": "code_verifier"}
        return 200, {**self._access(), "refresh_token": self.grant(), "scope": began["scope"]}

    def _access(self) -> dict[str, Any]:
        token = f"ya29.{secrets.token_urlsafe(12)}"
        self.access_tokens.add(token)
        return {"access_token": token, "expires_in": 3599, "token_type": "Bearer"}

    # --- the API

    def answer(self, method: str, path: str, query: Query, body: Any) -> Answer:
        parts = [unquote(part) for part in path.split("/")]
        if path == "users/me/calendarList":
            return 200, {"items": [
                {"id": "holidays", "summary": "Feriados", "accessRole": "reader"},
                {"id": EMAIL, "summary": EMAIL, "primary": True, "accessRole": "owner"},
            ][1 if query.get("minAccessRole") == "writer" else 0:]}  # fmt: skip
        if path == "channels/stop" and method == "POST":
            return self._stop(body)
        if len(parts) < 3 or parts[0] != "calendars" or parts[1] not in {EMAIL, "primary"}:
            return problem(404, "notFound")
        if parts[3:] == ["watch"]:
            return self._watch(body)
        if len(parts) == 3:
            return self._list(query) if method == "GET" else self._insert(body)
        return self._single(method, parts[3], body)

    def _single(self, method: str, name: str, body: Any) -> Answer:
        there = self.events.get(name)
        if there is None:
            return problem(404, "notFound")
        if method == "DELETE":
            if there["status"] == "cancelled":
                return problem(410, "deleted")
            self._store({"id": name, "status": "cancelled"})
            return 204, None
        fault = _event_problem(body)
        return fault or (200, self._store({**body, "id": name, "iCalUID": f"{name}@google.com"}))

    def _insert(self, body: Any) -> Answer:
        fault = _event_problem(body)
        if fault is not None:
            return fault
        name = body.get("id", secrets.token_hex(8))
        if not _ID.fullmatch(name):
            return problem(400, "invalid", "Invalid resource id value.")
        if name in self.events:
            return problem(409, "duplicate", "The requested identifier already exists.")
        return 200, self._store({**body, "id": name, "iCalUID": f"{name}@google.com"})

    def _list(self, query: Query) -> Answer:
        token = query.get("syncToken")
        if token and _NOT_WITH_TOKEN.intersection(query):
            return problem(400, "badRequest", "Sync token cannot be combined with other filters.")
        start, _, page = (query.get("pageToken") or f"{token or ''}:0").rpartition(":")
        if token and int(token.removeprefix("t")) < self.forgotten:
            return problem(410, "fullSyncRequired", "Sync token is no longer valid.")
        with self.lock:
            if token:
                names = list(dict.fromkeys(n for n in self.changes[int(token[1:]) :] if n))
                found = [self.events[name] for name in names]
            else:
                found = [e for e in self.events.values() if e["status"] != "cancelled"
                         and _within(e, query)]  # fmt: skip
            first = int(page)
            shown = found[first : first + self.page_size]
            body: dict[str, Any] = {
                "kind": "calendar#events",
                "timeZone": self.zone,
                "items": shown,
            }
            if first + self.page_size < len(found):
                body["nextPageToken"] = f"{start}:{first + self.page_size}"
            else:
                body["nextSyncToken"] = f"t{len(self.changes)}"
            return 200, body

    def _watch(self, body: Any) -> Answer:
        if body.get("type") != "web_hook" or not body.get("id"):
            return problem(400, "required")
        if body["id"] in self.channels:
            return problem(400, "channelIdNotUnique")
        if not str(body.get("address", "")).startswith("https://"):
            return problem(400, "push.webhookUrlNotHttps")
        until = datetime.now(UTC) + timedelta(seconds=int(body["params"]["ttl"]))
        self.channels[body["id"]] = {**body, "resourceId": secrets.token_hex(6)}
        return 200, {"kind": "api#channel", "id": body["id"],
                     "resourceId": self.channels[body["id"]]["resourceId"],
                     "expiration": str(int(until.timestamp() * 1000))}  # fmt: skip

    def _stop(self, body: Any) -> Answer:
        found = self.channels.get(body.get("id"))
        if found is None or found["resourceId"] != body.get("resourceId"):
            return problem(404, "channelUnknown")
        del self.channels[body["id"]]
        return 204, None

    def notification(self, channel: str, state: str = "exists", number: int = 1) -> dict[str, str]:
        """The headers of one."""
        found = self.channels[channel]
        return {"X-Goog-Channel-ID": channel, "X-Goog-Channel-Token": found["token"],
                "X-Goog-Resource-ID": found["resourceId"], "X-Goog-Resource-State": state,
                "X-Goog-Message-Number": str(number)}  # fmt: skip


def _when(value: datetime | str) -> dict[str, str]:
    if isinstance(value, str):
        return {"date": value}
    return {"dateTime": value.isoformat(), "timeZone": "UTC"}


def _event_problem(body: Any) -> Answer | None:
    if not isinstance(body, dict):
        return problem(400, "parseError")
    for name in ("start", "end"):
        value = body.get(name)
        if not isinstance(value, dict) or not ({"dateTime", "date"} & value.keys()):
            return problem(400, "required", f"Missing {name} time.")
        if "dateTime" in value and datetime.fromisoformat(value["dateTime"]).tzinfo is None:
            return problem(400, "invalid", f"Bad {name} time.")
    if body["start"] == body["end"]:
        return problem(400, "timeRangeEmpty")
    shared = body.get("extendedProperties", {}).get("private", {})
    if any(len(key) > 44 or len(value) > 1024 for key, value in shared.items()):
        return problem(400, "invalid", "extended property")
    return None


def _within(event: dict[str, Any], query: Query) -> bool:
    """The end after timeMin and the start before timeMax."""

    def instant(value: dict[str, str]) -> datetime:
        text = value.get("dateTime") or f"{value['date']}T00:00:00-03:00"
        return datetime.fromisoformat(text)

    lowest, highest = query.get("timeMin"), query.get("timeMax")
    return (not lowest or instant(event["end"]) > datetime.fromisoformat(lowest)) and (
        not highest or instant(event["start"]) < datetime.fromisoformat(highest)
    )


def _handler(account: GoogleAccount) -> type[BaseHTTPRequestHandler]:  # noqa: C901 - the class is one, its methods are small
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_call(self) -> None:
            url = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(url.query).items()}
            raw = self.rfile.read(int(self.headers.get("content-length") or 0))
            if url.path == "/o/oauth2/v2/auth":
                self.send_response(302)
                self.send_header("Location", account.authorize(query))
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            fault = account.faults.popleft() if account.faults else ""
            account.calls.append((self.command, self.path))
            if fault == "hang":
                time.sleep(account.hang_seconds)
            if fault in {"hang", "reset"}:
                self.close_connection = True
                self.connection.close()
                return
            status, body = self._result(url.path, query, raw, fault)
            if status >= 400:
                account.refused.append(f"{status} {self.command} {self.path}")
            self._send(status, body, fault)

        def _result(self, path: str, query: Query, raw: bytes, fault: str) -> Answer:
            planned = {
                "500": problem(500, "backendError"),
                "429": problem(429, "rateLimitExceeded"),
                "403": problem(403, "userRateLimitExceeded"),
                "401": problem(401, "authError"),
                "410": problem(410, "fullSyncRequired"),
            }
            if fault in planned:
                return planned[fault]
            with account.lock:
                done = self._done(path, query, raw)
            return problem(500, "backendError") if fault == "lost" else done

        def _done(self, path: str, query: Query, raw: bytes) -> Answer:
            if path in {"/token", "/revoke"}:
                form = {key: values[0] for key, values in parse_qs(raw.decode()).items()}
                if path == "/token":
                    return account.token(form)
                account.refresh_tokens.discard(form.get("token", ""))
                return 200, {}
            token = self.headers.get("authorization", "").removeprefix("Bearer ")
            if token not in account.access_tokens:
                return problem(401, "authError")
            body = json.loads(raw) if raw else None
            return account.answer(self.command, path.removeprefix("/calendar/v3/"), query, body)

        def _send(self, status: int, body: Any, fault: str) -> None:
            content = b"" if body is None else json.dumps(body).encode()
            self.send_response(status)
            if fault == "429":
                self.send_header("Retry-After", str(account.retry_after))
            self.send_header("Content-Type", "application/json; charset=UTF-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = handle_call  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    return Handler


@contextmanager
def google_calendar() -> Iterator[GoogleAccount]:
    """The double, listening."""
    account = GoogleAccount()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(account))
    server.daemon_threads = True
    account.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield account
    finally:
        server.shutdown()
        thread.join(60)
        server.server_close()
