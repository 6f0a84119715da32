"""HEAD wherever GET is (RFC 9110 §9.3.2): the same headers, and no body.

Routes know GET alone. The method is given back before the answer starts, so that the server and the
log see what was asked for.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HeadAsGet:
    """Answers HEAD as GET would begin to; an answer without end is told that its reader has gone."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return
        scope["method"] = "GET"
        started = False

        async def send_head(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                scope["method"] = "HEAD"
                started = True
                await send(message)
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        async def receive_until_started() -> Message:
            return {"type": "http.disconnect"} if started else await receive()

        try:
            await self.app(scope, receive_until_started, send_head)
        finally:
            scope["method"] = "HEAD"
