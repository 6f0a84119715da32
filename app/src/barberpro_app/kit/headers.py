"""Security headers on every answer, and `no-store` on every answer that is not public."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: No inline script or style anywhere, nothing from elsewhere, no framing (CSP Level 3).
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "object-src 'none'; img-src 'self' data:"
)
_ALWAYS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "strict-origin-when-cross-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


def security_headers(public_url: str) -> dict[str, str]:
    """The headers for this address; HSTS only where browsers keep the name apart from others.

    A browser that has seen HSTS for a `.localhost` name refuses plain HTTP for every port of it,
    also of other programs on the same machine.
    """
    parts = urlsplit(public_url)
    host = parts.hostname or ""
    local = host == "localhost" or host.endswith(".localhost") or host.startswith("127.")
    if parts.scheme == "https" and not local:
        return {**_ALWAYS, "strict-transport-security": "max-age=31536000; includeSubDomains"}
    return dict(_ALWAYS)


class SecurityHeaders:
    """Adds the headers that an answer does not set itself."""

    def __init__(self, app: ASGIApp, public_url: str) -> None:
        self.app = app
        self._headers = [
            (name.encode(), value.encode()) for name, value in security_headers(public_url).items()
        ]
        self._names = {name for name, _ in self._headers}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                present = {name for name, _ in headers}
                if self._names.isdisjoint(present):
                    headers += self._headers
                else:
                    headers += [pair for pair in self._headers if pair[0] not in present]
                if b"cache-control" not in present:
                    headers.append((b"cache-control", b"no-store"))
                message["headers"] = headers
            await send(message)

        await self.app(scope, receive, send_with_headers)
