"""Requests to servers that people name: only to public addresses, by HTTPS, and with bounded answers.

A name is resolved here and the connection goes to the address that was checked, so that a name cannot
point elsewhere a moment later. `own_network` permits a server of the business's own network.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from urllib.parse import urljoin

import httpx

from barberpro_app.calendar_sync.errors import PeerError, wait_of
from barberpro_app.kit.addresses import (
    Address,
    NoSuchHostError,
    PrivateAddressError,
    permitted_addresses,
)

TIMEOUT = httpx.Timeout(15.0, connect=6.0)
REQUEST_SECONDS = 40.0
LARGEST_ANSWER = 24 * 1_048_576
MOST_REDIRECTS = 4
_REDIRECTS = {301, 302, 307, 308}


class ForbiddenAddressError(PeerError):
    """The address is not one of the public Internet."""

    def __init__(self, reason: str = "not a public https address") -> None:
        super().__init__("unreachable", reason)


class GuardedTransport(httpx.AsyncBaseTransport):
    """Resolves, checks, and connects to what was checked; TLS names and verifies the given host."""

    def __init__(self, *, own_network: bool) -> None:
        self._own_network = own_network
        self._inner = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        if url.scheme != "https" and not (self._own_network and url.scheme == "http"):
            raise ForbiddenAddressError
        address = await self._resolve(url.host, url.port or (443 if url.scheme == "https" else 80))
        pinned = httpx.Request(
            request.method, url.copy_with(host=str(address)), headers=request.headers,
            stream=request.stream, extensions={**request.extensions, "sni_hostname": url.host},
        )  # fmt: skip
        return await self._inner.handle_async_request(pinned)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def _resolve(self, host: str, port: int) -> Address:
        """One of the host's addresses; all of them must be permitted."""
        try:
            found = await permitted_addresses(host, port, own_network=self._own_network)
        except NoSuchHostError as error:
            raise PeerError("unreachable", "no such host") from error
        except PrivateAddressError as error:
            raise ForbiddenAddressError from error
        return found[0]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, read whole; `url` is where it came from in the end."""

    status: int
    headers: httpx.Headers
    content: bytes
    url: str


class Web:
    """Sends requests to one server; `close` ends its connections."""

    def __init__(self, *, own_network: bool, auth: httpx.Auth | None = None) -> None:
        self._client = httpx.AsyncClient(
            transport=GuardedTransport(own_network=own_network), auth=auth, timeout=TIMEOUT,
            follow_redirects=False, trust_env=False, headers={"User-Agent": "BarberPro"},
        )  # fmt: skip

    async def close(self) -> None:
        await self._client.aclose()

    async def send(
        self, method: str, url: str, *, headers: dict[str, str] | None = None,
        content: bytes = b"", unauthorized: bool = False,
    ) -> Reply:  # fmt: skip
        """Any answer but 401, 429 and 5xx. Raises `PeerError` for those and for a network's failure.
        `unauthorized`: a 401 as well, for its body says what is wrong.

        A redirect is followed with the method kept, to https only; who redirects has seen the
        password already.
        """
        for _ in range(MOST_REDIRECTS + 1):
            try:
                async with asyncio.timeout(REQUEST_SECONDS):
                    reply = await self._one(method, url, headers or {}, content)
            except (httpx.HTTPError, OSError, TimeoutError) as error:
                raise PeerError("unreachable", type(error).__name__) from error
            except (httpx.InvalidURL, ValueError) as error:
                raise ForbiddenAddressError("not an address") from error
            target = reply.headers.get("location", "")
            if reply.status not in _REDIRECTS or not target:
                return reply if unauthorized and reply.status == 401 else _judged(reply)
            url = urljoin(url, target)
        raise PeerError("unreachable", "too many redirects")

    async def _one(self, method: str, url: str, headers: dict[str, str], content: bytes) -> Reply:
        async with self._client.stream(method, url, headers=headers, content=content) as answer:
            parts, size = [], 0
            async for part in answer.aiter_bytes():
                size += len(part)
                if size > LARGEST_ANSWER:
                    raise PeerError("later", "the answer is too large")
                parts.append(part)
        return Reply(answer.status_code, answer.headers, b"".join(parts), url)


def _judged(reply: Reply) -> Reply:
    if reply.status == 401:
        raise PeerError("refused", "401")
    if reply.status == 429 or (reply.status == 503 and "retry-after" in reply.headers):
        wait = wait_of(reply.headers.get("retry-after", ""))
        raise PeerError("limited", str(reply.status), wait)
    if reply.status >= 500 and reply.status != 507:
        raise PeerError("later", str(reply.status))
    return reply
