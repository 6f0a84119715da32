"""Check-in, missed bookings, and the owner's rules about them.

Missed bookings may ask for a deposit (pricing: rules that apply to `no_shows`) and, from a number on,
leave booking to the team; both count what `client_no_shows` in the database counts.
"""

from __future__ import annotations

from uuid import UUID

from barberpro_app.attendance import repository
from barberpro_app.attendance.schemas import (
    AttendanceRules,
    AttendanceRulesChange,
    Forgiveness,
    Score,
)
from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.booking.repository import actor_argument
from barberpro_app.booking.schemas import Booking
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import NotAllowedError, NotFoundError, StaleVersionError


async def get_rules(connection: Connection) -> AttendanceRules:
    """What holds now."""
    return AttendanceRules.model_validate(await repository.rules(connection))


async def change_rules(
    connection: Connection, actor: Actor, change: AttendanceRulesChange
) -> AttendanceRules:
    """Needs a transaction. Raises `StaleVersionError`."""
    values = change.model_dump(exclude={"version"})
    if not await repository.set_rules(connection, values, change.version):
        raise StaleVersionError(field="version")
    await record(connection, actor, "attendance.changed", AuditedObject("settings", ""), values)
    return await get_rules(connection)


async def score(connection: Connection, client_id: UUID) -> Score:
    """How reliably a client comes. Raises `NotFoundError`."""
    found = await repository.score(connection, client_id)
    if found is None:
        raise NotFoundError
    return Score.model_validate(found)


async def forgive(
    connection: Connection, actor: Actor, booking_id: UUID, what: Forgiveness
) -> None:
    """A missed booking counts no more; not for clients. Raises `NotFoundError`,
    `NotChangeableError`."""
    if actor.principal.kind in {"client", "anonymous"}:
        raise NotAllowedError
    await repository.forgive(connection, actor_argument(actor), booking_id, what.reason)


async def check_in(connection: Connection, actor: Actor, booking_id: UUID) -> Booking:
    """The client is here; one who was is answered as it is. Raises `NotFoundError`,
    `NotChangeableError`, `NotTodayError` and, for clients, `NotYetError`."""
    if actor.principal.is_anonymous:
        raise NotAllowedError
    document = await repository.check_in(connection, actor_argument(actor), booking_id)
    return Booking.model_validate(document)


async def todays_bookings(
    connection: Connection, client_id: UUID, location_id: UUID
) -> list[tuple[UUID, str]]:
    """What a client has at a location today, earliest first: keys and statuses."""
    rows = await repository.todays(connection, client_id, location_id)
    return [(row["id"], row["status"]) for row in rows]
