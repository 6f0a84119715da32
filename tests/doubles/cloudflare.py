"""A double of Cloudflare's API v4 on the loopback interface: zones and their DNS records.

Source: developers.cloudflare.com/api, "List Zones" and "List/Create/Update/Delete DNS Record"; errors
and limits from "Fundamentals, API, rate limits". It checks token, record types, contents, the
`data` of CAA records, `proxied` and the rule that a CNAME stands alone; `misbehave` holds the next faults:
"429" (with Retry-After), "500", "hang up" and "lost" (done, but the answer is a 502).
"""

from __future__ import annotations

import ipaddress
import json
import secrets
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

RULESET = "/rulesets/phases/http_request_cache_settings/entrypoint"
RULE_FIELDS = {"action", "action_parameters", "description", "enabled", "expression", "id", "ref"}
TOKEN = "double-token-0123456789"
_ADDRESS = {"A": ipaddress.IPv4Address, "AAAA": ipaddress.IPv6Address}
Json = dict[str, Any]
Answer = tuple[int, Json]


class BadRequestError(Exception):
    def __init__(self, code: int, message: str, status: int = 400) -> None:
        self.code, self.status = code, status
        super().__init__(message)


@dataclass
class CloudflareZone:
    """One account with one zone, and what was asked of it."""

    name: str
    url: str = ""
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    records: dict[str, Json] = field(default_factory=dict)
    rules: list[Json] | None = None
    misbehave: deque[str] = field(default_factory=deque)
    requests: list[str] = field(default_factory=list)

    def answer(self, method: str, path: str, query: dict[str, str], body: Json) -> Any:
        if path == "/zones":
            return [{"id": self.id, "name": self.name}] if query.get("name") == self.name else []
        if path == f"/zones/{self.id}{RULESET}":
            return self._ruleset(method, body)
        prefix = f"/zones/{self.id}/dns_records"
        if not path.startswith(prefix):
            raise BadRequestError(7003, "Could not route to that path", 404)
        known = path.removeprefix(prefix).lstrip("/")
        if method == "GET":
            return [
                entry for entry in self.records.values()
                if all(entry[key] == query[key] for key in ("name", "type") if key in query)
            ]  # fmt: skip
        if method in {"PUT", "DELETE"} and known not in self.records:
            raise BadRequestError(81044, "Record does not exist.", 404)
        if method == "DELETE":
            return {"id": self.records.pop(known)["id"]}
        entry = self._checked(body, known)
        self.records[entry["id"]] = entry
        return entry

    def _ruleset(self, method: str, body: Json) -> Json:
        """Read and written whole; a zone that never had one has none."""
        if method == "PUT":
            for rule in body["rules"]:
                if rule.get("action") != "set_cache_settings" or not rule.get("expression"):
                    raise BadRequestError(20015, "invalid rule for this phase")
                if not set(rule) <= RULE_FIELDS:
                    raise BadRequestError(20120, "unknown field in a rule")
            self.rules = [
                {**rule, "id": secrets.token_hex(16), "version": "1"} for rule in body["rules"]
            ]
        elif self.rules is None:
            raise BadRequestError(10003, "could not find entrypoint ruleset", 404)
        return {"id": "ruleset", "phase": "http_request_cache_settings", "rules": self.rules}

    def _checked(self, body: Json, known: str) -> Json:
        kind, name = body.get("type"), str(body.get("name", ""))
        if name != self.name and not name.endswith("." + self.name):
            raise BadRequestError(9000, "DNS name is invalid.")
        others = [e for e in self.records.values() if e["name"] == name and e["id"] != known]
        if kind in _ADDRESS:
            try:
                _ADDRESS[kind](body.get("content"))
            except ValueError as error:
                raise BadRequestError(
                    9005, "Content for A record must be a valid address."
                ) from error
        elif kind == "CAA":
            data = body.get("data")
            if not isinstance(data, dict) or set(data) != {"flags", "tag", "value"}:
                raise BadRequestError(9101, "CAA records take data of flags, tag and value.")
        elif kind not in {"TXT", "CNAME"} or not body.get("content"):
            raise BadRequestError(9004, "Type or content is invalid.")
        check_proxied(body)
        if kind in {"A", "AAAA", "CNAME"} and any(
            "CNAME" in (e["type"], kind) and e["type"] in {"A", "AAAA", "CNAME"} for e in others
        ):
            raise BadRequestError(
                81053, "An A, AAAA, or CNAME record with that host already exists."
            )
        if any(e["type"] == kind and e.get("content") == body.get("content") and e.get("data") == body.get("data")
               for e in others):  # fmt: skip
            raise BadRequestError(81058, "An identical record already exists.")
        return {**body, "id": known or secrets.token_hex(16)}


def check_proxied(body: Json) -> None:
    if body.get("proxied") and body.get("ttl") != 1:
        raise BadRequestError(9021, "ttl must be 1 (automatic) for a proxied record.")
    if body.get("proxied") and body.get("type") not in {"A", "AAAA", "CNAME"}:
        raise BadRequestError(9004, "This record type cannot be proxied.")


class _Server(ThreadingHTTPServer):
    def __init__(self, state: CloudflareZone) -> None:
        self.state, self.lock = state, threading.Lock()
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """The double keeps its own list of requests."""

    def do_GET(self) -> None:
        split = urlsplit(self.path)
        state = self.server.state
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with self.server.lock:
            state.requests.append(f"{self.command} {split.path}")
            fault = state.misbehave.popleft() if state.misbehave else ""
            if fault == "hang up":
                self.close_connection = True
            elif fault in {"429", "500"}:
                self._send(int(fault), {"success": False, "errors": []}, {"Retry-After": "0"})
            else:
                status, result = self._carry_out(split.path, parse_qs(split.query), sent)
                self._send(502 if fault == "lost" else status, result)

    def do_POST(self) -> None:
        self.do_GET()

    def do_PUT(self) -> None:
        self.do_GET()

    def do_DELETE(self) -> None:
        self.do_GET()

    def _carry_out(self, path: str, query: dict[str, list[str]], sent: bytes) -> Answer:
        try:
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                raise BadRequestError(10000, "Authentication error", 403)
            asked = {key: values[0] for key, values in query.items()}
            body = json.loads(sent) if sent else {}
            result = self.server.state.answer(
                self.command, path.removeprefix("/client/v4"), asked, body
            )
        except BadRequestError as error:
            problem = {"code": error.code, "message": str(error)}
            return error.status, {"success": False, "errors": [problem], "result": None}
        return 200, {"success": True, "errors": [], "result": result}

    def _send(self, status: int, body: Json, headers: dict[str, str] | None = None) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(raw))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)


@contextmanager
def running_cloudflare(zone: str) -> Iterator[CloudflareZone]:
    state = CloudflareZone(zone)
    server = _Server(state)
    state.url = f"http://127.0.0.1:{server.server_address[1]}/client/v4"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
