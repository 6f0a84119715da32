"""Passes a request on to the process of another service, and its answer back, piece by piece.

The peer hears the same Host, path, body and request id, and from whom the request came; nothing
else is believed by it. A peer that does not answer is a 503 that may be tried again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
from starlette.types import Receive, Scope, Send

from barberpro_app.kit.errors import UnavailableError
from barberpro_app.kit.requests import RequestInfo

#: Of one connection, not of the message (RFC 9110 §7.6.1).
HOP_BY_HOP = frozenset({
    b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"te", b"trailer",
    b"transfer-encoding", b"upgrade",
})  # fmt: skip
#: The gateway says these itself.
SAID_HERE = frozenset({b"x-forwarded-for", b"x-forwarded-proto", b"forwarded", b"x-request-id"})
#: The gateway's middleware and server say these themselves.
ANSWERED_HERE = frozenset({b"date", b"server", b"x-request-id"})
TIMEOUT = httpx.Timeout(connect=2.0, read=60.0, write=30.0, pool=5.0)
#: Peers keep an idle connection longer, so that it is ours to close.
LIMITS = httpx.Limits(max_connections=200, max_keepalive_connections=40, keepalive_expiry=20.0)
TRIES = 3
PAUSE_SECONDS = 0.2
REPEATABLE = frozenset({"GET", "HEAD"})


class PeerUnavailableError(UnavailableError):
    """The service that this belongs to does not answer; try again in a moment."""


class Peers:
    """The client that all passing shares; its connections are made when they are needed."""

    def __init__(self) -> None:
        self._client = httpx.AsyncClient(
            timeout=TIMEOUT, limits=LIMITS, trust_env=False, follow_redirects=False
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def send(self, request: httpx.Request) -> httpx.Response:
        """The beginning of the peer's answer. A connection that could not be made is tried again;
        one that broke, only where the request changes nothing."""
        for attempt in range(1, TRIES + 1):
            try:
                return await self._client.send(request, stream=True)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure: httpx.HTTPError = error
            except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError) as error:
                failure = error
                if request.method not in REPEATABLE:
                    break
            except httpx.HTTPError as error:
                failure = error
                break
            if attempt < TRIES:
                await asyncio.sleep(PAUSE_SECONDS * attempt)
        raise PeerUnavailableError from failure


class Passing:
    """An ASGI application: all that it is asked goes to `address`."""

    def __init__(self, peers: Peers, address: str) -> None:
        self._peers = peers
        self._address = httpx.URL(address)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = await self._peers.send(self._request(scope, receive))
        try:
            kept = [
                (name, value)
                for name, value in answer.headers.raw
                if name.lower() not in HOP_BY_HOP | ANSWERED_HERE
            ]
            headers = [(name.lower(), value) for name, value in kept]
            await send(
                {"type": "http.response.start", "status": answer.status_code, "headers": headers}
            )
            async for piece in answer.aiter_raw():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            await answer.aclose()

    def _request(self, scope: Scope, receive: Receive) -> httpx.Request:
        headers = [
            (name, value)
            for name, value in scope["headers"]
            if name not in HOP_BY_HOP and name not in SAID_HERE
        ]
        client = scope.get("client")
        headers.append((b"x-forwarded-proto", scope.get("scheme", "http").encode()))
        headers.append((b"x-request-id", RequestInfo.of(scope).request_id.encode()))
        if client:
            headers.append((b"x-forwarded-for", str(client[0]).encode()))
        raw = scope.get("raw_path") or scope["path"].encode()
        query = scope["query_string"]
        target = raw.partition(b"?")[0] + (b"?" + query if query else b"")
        names = {name for name, _ in scope["headers"]}
        has_body = bool(names & {b"content-length", b"transfer-encoding"})
        return httpx.Request(
            scope["method"],
            self._address.copy_with(raw_path=target),
            headers=headers,
            content=_body(receive) if has_body else None,
        )


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return
        if message.get("body"):
            yield message["body"]
        if not message.get("more_body"):
            return
