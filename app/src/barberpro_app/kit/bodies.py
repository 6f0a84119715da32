"""Bodies of requests are bounded, whether they say their length or not."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from barberpro_app.kit.problems import Problem, answer
from barberpro_app.kit.requests import request_id_of

_DETAIL = "The request is larger than this accepts."


class BoundedBody:
    """Answers 413 to a longer body; one without a length is cut off when it has sent too much."""

    def __init__(self, app: ASGIApp, largest: int, larger: Mapping[str, int] | None = None) -> None:
        """`largest` in bytes; `larger` for the paths that take more."""
        self.app = app
        self._largest = largest
        self._larger = dict(larger or {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        largest = self._larger.get(scope["path"], self._largest)
        length = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
        if length.isdigit() and (len(length) > 15 or int(length) > largest):
            problem = Problem(413, "too_large", _DETAIL, request_id_of(scope))
            await answer(Request(scope), problem)(scope, receive, send)
            return
        got, complete = 0, not _has_body(scope)

        async def receive_bounded() -> Message:
            nonlocal got, complete
            message = await receive()
            complete = complete or not message.get("more_body", False)
            got += len(message.get("body", b""))
            if got > largest:
                raise HTTPException(413, _DETAIL)
            return message

        async def send_after_body(message: Message) -> None:
            # A socket that is closed with bytes unread is reset, and the router behind which this
            # runs then loses the answer: whoever is refused early has been read to the end first.
            nonlocal got, complete
            while message["type"] == "http.response.start" and not complete:
                rest = await receive()
                got += len(rest.get("body", b""))
                complete = not rest.get("more_body", False) or got > largest
            await send(message)

        await self.app(scope, receive_bounded, send_after_body)


def _has_body(scope: Scope) -> bool:
    """By its headers: without any there is nothing to wait for (RFC 9112 §6.3)."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value not in (b"", b"0"))
        for name, value in scope["headers"]
    )
