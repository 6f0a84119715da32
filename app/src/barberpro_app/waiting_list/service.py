"""The waiting list: joining, leaving, and what the owner sets. Offers are made by the job.

Staff and API clients see all, a provider's login who waits for them, a client the own places.
"""

from __future__ import annotations

from uuid import UUID

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.booking.repository import actor_argument
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import NotAllowedError, NotFoundError, StaleVersionError
from barberpro_app.kit.idempotency import IdempotencyKey
from barberpro_app.settings import AppConfiguration
from barberpro_app.waiting_list import repository
from barberpro_app.waiting_list.schemas import (
    WaitingDraft,
    WaitingEntries,
    WaitingEntry,
    WaitingRules,
    WaitingRulesChange,
)

_LISTED = 200


async def join(
    connection: Connection,
    app: AppConfiguration,
    actor: Actor,
    draft: WaitingDraft,
    key: IdempotencyKey | None = None,
) -> WaitingEntry:
    """To the end of the line. Raises `NotFoundError`, `ClientRequiredError`, `AlreadyWaitingError`,
    `TooManyWaitingError`, `NotTheseDaysError`, `WaitingListClosedError`."""
    body = draft.model_dump(mode="json", exclude_none=True)
    if actor.principal.kind in {"client", "anonymous"}:
        body.pop("client_id", None)  # a key must not tell whether it exists
    if actor.principal.own_agenda_only and draft.provider_id != actor.principal.provider_id:
        raise NotAllowedError(field="provider_id")
    answer = await repository.call(
        connection,
        "waiting_join",
        actor_argument(actor),
        app.policies.model_dump(),
        body,
        key.as_json() if key else None,
    )
    return WaitingEntry.model_validate(answer["body"])


async def leave(
    connection: Connection, app: AppConfiguration, actor: Actor, entry_id: UUID
) -> WaitingEntry:
    """Out of the line; an offer is given back. Raises `NotFoundError`."""
    answer = await repository.call(
        connection, "waiting_leave", actor_argument(actor), app.policies.model_dump(), entry_id
    )
    return WaitingEntry.model_validate(answer["body"])


async def get(connection: Connection, actor: Actor, entry_id: UUID) -> WaitingEntry:
    """Raises `NotFoundError`, also for what is not the actor's."""
    found = await repository.get(connection, actor_argument(actor), entry_id)
    if found is None:
        raise NotFoundError
    return WaitingEntry.model_validate(found)


async def line(connection: Connection, actor: Actor) -> WaitingEntries:
    """Who waits or has an offer, first come first; not for nobody."""
    if actor.principal.is_anonymous:
        raise NotAllowedError
    rows = await repository.line(connection, actor_argument(actor), _LISTED)
    return WaitingEntries(items=[WaitingEntry.model_validate(row) for row in rows])


async def offer_of(connection: Connection, booking_id: UUID) -> UUID | None:
    """The entry to which this hold was offered; None if it is no offer."""
    return await repository.of_booking(connection, booking_id)


async def client_of(connection: Connection, entry_id: UUID) -> UUID:
    """Whose place it is. Raises `NotFoundError`."""
    found = await repository.client_of(connection, entry_id)
    if found is None:
        raise NotFoundError
    return found


async def get_rules(connection: Connection) -> WaitingRules:
    """What holds now."""
    return WaitingRules.model_validate(await repository.rules(connection))


async def change_rules(
    connection: Connection, actor: Actor, change: WaitingRulesChange
) -> WaitingRules:
    """Needs a transaction. Raises `StaleVersionError`."""
    values = change.model_dump(exclude={"version"})
    if not await repository.set_rules(connection, values, change.version):
        raise StaleVersionError(field="version")
    await record(connection, actor, "waiting_list.changed", AuditedObject("settings", ""), values)
    return await get_rules(connection)
