"""What a client agreed to, per channel: changed by the client, by staff, by a word in a message."""

from __future__ import annotations

from uuid import UUID

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.client.service import get_client
from barberpro_app.contact_channel import repository
from barberpro_app.contact_channel.numbers import whatsapp_number
from barberpro_app.contact_channel.schemas import (
    Channel,
    ChannelChange,
    ChannelConsent,
    ContactChannel,
    ContactChannels,
    Source,
)
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import InvalidRequestError
from barberpro_app.settings import AppConfiguration

#: Version of the text that the pages show (web/texts, `notices.text`).
TEXT_VERSION = "2026-11"
#: Version of the words that are understood in messages (BAJA, ALTA).
WORDS_VERSION = "words-2026-11"


async def get_channels(connection: Connection, actor: Actor, client_id: UUID) -> ContactChannels:
    """Raises `NotFoundError`, also for a client who asks for another."""
    await get_client(connection, actor, client_id)
    channels = await repository.channels(connection, client_id)
    consents = await repository.consents(connection, client_id)
    return ContactChannels(
        channels=[ContactChannel.model_validate(row) for row in channels],
        consents=[ChannelConsent.model_validate(row) for row in consents],
    )


async def change_channel(
    connection: Connection,
    app: AppConfiguration,
    actor: Actor,
    client_id: UUID,
    channel: Channel,
    change: ChannelChange,
) -> ContactChannels:
    """Notes a yes or no. Needs a transaction. Raises `NotFoundError`, `InvalidRequestError`."""
    client = await get_client(connection, actor, client_id)
    if channel == "email":
        address = client.email
    else:
        known = {row["channel"]: row["address"] for row in
                 await repository.channels(connection, client_id)}  # fmt: skip
        given = change.address or known.get(channel) or client.phone or ""
        address = whatsapp_number(given, app.country)
    if address is None:
        raise InvalidRequestError("This is no mobile number.", field="address")
    values = {
        "client_id": client_id,
        "channel": channel,
        "address": address,
        "agreed": change.agreed,
        "preferred": change.preferred and change.agreed,
        "proved": True,
        "text_version": change.text_version,
        "source": _source(actor),
        "given_by": f"{actor.principal.kind}:{actor.principal.id}",
    }
    await repository.set_channel(connection, values)
    await repository.add_consent(connection, values)
    await _audit(connection, actor, client_id, channel, agreed=change.agreed)
    return await get_channels(connection, actor, client_id)


async def by_word(
    connection: Connection, actor: Actor, numbers: list[str], *, agreed: bool
) -> list[UUID]:
    """A yes or no by a message from one of these forms of a number; the clients that it is of."""
    rows = await repository.at_numbers(connection, numbers)
    for row in rows:
        values = {
            "client_id": row["client_id"],
            "channel": "whatsapp",
            "address": row["address"],
            "agreed": agreed,
            "preferred": agreed,
            "proved": False,
            "text_version": WORDS_VERSION,
            "source": "message",
            "given_by": f"client:{row['client_id']}",
        }
        await repository.set_channel(connection, values)
        await repository.add_consent(connection, values)
        await _audit(connection, actor, row["client_id"], "whatsapp", agreed=agreed)
    return [row["client_id"] for row in rows]


def _source(actor: Actor) -> Source:
    kinds: dict[str, Source] = {"staff": "staff", "api": "api"}
    return kinds.get(actor.principal.kind, "page")


async def _audit(
    connection: Connection, actor: Actor, client_id: UUID, channel: str, *, agreed: bool
) -> None:
    action = "channel.agreed" if agreed else "channel.refused"
    what = AuditedObject("client", str(client_id))
    await record(connection, actor, action, what, {"channel": channel})
