"""Bodies of requests are bounded, whether they say their length or not."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from barberpro_app.kit.problems import Problem, answer
from barberpro_app.kit.requests import request_id_of

_DETAIL = "The request is larger than this accepts."


class BoundedBody:
    """Answers 413 to a longer body; one without a length is cut off when it has sent too much."""

    def __init__(self, app: ASGIApp, largest: int) -> None:
        self.app = app
        self._largest = largest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        length = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
        if length.isdigit() and (len(length) > 15 or int(length) > self._largest):
            problem = Problem(413, "too_large", _DETAIL, request_id_of(scope))
            await answer(Request(scope), problem)(scope, receive, send)
            return
        got = 0

        async def receive_bounded() -> Message:
            nonlocal got
            message = await receive()
            got += len(message.get("body", b""))
            if got > self._largest:
                raise HTTPException(413, _DETAIL)
            return message

        await self.app(scope, receive_bounded, send)
