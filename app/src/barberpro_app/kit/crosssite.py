"""Refuses requests that another site makes a browser send (CSRF).

Browsers say where an unsafe request comes from in `Sec-Fetch-Site`, older ones in `Origin`
(Fetch Metadata, W3C; RFC 6454). A request with neither is not from a browser of the last years and
is let through here; the form token (`identity.forms`) and SameSite cookies stand behind. A request
with an `Authorization` header carries its credential itself and cannot be forged by another site.
"""

from __future__ import annotations

from collections.abc import Iterable

from starlette.types import ASGIApp, Receive, Scope, Send

_SAFE_METHODS = {"GET", "HEAD", "OPTIONS", "TRACE"}


def is_cross_site(headers: Iterable[tuple[bytes, bytes]], public_origin: str, scheme: str) -> bool:
    """Whether the headers of an unsafe request say that another site sent it.

    `public_origin` is scheme://host[:port] as configured; the request's own Host counts too, so
    that the app can be used by an address that only the machine itself knows.
    """
    given = {name: value for name, value in headers if name in _READ}
    if b"authorization" in given:
        return False
    site = given.get(b"sec-fetch-site")
    if site is not None:
        return site not in {b"same-origin", b"none"}
    origin = given.get(b"origin")
    if origin is None:
        return False
    own = f"{scheme}://".encode() + given.get(b"host", b"")
    return origin not in {public_origin.encode(), own}


_READ = {b"authorization", b"sec-fetch-site", b"origin", b"host"}


class RefuseCrossSite:
    """Answers a forged request with `refusal` and passes on every other."""

    def __init__(self, app: ASGIApp, public_url: str, refusal: ASGIApp) -> None:
        self.app = app
        self._origin = public_url.rstrip("/")
        self._refusal = refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (
            scope["type"] == "http"
            and scope["method"] not in _SAFE_METHODS
            and is_cross_site(scope["headers"], self._origin, scope.get("scheme", "https"))
        ):
            await self._refusal(scope, receive, send)
            return
        await self.app(scope, receive, send)
