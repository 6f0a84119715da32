"""The SQL of channels and consents."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from barberpro_app.kit.database import Connection


async def channels(connection: Connection, client_id: UUID) -> list[dict[str, Any]]:
    cursor = await connection.execute(
        "SELECT channel, address, agreed, preferred, problem, updated_at FROM contact_channel"
        " WHERE client_id = %s ORDER BY channel",
        (client_id,),
    )
    return await cursor.fetchall()


async def consents(connection: Connection, client_id: UUID) -> list[dict[str, Any]]:
    cursor = await connection.execute(
        "SELECT channel, given, source, text_version, at FROM channel_consent"
        " WHERE client_id = %s ORDER BY id DESC LIMIT 100",
        (client_id,),
    )
    return await cursor.fetchall()


async def email_of(connection: Connection, client_id: UUID) -> str | None:
    cursor = await connection.execute("SELECT email FROM client WHERE id = %s", (client_id,))
    row = await cursor.fetchone()
    return row["email"] if row else None


async def set_channel(connection: Connection, values: dict[str, Any]) -> None:
    """Writes over what was there; a new address has no problem yet. `proved`: whoever says so is the
    person, or the team; a word from a number proves the number alone."""
    await connection.execute(
        "INSERT INTO contact_channel (client_id, channel, address, agreed, preferred, proved)"
        " VALUES (%(client_id)s, %(channel)s, %(address)s, %(agreed)s, %(preferred)s, %(proved)s)"
        " ON CONFLICT (client_id, channel) DO UPDATE SET agreed = EXCLUDED.agreed,"
        " preferred = EXCLUDED.preferred, address = EXCLUDED.address, updated_at = now(),"
        " proved = contact_channel.proved OR EXCLUDED.proved,"
        " wa_id = CASE WHEN contact_channel.address = EXCLUDED.address"
        "   THEN contact_channel.wa_id END,"
        " problem = CASE WHEN contact_channel.address = EXCLUDED.address AND NOT EXCLUDED.agreed"
        "   THEN contact_channel.problem END",
        values,
    )


async def add_consent(connection: Connection, values: dict[str, Any]) -> None:
    await connection.execute(
        "INSERT INTO channel_consent (client_id, channel, given, source, text_version, given_by)"
        " VALUES (%(client_id)s, %(channel)s, %(agreed)s, %(source)s, %(text_version)s,"
        " %(given_by)s)",
        values,
    )


async def at_numbers(connection: Connection, numbers: list[str]) -> list[dict[str, Any]]:
    """The WhatsApp channels at any of these numbers."""
    cursor = await connection.execute(
        "SELECT client_id, address, agreed, wa_id FROM contact_channel"
        " WHERE channel = 'whatsapp' AND (address = ANY (%(numbers)s) OR wa_id = ANY (%(numbers)s))"
        " ORDER BY client_id FOR UPDATE",
        {"numbers": numbers},
    )
    return await cursor.fetchall()


async def set_wa_id(connection: Connection, client_id: UUID, wa_id: str) -> None:
    await connection.execute(
        "UPDATE contact_channel SET wa_id = %s WHERE client_id = %s AND channel = 'whatsapp'"
        " AND wa_id IS DISTINCT FROM %s",
        (wa_id, client_id, wa_id),
    )
