"""A double of Instagram's content publishing API on the loopback interface.

Sources (developers.facebook.com, Instagram Platform): "Content Publishing", references of
IG User Media, IG Container, IG User Media Publish and Content Publishing Limit.

It checks token, fields, address of the photograph and the quota; `misbehave` makes calls go wrong.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "IG-double-token"
ACCOUNT = "17841400000000001"
Answer = tuple[int, dict[str, Any]]


def fault(status: int, code: int, message: str) -> Answer:
    return status, {"error": {"message": message, "type": "OAuthException", "code": code}}


@dataclass
class Account:
    """Containers by id, what was published, and every call."""

    containers: dict[str, dict[str, str]] = field(default_factory=dict)
    published: list[str] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    faults: deque[str] = field(default_factory=deque)
    #: Those that are accepted; none once the account's owner removed the app.
    tokens: set[str] = field(default_factory=lambda: {TOKEN})
    used: int = 0
    total: int = 100
    #: How often a container is still in progress when it is asked for.
    polls: int = 1

    def misbehave(self, *faults: str) -> None:
        """The next calls in turn: "500", "429", "garbage", "lost" (done, answered 500), "ok"."""
        self.faults.extend(faults)

    def answer(self, method: str, path: str, values: dict[str, str]) -> Answer:
        self.calls.append((method, path))
        if (method, path) == ("GET", "/me"):
            return 200, {"user_id": ACCOUNT, "username": "barber.palermo"}
        if (method, path) == ("GET", "/refresh_access_token"):
            return self._renew(values)
        if (method, path) == ("GET", f"/{ACCOUNT}/content_publishing_limit"):
            config = {"quota_total": self.total, "quota_duration": 86400}
            return 200, {"data": [{"quota_usage": self.used, "config": config}]}
        if (method, path) == ("POST", f"/{ACCOUNT}/media"):
            return self._create(values)
        if (method, path) == ("POST", f"/{ACCOUNT}/media_publish"):
            return self._publish(values.get("creation_id", ""))
        if method == "GET" and path[1:].startswith("180000"):
            return 200, {"id": path[1:], "permalink": f"https://www.instagram.com/p/{path[1:]}/"}
        if method == "GET" and path[1:] in self.containers:
            return 200, {"id": path[1:], "status_code": self._state(self.containers[path[1:]])}
        return fault(400, 100, "Unsupported request")

    def _renew(self, values: dict[str, str]) -> Answer:
        """The token is in the address here; the one before stays good until it expires."""
        given = values.get("access_token")
        if values.get("grant_type") != "ig_refresh_token" or given not in self.tokens:
            return fault(400, 190, "Invalid OAuth access token")
        fresh = f"{TOKEN}-{len(self.calls)}"
        self.tokens.add(fresh)
        return 200, {"access_token": fresh, "token_type": "bearer", "expires_in": 5183944}

    def _create(self, values: dict[str, str]) -> Answer:
        address = urlsplit(values.get("image_url", ""))
        if address.scheme != "https" or not address.path.endswith(".jpg"):
            return fault(400, 9004, "Only photo or video can be accepted as media type.")
        if len(values.get("caption", "")) > 2200:
            return fault(400, 100, "The caption is too long")
        key = str(17900000000000001 + len(self.containers))
        self.containers[key] = {**values, "status_code": "IN_PROGRESS", "left": str(self.polls)}
        return 200, {"id": key}

    def _state(self, container: dict[str, str]) -> str:
        if container["status_code"] == "IN_PROGRESS":
            left = int(container["left"])
            container["left"] = str(left - 1)
            if left <= 0:
                container["status_code"] = "FINISHED"
        return container["status_code"]

    def _publish(self, key: str) -> Answer:
        container = self.containers.get(key)
        if container is None or container["status_code"] != "FINISHED":
            return fault(400, 9007, "The media is not ready for publishing")
        if self.used >= self.total:
            return fault(403, 9, "Application request limit reached")
        container["status_code"] = "PUBLISHED"
        self.used += 1
        self.published.append(key)
        return 200, {"id": str(18000000000000001 + len(self.published))}


class InstagramDouble:
    """The server; `account` is what it holds."""

    def __init__(self) -> None:
        self.account = account = Account()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                self.respond(parts.path, parts.query)

            def do_POST(self) -> None:
                length = int(self.headers.get("content-length", "0"))
                self.respond(self.path, self.rfile.read(length).decode())

            def respond(self, path: str, query: str) -> None:
                values = {name: found[0] for name, found in parse_qs(query).items()}
                wrong = account.faults.popleft() if account.faults else "ok"
                if self.headers.get("authorization", "")[7:] not in account.tokens:
                    status, body = fault(400, 190, "Invalid OAuth access token")
                elif wrong in {"500", "429"}:
                    status, body = fault(int(wrong), 2 if wrong == "500" else 4, "Try later")
                else:
                    status, body = account.answer(self.command, path, values)
                    if wrong == "lost":
                        status, body = fault(500, 2, "Try later")
                content = b"<html>" if wrong == "garbage" else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_args: Any) -> None:
                """Nothing on the terminal."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> InstagramDouble:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(60)
