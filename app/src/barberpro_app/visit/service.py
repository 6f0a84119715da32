"""What can be done with visits, by whom.

As with bookings (booking.service): each change is atomic in itself; what is not yours does not exist.
To act on a visit is to act on all of its bookings; one of them alone is changed by booking.service.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from barberpro_app.audit.trail import Actor
from barberpro_app.booking import service as bookings
from barberpro_app.booking.repository import actor_argument
from barberpro_app.booking.schemas import Booking, CancelRequest, ConfirmRequest
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import NotAllowedError, NotFoundError
from barberpro_app.kit.idempotency import IdempotencyKey
from barberpro_app.location.holidays import near
from barberpro_app.settings import AppConfiguration
from barberpro_app.visit import repository
from barberpro_app.visit.schemas import (
    Visit,
    VisitBookRequest,
    VisitHoldRequest,
    VisitMoveRequest,
)

_OUTSIDERS = frozenset({"client", "anonymous"})


async def hold(
    connection: Connection,
    app: AppConfiguration,
    actor: Actor,
    request: VisitHoldRequest,
    key: IdempotencyKey | None = None,
) -> Visit:
    """Keeps the time of all lines for `policies.hold_minutes`. Raises as `booking.service.hold`."""
    body = _own_agenda(actor, _dated(app, request))
    answer = await repository.hold(connection, actor_argument(actor), _rules(app), body, _key(key))
    return Visit.model_validate(answer["body"])


async def book(
    connection: Connection,
    app: AppConfiguration,
    actor: Actor,
    request: VisitBookRequest,
    key: IdempotencyKey | None = None,
) -> Visit:
    """Books at once; errors as of `hold` and `ClientRequiredError`."""
    _check_override(actor, request.override_reason)
    body = _as_client(actor, _own_agenda(actor, _dated(app, request)))
    answer = await repository.book(connection, actor_argument(actor), _rules(app), body, _key(key))
    return Visit.model_validate(answer["body"])


async def confirm(
    connection: Connection,
    app: AppConfiguration,
    actor: Actor,
    visit_id: UUID,
    request: ConfirmRequest,
    key: IdempotencyKey | None = None,
) -> Visit:
    """Turns the holds into bookings, all or none. Raises as `booking.service.confirm`, and
    `DepositRequiredError`."""
    body = _as_client(actor, request.model_dump(mode="json", exclude_none=True))
    answer = await repository.confirm(
        connection, actor_argument(actor), _rules(app), visit_id, body, _key(key)
    )
    return Visit.model_validate(answer["body"])


async def reschedule(
    connection: Connection,
    app: AppConfiguration,
    actor: Actor,
    visit_id: UUID,
    request: VisitMoveRequest,
    key: IdempotencyKey | None = None,
) -> Visit:
    """Moves all that is confirmed of a visit. Raises as `booking.service.reschedule`."""
    _check_override(actor, request.override_reason)
    answer = await repository.reschedule(
        connection, actor_argument(actor), _rules(app), visit_id, _dated(app, request), _key(key)
    )
    return Visit.model_validate(answer["body"])


async def cancel(
    connection: Connection,
    app: AppConfiguration,
    actor: Actor,
    visit_id: UUID,
    request: CancelRequest,
) -> Visit:
    """Cancels what is still to come of a visit, or releases its hold; a cancelled one is answered
    as it is. Raises as `booking.service.cancel`."""
    _check_override(actor, request.override_reason)
    body = request.model_dump(mode="json", exclude_none=True)
    answer = await repository.cancel(connection, actor_argument(actor), _rules(app), visit_id, body)
    return Visit.model_validate(answer["body"])


async def get(connection: Connection, actor: Actor, visit_id: UUID) -> Visit:
    """Raises `NotFoundError`, also where a part of it is not the actor's."""
    document = await repository.get(connection, actor, visit_id)
    if document is None:
        raise NotFoundError
    return Visit.model_validate(document)


async def sitting(connection: Connection, actor: Actor, booking_id: UUID) -> Booking:
    """The booking, or the visit that it is of. Raises `NotFoundError`."""
    booking = await bookings.get(connection, actor, booking_id)
    return await get(connection, actor, booking.visit_id) if booking.visit_id else booking


async def cancel_sitting(
    connection: Connection,
    app: AppConfiguration,
    actor: Actor,
    booking_id: UUID,
    request: CancelRequest,
) -> Booking:
    """Cancels the booking, or all of the visit that it is of. Raises as `cancel`."""
    booking = await bookings.get(connection, actor, booking_id)
    if booking.visit_id is not None:
        return await cancel(connection, app, actor, booking.visit_id, request)
    return await bookings.cancel(connection, app, actor, booking_id, request)


def _rules(app: AppConfiguration) -> dict[str, int]:
    return app.policies.model_dump()


def _key(key: IdempotencyKey | None) -> dict[str, str] | None:
    return key.as_json() if key else None


def _dated(app: AppConfiguration, request: VisitHoldRequest | VisitMoveRequest) -> dict[str, Any]:
    """The body for the database, with the public holidays near its start."""
    body = request.model_dump(mode="json", exclude_none=True)
    body["holidays"] = [day.isoformat() for day in near(app.country, request.starts_at)]
    return body


def _own_agenda(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """A provider's login books into its own agenda only."""
    body["source"] = actor.principal.kind
    if actor.principal.own_agenda_only:
        own = str(actor.principal.provider_id or UUID(int=0))
        for line in body["lines"]:
            if line.setdefault("provider_id", own) != own:
                raise NotAllowedError(field="lines")
    return body


def _as_client(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Only staff and API clients name a client by key: a key must not tell whether it exists."""
    if actor.principal.kind in _OUTSIDERS:
        body.pop("client_id", None)
    return body


def _check_override(actor: Actor, reason: str | None) -> None:
    if reason is not None and actor.principal.kind in _OUTSIDERS:
        raise NotAllowedError(field="override_reason")
