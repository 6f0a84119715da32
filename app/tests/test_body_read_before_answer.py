"""A caller that is refused before its body was read gets the answer, and not a reset connection."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from starlette.types import Message, Receive, Scope, Send

from barberpro_app.kit.bodies import BoundedBody


async def refuses(_scope: Scope, _receive: Receive, send: Send) -> None:
    """An application that answers without reading anything."""
    await send({"type": "http.response.start", "status": 401, "headers": []})
    await send({"type": "http.response.body", "body": b"no"})


def asked(
    headers: list[tuple[bytes, bytes]], chunks: list[Message], largest: int = 100
) -> list[str]:
    """What happened in order: each message that was read and each that was sent."""
    happened: list[str] = []
    left: Iterator[Message] = iter(chunks)

    async def receive() -> Message:
        message = next(left)
        happened.append(f"read {len(message.get('body', b''))}")
        return message

    async def send(message: Message) -> None:
        happened.append(message["type"].removeprefix("http.response."))

    scope = {"type": "http", "method": "POST", "path": "/", "headers": headers}
    asyncio.run(BoundedBody(refuses, largest)(scope, receive, send))
    return happened


def part(body: bytes, *, more: bool) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


@pytest.mark.parametrize("header", [(b"content-length", b"5"), (b"transfer-encoding", b"chunked")])
def test_what_was_sent_is_read_before_the_answer(header: tuple[bytes, bytes]) -> None:
    chunks = [part(b"abc", more=True), part(b"de", more=False)]
    assert asked([header], chunks) == ["read 3", "read 2", "start", "body"]


@pytest.mark.parametrize("headers", [[], [(b"content-length", b"0")]])
def test_without_a_body_nothing_is_waited_for(headers: list[tuple[bytes, bytes]]) -> None:
    assert asked(headers, []) == ["start", "body"]


def test_no_more_is_read_than_is_accepted() -> None:
    chunks = [part(b"x" * 60, more=True) for _ in range(9)]
    header = (b"transfer-encoding", b"chunked")
    assert asked([header], chunks) == ["read 60", "read 60", "start", "body"]


def test_a_caller_that_went_away_is_not_waited_for() -> None:
    gone: Message = {"type": "http.disconnect"}
    assert asked([(b"content-length", b"5")], [gone]) == ["read 0", "start", "body"]
