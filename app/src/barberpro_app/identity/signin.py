"""Signing in at the edge: limits, the even answer, the cookie. Pages and endpoints call these."""

from __future__ import annotations

import asyncio
import time

from fastapi import Request
from fastapi.responses import Response

from barberpro_app.identity import service
from barberpro_app.identity.auth import SESSION_COOKIE, current_principal
from barberpro_app.identity.service import NewSession
from barberpro_app.kit.database import Database
from barberpro_app.kit.ratelimit import (
    REDEEM_PER_NETWORK,
    SIGN_IN_PER_ADDRESS,
    SIGN_IN_PER_NETWORK,
    RateLimiter,
    network_of,
)
from barberpro_app.kit.requests import RequestInfo
from barberpro_app.settings import Settings

#: Every request for a link is answered after this long, whether the address is known or not.
EVEN_SECONDS = 0.25


async def ask_for_link(
    request: Request, email: str, *, next_path: str = "", locale: str | None = None
) -> None:
    """Has a link sent if the address is known. The caller answers the same in every case.

    Raises `TooManyRequestsError`. Past the limit of one address nothing is sent and nothing said,
    for a refusal would tell that somebody else asks for this address.
    """
    started = time.monotonic()
    limiter: RateLimiter = request.app.state.rate_limiter
    limiter.check(SIGN_IN_PER_NETWORK, network_of(RequestInfo.of(request.scope).client_ip))
    if limiter.hit(SIGN_IN_PER_ADDRESS, email.strip().lower()[:254]) == 0:
        database: Database = request.app.state.database
        async with database.transaction() as connection:
            await service.request_sign_in_link(
                connection, email, next_path=next_path, locale=locale
            )
        request.app.state.wake_worker()
    request.app.state.metrics.sign_ins.labels("link_requested").inc()
    await asyncio.sleep(max(0.0, EVEN_SECONDS - (time.monotonic() - started)))


async def link_is_open(request: Request, token: str) -> bool:
    """For the page behind the link, which shows a button and changes nothing."""
    database: Database = request.app.state.database
    async with database.connection() as connection:
        return await service.link_is_open(connection, token)


async def redeem(request: Request, token: str) -> NewSession:
    """Turns the link into a session; give its answer to `start_session`.

    Raises `LinkInvalidError`, `TooManyRequestsError`.
    """
    info = RequestInfo.of(request.scope)
    limiter: RateLimiter = request.app.state.rate_limiter
    limiter.check(REDEEM_PER_NETWORK, network_of(info.client_ip))
    settings: Settings = request.app.state.settings
    database: Database = request.app.state.database
    async with database.transaction() as connection:
        session = await service.redeem_link(
            connection,
            token,
            request_id=info.request_id,
            sensitive=settings.app.compliance.health_data,
        )
    request.app.state.metrics.sign_ins.labels("redeemed").inc()
    return session


def start_session(response: Response, session: NewSession) -> None:
    """Sets the session cookie; replaces any that was there, so none can be planted beforehand."""
    response.set_cookie(
        SESSION_COOKIE,
        session.token,
        max_age=int(session.longest.total_seconds()),
        path="/",
        secure=True,
        httponly=True,
        samesite="lax",
    )


async def sign_out(request: Request, response: Response) -> None:
    """Ends this session and takes the cookie back."""
    if cookie := request.cookies.get(SESSION_COOKIE):
        database: Database = request.app.state.database
        async with database.transaction() as connection:
            await service.sign_out(
                connection, cookie, request_id=RequestInfo.of(request.scope).request_id
            )
    _forget(response)


async def sign_out_everywhere(request: Request, response: Response) -> int:
    """Ends every session of whoever asks; the number ended."""
    principal = await current_principal(request)
    database: Database = request.app.state.database
    async with database.transaction() as connection:
        ended = await service.sign_out_everywhere(
            connection, principal, request_id=RequestInfo.of(request.scope).request_id
        )
    _forget(response)
    return ended


def _forget(response: Response) -> None:
    response.delete_cookie(SESSION_COOKIE, path="/", secure=True, httponly=True, samesite="lax")
