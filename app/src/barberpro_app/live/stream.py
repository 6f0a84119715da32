"""One open answer of server-sent events (HTML Living Standard §9.2)."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable

from starlette.types import Receive, Scope, Send

from barberpro_app.kit.tasks import end
from barberpro_app.live.hub import LOOK_AGAIN, Change, Hub, Subscription

#: Nothing silent for longer, whatever stands between; `beat` lets the page notice a dead connection.
BEAT_SECONDS = 15.0
#: An answer ends after this long (a little different for each) and the browser asks anew: whoever
#: was signed out or lost a role hears nothing after that.
LONGEST_SECONDS = 600.0
#: What the browser waits before it connects again, milliseconds.
RETRY_MILLISECONDS = 1000
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
]

Words = Callable[[Change], dict[str, object]]


class EventStream:
    """An ASGI answer that lives as long as reader, subscription and time permit.

    `words` says what of a change this reader may know; `closed` is called once at the end.
    """

    def __init__(
        self, hub: Hub, subscription: Subscription, words: Words, closed: Callable[[], None]
    ) -> None:
        self._hub = hub
        self._subscription = subscription
        self._words = words
        self._closed = closed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        gone = asyncio.create_task(_until_gone(receive))
        telling = asyncio.create_task(self._tell(send))
        limit = LONGEST_SECONDS * random.uniform(0.8, 1.2)  # noqa: S311 (spread, not secrecy)
        try:
            await asyncio.wait({gone, telling}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            if not gone.done():
                self._subscription.end()
                await asyncio.wait({gone, telling}, timeout=1, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._closed()
            await end(gone, telling)

    async def _tell(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        # without an id: what was missed comes after it, and has to be asked for again if it does not
        await _send(send, f"retry: {RETRY_MILLISECONDS}\nevent: hello\ndata:\n\n")
        while True:
            try:
                told = await asyncio.wait_for(self._subscription.next(), BEAT_SECONDS)
            except TimeoutError:
                await _send(send, "event: beat\ndata:\n\n")
                continue
            if told is None:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                return
            number, change = told
            event = "again" if change is LOOK_AGAIN else "change"
            words = json.dumps(self._words(change), separators=(",", ":"))
            identity = self._hub.identify(number)
            await _send(send, f"id: {identity}\nevent: {event}\ndata: {words}\n\n")


async def _send(send: Send, text: str) -> None:
    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue
