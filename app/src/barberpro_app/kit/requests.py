"""What every request carries: an id, who asks, where from.

A pure ASGI middleware sets it, for it costs a tenth of one that wraps the request in objects and
tasks. `X-Request-Id` is taken from the router where it looks like an id, else made, and given back.
"""

from __future__ import annotations

import re
import time
import uuid
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_KEY = "barberpro.request"
_PLAUSIBLE_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}")


@dataclass(slots=True)
class RequestInfo:
    """One per request, at the scope's own key; the layers above fill in `principal`, `actor`
    and, for an answer that is a problem, its `problem` code."""

    request_id: str
    client_ip: str = ""
    principal: object = None
    actor: str = "anonymous"
    problem: str = ""
    started: float = field(default_factory=time.perf_counter)

    @classmethod
    def of(cls, scope: Scope) -> RequestInfo:
        """The request's info; an empty one for an application without the middleware (tests)."""
        info = scope.get(_KEY)
        if not isinstance(info, cls):
            info = scope[_KEY] = cls(new_request_id())
        return info


def new_request_id() -> str:
    return uuid.uuid4().hex


def request_id_of(scope: Scope) -> str:
    """The id of this request, for the audit trail and for problem answers."""
    return RequestInfo.of(scope).request_id


class RequestContext:
    """Gives each HTTP request its `RequestInfo` and its answer the header `X-Request-Id`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        request_id = given.decode() if _PLAUSIBLE_ID.fullmatch(given) else new_request_id()
        client = scope.get("client")
        scope[_KEY] = RequestInfo(request_id, client[0] if client else "")
        header = (b"x-request-id", request_id.encode())

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), header]
            await send(message)

        await self.app(scope, receive, send_with_id)
