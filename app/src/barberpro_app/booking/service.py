"""What can be done with bookings, by whom.

Each change is atomic in itself and takes a connection in autocommit or in a transaction. `actor`
decides what may be touched: staff and API clients everything, a provider's login its own agenda, a
client the own bookings. Refusals are errors of booking.errors; what is not yours does not exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from barberpro_app.audit.trail import Actor
from barberpro_app.booking import repository
from barberpro_app.booking.schemas import (
    Agenda,
    Booking,
    BookingPage,
    BookRequest,
    CancelRequest,
    ConfirmRequest,
    HoldRequest,
    RescheduleRequest,
    Status,
    StatusRequest,
)
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import InvalidRequestError, NotAllowedError, NotFoundError
from barberpro_app.kit.idempotency import IdempotencyKey
from barberpro_app.location.holidays import near
from barberpro_app.settings import AppConfiguration

AGENDA_LIMIT = 1000


async def hold(
    connection: Connection,
    app: AppConfiguration,
    actor: Actor,
    request: HoldRequest,
    key: IdempotencyKey | None = None,
) -> Booking:
    """Keeps a time for `policies.hold_minutes`. Raises `SlotTakenError`, `SlotUnavailableError`,
    `TooSoonError`, `TooFarError`, `NotOfferedError`."""
    body = _own_agenda(actor, _dated(app, request))
    answer = await repository.hold(
        connection, repository.actor_argument(actor), _policies(app), body, _key(key)
    )
    return Booking.model_validate(answer["body"])


async def confirm(
    connection: Connection,
    app: AppConfiguration,
    actor: Actor,
    booking_id: UUID,
    request: ConfirmRequest,
    key: IdempotencyKey | None = None,
) -> Booking:
    """Turns a hold into a booking. Raises `HoldExpiredError`, `NotHeldError`,
    `ClientRequiredError`."""
    answer = await repository.confirm(
        connection,
        repository.actor_argument(actor),
        _policies(app),
        booking_id,
        _as_client(actor, request.model_dump(mode="json", exclude_none=True)),
        _key(key),
    )
    return Booking.model_validate(answer["body"])


async def extend_hold(
    connection: Connection, app: AppConfiguration, actor: Actor, booking_id: UUID
) -> Booking:
    """Starts the time of a hold again, once (WCAG 2.2.1). Raises `HoldExpiredError`,
    `AlreadyExtendedError`."""
    answer = await repository.extend(
        connection, repository.actor_argument(actor), _policies(app), booking_id
    )
    return Booking.model_validate(answer["body"])


async def book(
    connection: Connection,
    app: AppConfiguration,
    actor: Actor,
    request: BookRequest,
    key: IdempotencyKey | None = None,
) -> Booking:
    """Books at once; errors as of `hold` and `ClientRequiredError`."""
    _check_override(actor, request.override_reason)
    body = _as_client(actor, _own_agenda(actor, _dated(app, request)))
    answer = await repository.book(
        connection, repository.actor_argument(actor), _policies(app), body, _key(key)
    )
    return Booking.model_validate(answer["body"])


async def reschedule(
    connection: Connection,
    app: AppConfiguration,
    actor: Actor,
    booking_id: UUID,
    request: RescheduleRequest,
    key: IdempotencyKey | None = None,
) -> Booking:
    """Moves a confirmed booking; errors as of `hold`, `NotChangeableError`,
    `TooLateToRescheduleError`, `StaleVersionError`."""
    _check_override(actor, request.override_reason)
    body = _dated(app, request)
    if request.provider_id is not None:
        body = _own_agenda(actor, body)
    answer = await repository.reschedule(
        connection, repository.actor_argument(actor), _policies(app), booking_id, body, _key(key)
    )
    return Booking.model_validate(answer["body"])


async def cancel(
    connection: Connection,
    app: AppConfiguration,
    actor: Actor,
    booking_id: UUID,
    request: CancelRequest,
) -> Booking:
    """Cancels a booking or releases a hold; a cancelled one is answered as it is. Raises
    `TooLateToCancelError`, `NotChangeableError`, `StaleVersionError`."""
    _check_override(actor, request.override_reason)
    answer = await repository.cancel(
        connection,
        repository.actor_argument(actor),
        _policies(app),
        booking_id,
        request.model_dump(mode="json", exclude_none=True),
    )
    return Booking.model_validate(answer["body"])


async def set_status(
    connection: Connection, actor: Actor, booking_id: UUID, request: StatusRequest
) -> Booking:
    """What happened to a booking; not for clients. Raises `NotChangeableError`,
    `StaleVersionError`, and `SlotTakenError` where a cancelled one is taken back."""
    if actor.principal.kind in {"client", "anonymous"}:
        raise NotAllowedError
    answer = await repository.set_status(
        connection,
        repository.actor_argument(actor),
        booking_id,
        request.model_dump(mode="json", exclude_none=True),
    )
    return Booking.model_validate(answer["body"])


async def get(connection: Connection, actor: Actor, booking_id: UUID) -> Booking:
    """Raises `NotFoundError`, also for what is not the actor's."""
    document = await repository.get(connection, actor, booking_id)
    if document is None:
        raise NotFoundError
    return Booking.model_validate(document)


