"""An HTTPS client for one deployment, which reaches it whether or not its name resolves here.

It connects to ``Access.address:port`` while it asks for ``Access.hostname`` (SNI and Host), trusts
the target's CA alone, speaks TLS 1.3 alone, keeps one connection open, and refuses to go anywhere
else: a redirect or link that leaves the deployment is an error and not a request.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from typing import Any

import httpx

from barberpro.errors import BarberProError
from barberpro.targets.protocol import Access, PassingFaultError

TIMEOUT_SECONDS = 10.0
POLL_SECONDS = 0.025
BUSY = frozenset({502, 503, 504})


class UnreachableError(BarberProError):
    """The deployment does not answer."""


class _Pinned(httpx.HTTPTransport):
    """Sends what is meant for the deployment's hostname to its address, and nothing else."""

    def __init__(self, access: Access, context: ssl.SSLContext) -> None:
        super().__init__(verify=context, limits=httpx.Limits(max_keepalive_connections=4))
        self.access = access

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.scheme != "https" or request.url.host != self.access.hostname:
            raise UnreachableError(
                f"the deployment sent its client elsewhere: {request.url}",
                where=self.access.url,
                mend="public_url in app.json must be the URL that the router serves",
            )
        pinned = httpx.Request(
            request.method,
            request.url.copy_with(host=self.access.address, port=self.access.port),
            headers=request.headers,  # with the Host of the name that was asked for
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": self.access.hostname},
        )
        try:
            return super().handle_request(pinned)
        except httpx.HTTPError as error:
            raise PassingFaultError(
                f"no answer from {request.url.path}: {str(error) or type(error).__name__}",
                where=f"{self.access.address}:{self.access.port}",
            ) from error


def _refuse_busy(response: httpx.Response) -> None:
    """What a router says while its upstream restarts or is too busy is no answer of the app's."""
    if response.status_code in BUSY:
        text = response.read().decode(errors="replace")
        path = response.request.url.path
        raise PassingFaultError(f"{path} answers {response.status_code} {text[:200]}")


def trust(access: Access) -> ssl.SSLContext:
    """A context that trusts the target's CA and no other, at TLS 1.3."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    try:
        context.load_verify_locations(cafile=access.ca_certificate)
    except (OSError, ssl.SSLError) as error:
        raise UnreachableError(
            f"the local CA's certificate cannot be read: {error}",
            where=str(access.ca_certificate),
            mend="barberpro doctor",
        ) from error
    return context


def open_client(access: Access, *, preview: bool) -> httpx.Client:
    """A client with a cookie jar; ``preview`` asks for the revision that is not live yet. No
    answer, or 502, 503 or 504, is a ``PassingFaultError``: the step is worth another try."""
    port = "" if access.port == 443 else f":{access.port}"
    headers: Mapping[str, str] = access.preview_headers if preview else {}
    return httpx.Client(
        base_url=f"https://{access.hostname}{port}",
        headers={"Accept-Language": "es-AR", "User-Agent": "BarberPro-verification", **headers},
        transport=_Pinned(access, trust(access)),
        event_hooks={"response": [_refuse_busy]},
        timeout=TIMEOUT_SECONDS,
    )


def wait_for(
    client: httpx.Client, path: str, *, seconds: float, revision: int | None = None
) -> dict[str, Any]:
    """Asks until ``path`` answers 200 (and, where given, for that revision); its JSON body.

    Raises ``UnreachableError`` with the last answer when ``seconds`` have passed.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            response = client.get(path)
            last = f"{response.status_code} {response.text[:200]}"
            body = _object(response)
            if response.status_code == 200 and revision in (None, body.get("revision")):
                return body
        except PassingFaultError as error:
            last = error.what
        if time.monotonic() > deadline:
            raise UnreachableError(
                f"{path} did not become ready in {seconds:g} s; last answer: {last}",
                where=str(client.base_url),
                mend="barberpro logs DEPLOYMENT",
            )
        time.sleep(POLL_SECONDS)


def _object(response: httpx.Response) -> dict[str, Any]:
    if "json" not in response.headers.get("content-type", ""):
        return {}
    body = response.json()
    return body if isinstance(body, dict) else {}
