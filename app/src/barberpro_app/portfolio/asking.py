"""Asking the client: a pair is sent with a booking, its client says yes or no by a link.

Without an answer nothing is shown, and after `service.WAITED` the photographs are deleted.
"""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from barberpro_app.audit.trail import Actor, record
from barberpro_app.booking import service as bookings
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import InvalidRequestError, NotFoundError
from barberpro_app.media_processor import repository as media_repository
from barberpro_app.media_processor import service as media
from barberpro_app.media_processor.storage import MediaFolder
from barberpro_app.portfolio import repository
from barberpro_app.portfolio.schemas import Asked, Item, ItemAsk, ItemDetails, Signature
from barberpro_app.portfolio.service import (
    NotAClientError,
    NotModeratedError,
    check_photographs,
    object_of,
    text_of,
    withdraw,
)
from barberpro_app.privacy_compliance import service as privacy
from barberpro_app.settings import AppConfiguration


async def ask(connection: Connection, actor: Actor, asked: ItemAsk) -> Item:
    """Keeps a pair of a visit that took place, and asks its client by e-mail where there is one.

    Raises `NotFoundError`, `NotAClientError`, `InvalidRequestError`.
    """
    booking = await bookings.get(connection, actor, asked.booking_id)
    if booking.client is None or booking.status not in {"arrived", "completed"}:
        raise NotAClientError(field="booking_id")
    await check_photographs(connection, actor, asked.before_id, asked.after_id)
    values = {
        **asked.model_dump(),
        "provider_id": booking.provider.id,
        "service_id": booking.service.id,
        "client_id": booking.client.id,
        "consent_id": None,
        "state": "asked",
    }
    item = Item.model_validate(await repository.add(connection, values))
    await repository.tell(connection, item.id)
    await record(connection, actor, "portfolio_item.asked", object_of(item.id))
    return item


async def details(connection: Connection, actor: Actor, item_id: UUID) -> ItemDetails:
    """One pair for the team, its client, or whoever has the link. Raises `NotFoundError`."""
    rows = await repository.details(connection, item_id=item_id)
    if not rows:
        raise NotFoundError
    found, who = ItemDetails.model_validate(rows[0]), actor.principal
    if who.client_id not in {None, found.client_id}:
        raise NotFoundError
    if who.own_agenda_only and found.provider_id != who.provider_id:
        raise NotFoundError
    return found


async def every(connection: Connection, actor: Actor, states: list[str]) -> list[ItemDetails]:
    """Pairs in these states, the newest change first; a provider sees the own."""
    principal = actor.principal
    provider = principal.provider_id if principal.own_agenda_only else None
    rows = await repository.details(connection, states=states, provider=provider)
    return [ItemDetails.model_validate(row) for row in rows]


async def asked_text(
    connection: Connection, app: AppConfiguration, actor: Actor, item_id: UUID, locale: str
) -> Asked:
    """A pair with the text that its client is asked to agree to. Raises `NotFoundError`."""
    found = await details(connection, actor, item_id)
    text = text_of(app, locale)
    return Asked(item=found, text=text.text, text_sha256=text.sha256.hex())


async def agree(
    connection: Connection,
    app: AppConfiguration,
    actor: Actor,
    item_id: UUID,
    given: Signature,
    how: Literal["own_session", "by_link"] = "own_session",
) -> None:
    """The client's yes, kept as evidence; a manager looks next. The actor is the client of the pair.

    Raises `NotFoundError`, `NotModeratedError`, `ConsentTextChangedError`.
    """
    row = await _asked(connection, actor, item_id)
    text = text_of(app, given.locale)
    if text.sha256.hex() != given.text_sha256:
        raise privacy.ConsentTextChangedError
    consent = await privacy.sign(
        connection, actor, row["client_id"], text, given.signed_name,
        how=how, reference_id=row["after_id"],
    )  # fmt: skip
    await repository.set_state(connection, item_id, "pending", consent.id)
    await record(connection, actor, "portfolio_item.agreed", object_of(item_id))


async def refuse(connection: Connection, folder: MediaFolder, actor: Actor, item_id: UUID) -> None:
    """The client's no, before or after a yes: nothing is shown from this instant on, and the files
    are deleted. Safe to repeat. Raises `NotFoundError`."""
    row = await _own(connection, actor, item_id)
    if row["consent_id"] is not None:
        if row["state"] != "withdrawn":
            await withdraw(connection, folder, actor, item_id)
        return
    if row["state"] != "asked":
        return
    await repository.set_state(connection, item_id, "refused", None)
    for key in (row["before_id"], row["after_id"]):
        await media.delete(connection, folder, key)
    await record(connection, actor, "portfolio_item.refused", object_of(item_id))


async def _own(connection: Connection, actor: Actor, item_id: UUID) -> dict[str, Any]:
    row = await repository.item(connection, item_id)
    if row is None or row["client_id"] != actor.principal.client_id:
        raise NotFoundError
    return row


async def _asked(connection: Connection, actor: Actor, item_id: UUID) -> dict[str, Any]:
    row = await _own(connection, actor, item_id)
    if row["state"] != "asked":
        raise NotModeratedError
    photographs = await media_repository.find(connection, [row["before_id"], row["after_id"]])
    if any(photograph["state"] != "ready" for photograph in photographs):
        raise InvalidRequestError("The photographs are not ready.", field="item_id")
    return row