async def get_by_code(connection: Connection, actor: Actor, code: str) -> Booking:
    """The booking of a code, in any spelling of its letters' case. Raises `NotFoundError`."""
    document = await repository.get_by_code(connection, actor, code.strip().upper())
    if document is None:
        raise NotFoundError
    return Booking.model_validate(document)


@dataclass(frozen=True, slots=True)
class BookingQuery:
    """Which bookings; None does not restrict. `after` is `BookingPage.next` of the page before."""

    client_id: UUID | None = None
    provider_id: UUID | None = None
    location_id: UUID | None = None
    session_id: UUID | None = None
    statuses: tuple[Status, ...] | None = None
    starts_from: datetime | None = None
    starts_before: datetime | None = None
    after: str | None = None
    limit: int = 50


async def search(connection: Connection, actor: Actor, query: BookingQuery) -> BookingPage:
    """The actor's bookings that match, earliest first."""
    documents = await repository.search(
        connection, _filters(actor, query), _read_cursor(query.after), query.limit + 1
    )
    items = [Booking.model_validate(document) for document in documents[: query.limit]]
    more = len(documents) > query.limit
    return BookingPage(items=items, next=_write_cursor(items[-1]) if more else None)


async def agenda(
    connection: Connection,
    actor: Actor,
    day: date,
    *,
    provider_id: UUID | None = None,
    location_id: UUID | None = None,
) -> Agenda:
    """All bookings that start on a local day, without expired holds; not for clients."""
    if actor.principal.kind in {"client", "anonymous"}:
        raise NotAllowedError
    zone = await repository.location_zone(connection, location_id)
    if zone is None:
        raise NotFoundError(field="location_id")
    midnight = datetime.combine(day, time(), ZoneInfo(zone))
    next_midnight = datetime.combine(day + timedelta(days=1), time(), ZoneInfo(zone))
    query = BookingQuery(
        provider_id=provider_id,
        location_id=location_id,
        statuses=("held", "requested", "confirmed", "arrived", "completed", "no_show", "cancelled"),
        starts_from=midnight,
        starts_before=next_midnight,
        limit=AGENDA_LIMIT,
    )
    page = await search(connection, actor, query)
    return Agenda(day=day, items=page.items)


def _filters(actor: Actor, query: BookingQuery) -> dict[str, Any]:
    """The query's conditions, narrowed to what the actor may see."""
    principal = actor.principal
    client_id, provider_id = query.client_id, query.provider_id
    if principal.kind == "anonymous":
        raise NotAllowedError
    if principal.kind == "client":
        client_id = principal.client_id
    if principal.own_agenda_only:
        own = principal.provider_id or UUID(int=0)
        if provider_id not in (None, own):
            raise NotAllowedError(field="provider_id")
        provider_id = own
    return {
        "client_id": client_id,
        "provider_id": provider_id,
        "location_id": query.location_id,
        "session_id": query.session_id,
        "statuses": list(query.statuses) if query.statuses else None,
        "starts_from": query.starts_from,
        "starts_before": query.starts_before,
    }


def _write_cursor(last: Booking) -> str:
    return f"{last.starts_at.isoformat()}_{last.id}"


def _read_cursor(after: str | None) -> tuple[datetime, UUID] | None:
    if after is None:
        return None
    start, _, key = after.partition("_")
    try:
        instant = datetime.fromisoformat(start)
        booking_id = UUID(key)
    except ValueError as error:
        raise InvalidRequestError("This is not the `next` of a page.", field="after") from error
    if instant.tzinfo is None:
        raise InvalidRequestError("This is not the `next` of a page.", field="after")
    return instant, booking_id


def _policies(app: AppConfiguration) -> dict[str, int]:
    return app.policies.model_dump()


def _key(key: IdempotencyKey | None) -> dict[str, str] | None:
    return key.as_json() if key else None


def _dated(app: AppConfiguration, request: HoldRequest | RescheduleRequest) -> dict[str, Any]:
    """The body for the database, with the public holidays near its start."""
    body = request.model_dump(mode="json", exclude_none=True)
    body["holidays"] = [day.isoformat() for day in near(app.country, request.starts_at)]
    return body


def _own_agenda(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """A provider's login books into its own agenda only."""
    body["source"] = actor.principal.kind
    if actor.principal.own_agenda_only:
        own = str(actor.principal.provider_id or UUID(int=0))
        if body.setdefault("provider_id", own) != own:
            raise NotAllowedError(field="provider_id")
    return body


def _as_client(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Only staff and API clients name a client by key: a key must not tell whether it exists."""
    if actor.principal.kind in {"client", "anonymous"}:
        body.pop("client_id", None)
    return body


def _check_override(actor: Actor, reason: str | None) -> None:
    if reason is not None and actor.principal.kind in {"client", "anonymous"}:
        raise NotAllowedError(field="override_reason")
