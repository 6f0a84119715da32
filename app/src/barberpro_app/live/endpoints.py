"""`GET /events`: tells an open page that it should fetch its part anew; no state, no personal data.

`what=agenda` is for the team: which provider's days changed. `what=times` is for anybody: that the
free times of a day changed, nothing else.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from barberpro_app.identity.auth import current_principal
from barberpro_app.identity.errors import UnauthenticatedError
from barberpro_app.identity.principal import Principal
from barberpro_app.kit.errors import AppError, InvalidRequestError, NotAllowedError
from barberpro_app.kit.ratelimit import Limit, RateLimiter, network_of
from barberpro_app.kit.requests import RequestInfo
from barberpro_app.live.hub import Change, Hub, Interest
from barberpro_app.live.stream import EventStream, Words

router = APIRouter(include_in_schema=False)

LONGEST_SPAN = timedelta(days=62)
#: Open answers of one process: of one visitor's network, of one member of the team, of all visitors,
#: and of all. The team keeps room whatever visitors do.
PER_NETWORK, PER_MEMBER, VISITORS, EVERYBODY = 40, 20, 600, 900
OPENED_PER_NETWORK = Limit("live-network", 120, 60)


class TooManyListenersError(AppError):
    """Too many pages listen already; look again in a while."""

    code = "too_many_requests"
    status = 429
    headers = {"Retry-After": "30"}  # noqa: RUF012 (as in the base)


@dataclass
class Listeners:
    """How many answers are open, and whose."""

    by_owner: Counter[str] = field(default_factory=Counter)
    visitors: int = 0
    total: int = 0

    def enter(self, owner: str, *, visitor: bool) -> None:
        """Raises `TooManyListenersError`."""
        most = PER_NETWORK if visitor else PER_MEMBER
        full = visitor and self.visitors >= VISITORS
        if full or self.total >= EVERYBODY or self.by_owner[owner] >= most:
            raise TooManyListenersError
        self.by_owner[owner] += 1
        self.visitors += visitor
        self.total += 1

    def leave(self, owner: str, *, visitor: bool) -> None:
        self.by_owner[owner] -= 1
        if self.by_owner[owner] <= 0:
            del self.by_owner[owner]
        self.visitors -= visitor
        self.total -= 1


@dataclass
class Live:
    """What the composition root puts at `app.state.live`."""

    hub: Hub
    listeners: Listeners = field(default_factory=Listeners)

    def stop(self) -> None:
        self.hub.stop()


class _Answer(Response):
    """Lets FastAPI return an ASGI answer of our own."""

    def __init__(self, stream: EventStream) -> None:
        super().__init__()
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._stream(scope, receive, send)


@router.get("/events")
async def events(
    request: Request,
    what: Literal["agenda", "times"],
    first: date,
    last: date,
    provider: UUID | None = None,
    since: Annotated[str, Query(max_length=40)] = "",
    principal: Principal = Depends(current_principal),
) -> Response:
    """Server-sent events `change` and `again` (both: fetch anew), `hello` and `beat`."""
    if last < first or last - first > LONGEST_SPAN:
        raise InvalidRequestError("At most 62 days, in order.", field="last")
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise NotAllowedError("Other sites may not listen.")
    providers = frozenset({provider}) if provider else None
    team = what == "agenda"
    if team:
        providers = _own(principal, providers)
    owner = f"staff:{principal.id}" if team else _network(request)
    live: Live = request.app.state.live
    since = request.headers.get("last-event-id", since)[:40]
    live.listeners.enter(owner, visitor=not team)
    subscription = live.hub.subscribe(Interest(providers, first, last, team), since)

    def closed() -> None:
        live.hub.unsubscribe(subscription)
        live.listeners.leave(owner, visitor=not team)

    words: Words = _for_team if team else _for_anybody
    return _Answer(EventStream(live.hub, subscription, words, closed))


def _own(principal: Principal, providers: frozenset[UUID] | None) -> frozenset[UUID] | None:
    """Whose days a member of the team may hear of."""
    if not principal.is_staff or not principal.has_scope("bookings:read"):
        raise UnauthenticatedError if principal.is_anonymous else NotAllowedError
    if principal.own_agenda_only:
        return frozenset({principal.provider_id} if principal.provider_id else ())
    return providers


def _network(request: Request) -> str:
    network = network_of(RequestInfo.of(request.scope).client_ip)
    limiter: RateLimiter = request.app.state.rate_limiter
    limiter.check(OPENED_PER_NETWORK, network)
    return network


def _for_team(change: Change) -> dict[str, object]:
    return {
        "kind": change.kind,
        "provider": str(change.provider) if change.provider else None,
        "first": str(change.first) if change.first else None,
        "last": str(change.last) if change.last else None,
    }


def _for_anybody(change: Change) -> dict[str, object]:
    return {"day": str(change.first) if change.first else None}
