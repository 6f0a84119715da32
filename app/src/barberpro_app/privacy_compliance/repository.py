"""SQL of privacy: consents, requests, and what is kept about a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.sql import SQL, Identifier
from psycopg.types.json import Jsonb

from barberpro_app.kit.database import Connection

Row = dict[str, Any]

#: Kept for the running of sign-in, not about the person.
_TECHNICAL = ("session", "sign_in_link")
#: Their contents belong to the clinical copy, which the clinical service gives opened.
_SEALED = ("clinical_entry", "encrypted_note")

#: Activities, measures and meal plans: kept with consent alone, so that nothing obliges to keep them.
BODY_DATA = ("activity_import", "activity", "measurement", "progress_goal", "nutrition_profile",
             "nutrition_plan")  # fmt: skip

_REFERRING = """
SELECT c.conrelid::regclass::text AS "table", a.attname AS "column"
FROM pg_constraint c
JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
JOIN pg_class r ON r.oid = c.conrelid AND NOT r.relispartition
WHERE c.contype = 'f' AND c.confrelid = 'client'::regclass AND cardinality(c.conkey) = 1
ORDER BY 1, 2
"""

_REQUESTS = """
SELECT r.id, r.client_id, c.name AS client_name, r.kind, r.detail, r.state, r.received_at, r.due_at,
       r.state = 'open' AND r.due_at < now() AS overdue, r.decided_at, r.decided_by, r.decision,
       r.answer, r.version
FROM data_request r JOIN client c ON c.id = r.client_id
WHERE (%(id)s::uuid IS NULL OR r.id = %(id)s)
  AND (%(client_id)s::uuid IS NULL OR r.client_id = %(client_id)s)
ORDER BY r.state <> 'open', CASE WHEN r.state = 'open' THEN r.due_at END, r.received_at DESC
LIMIT 500
"""

_CONSENTS = """
SELECT id, purpose, reference_id, text_version, locale, encode(text_sha256, 'hex') AS text_sha256,
       text, signed_name, how, given_at, revoked_at
FROM consent WHERE client_id = %(client_id)s AND (%(id)s::uuid IS NULL OR id = %(id)s)
ORDER BY given_at DESC, id
"""


async def referring(connection: Connection) -> list[tuple[str, str]]:
    """Every table that names clients, with the column; whatever service made it."""
    cursor = await connection.execute(_REFERRING)
    return [(row["table"], row["column"]) for row in await cursor.fetchall()
            if row["table"] not in _TECHNICAL]  # fmt: skip


async def rows_about(connection: Connection, table: str, column: str, client_id: UUID) -> list[Row]:
    """A table's rows about a client, without bytes: those are sealed, or files."""
    statement = SQL("SELECT to_jsonb(t) AS row FROM {} t WHERE t.{} = %s LIMIT 10000").format(
        Identifier(table), Identifier(column)
    )
    cursor = await connection.execute(statement, (client_id,))
    return [
        {name: value for name, value in found["row"].items() if not _is_bytes(value)}
        for found in await cursor.fetchall()
    ]


async def about(connection: Connection, client_id: UUID) -> dict[str, list[Row]]:
    """What is kept about a client, by table."""
    found: dict[str, list[Row]] = {
        "client": await rows_about(connection, "client", "id", client_id)
    }
    for table, column in await referring(connection):
        if table in _SEALED:
            continue
        rows = await rows_about(connection, table, column, client_id)
        if rows:
            found.setdefault(table, []).extend(rows)
    cursor = await connection.execute(
        "SELECT number, document::jsonb, signer_name, licence_number, signed_at::text"
        " FROM nutrition_document WHERE client_id = %s AND signed_at IS NOT NULL ORDER BY signed_at",
        (client_id,),
    )
    if plans := await cursor.fetchall():
        found["nutrition_signed"] = plans
    cursor = await connection.execute(
        "SELECT m.kind, m.state, m.created_at::text, m.sent_at::text FROM message m"
        " JOIN client c ON c.email = m.recipient WHERE c.id = %s ORDER BY m.created_at LIMIT 10000",
        (client_id,),
    )
    if messages := await cursor.fetchall():
        found["message"] = messages
    return found


async def count(connection: Connection, table: str, column: str, client_id: UUID) -> int:
    statement = SQL("SELECT count(*) AS count FROM {} t WHERE t.{} = %s").format(
        Identifier(table), Identifier(column)
    )
    cursor = await connection.execute(statement, (client_id,))
    row = await cursor.fetchone()
    return row["count"] if row else 0


async def add_request(
    connection: Connection, client_id: UUID, kind: str, detail: str, received: datetime,
    due: datetime,
) -> UUID | None:  # fmt: skip
    """None if the client has an open one of this kind."""
    cursor = await connection.execute(
        "INSERT INTO data_request (client_id, kind, detail, received_at, due_at)"
        " SELECT id, %(kind)s, %(detail)s, %(received)s, %(due)s FROM client"
        " WHERE id = %(client_id)s AND NOT EXISTS (SELECT FROM data_request"
        "  WHERE client_id = %(client_id)s AND kind = %(kind)s AND state = 'open')"
        " RETURNING id",
        {"client_id": client_id, "kind": kind, "detail": detail, "received": received, "due": due},
    )
    row = await cursor.fetchone()
    return row["id"] if row else None


async def lock_client(connection: Connection, client_id: UUID) -> bool:
    cursor = await connection.execute("SELECT FROM client WHERE id = %s FOR UPDATE", (client_id,))
    return await cursor.fetchone() is not None


async def requests(
    connection: Connection, *, request_id: UUID | None = None, client_id: UUID | None = None
) -> list[Row]:
    cursor = await connection.execute(_REQUESTS, {"id": request_id, "client_id": client_id})
    return await cursor.fetchall()


async def decide(
    connection: Connection, request_id: UUID, version: int, values: Mapping[str, object],
    decision: Sequence[Mapping[str, object]],
) -> bool:  # fmt: skip
    cursor = await connection.execute(
        "UPDATE data_request SET state = %(state)s, answer = %(answer)s, decided_by = %(by)s,"
        " decision = %(decision)s, decided_at = now(), updated_at = now(), version = version + 1"
        " WHERE id = %(id)s AND version = %(version)s AND state = 'open'",
        {**values, "decision": Jsonb(list(decision)), "id": request_id, "version": version},
    )
    return cursor.rowcount == 1


async def upcoming_bookings(connection: Connection, client_id: UUID) -> int:
    cursor = await connection.execute(
        "SELECT count(*) AS count FROM booking WHERE client_id = %s AND starts_at > now()"
        " AND status IN ('held', 'requested', 'confirmed', 'arrived')",
        (client_id,),
    )
    row = await cursor.fetchone()
    return row["count"] if row else 0


async def erase_messages(connection: Connection, client_id: UUID) -> None:
    await connection.execute(
        "DELETE FROM message m USING client c WHERE c.id = %s"
        " AND (m.recipient = c.email OR m.client_id = c.id) AND m.state <> 'sending'",
        (client_id,),
    )
    # and what the team was told of the person's bookings
    await connection.execute(
        "DELETE FROM message WHERE kind LIKE 'team\\_%%' AND payload->>'client_id' IN"
        " (SELECT id::text FROM client WHERE id = %s OR merged_into = %s)",
        (client_id, client_id),
    )


async def erase_booking_notes(connection: Connection, client_id: UUID) -> None:
    await connection.execute(
        "UPDATE booking SET note = '', cancel_reason = CASE WHEN cancel_reason IS NOT NULL"
        " THEN '' END WHERE client_id = %s",
        (client_id,),
    )
    await connection.execute("DELETE FROM client_note WHERE client_id = %s", (client_id,))


async def erase_contact(connection: Connection, client_id: UUID) -> None:
    """The row stays for what refers to it; nobody can be told from it."""
    await connection.execute(
        "UPDATE client SET name = '—', email = NULL, phone = NULL, note = '', locale = NULL,"
        " tags = '{}', preferred_provider_id = NULL, blocked_reason = '', version = version + 1, updated_at = now() WHERE id = %s",
        (client_id,),
    )
    await connection.execute("DELETE FROM session WHERE client_id = %s", (client_id,))
    await connection.execute("DELETE FROM sign_in_link WHERE client_id = %s", (client_id,))
    await connection.execute("DELETE FROM client_alias WHERE client_id = %s", (client_id,))


async def add_consent(connection: Connection, values: Mapping[str, object]) -> UUID | None:
    """None if one for this purpose is in force."""
    cursor = await connection.execute(
        "INSERT INTO consent (client_id, purpose, reference_id, text_version, locale, text_sha256,"
        " text, signed_name, how, given_by) VALUES (%(client_id)s, %(purpose)s, %(reference_id)s,"
        " %(text_version)s, %(locale)s, %(text_sha256)s, %(text)s, %(signed_name)s, %(how)s,"
        " %(given_by)s) ON CONFLICT DO NOTHING RETURNING id",
        values,
    )
    row = await cursor.fetchone()
    return row["id"] if row else None


async def consents(
    connection: Connection, client_id: UUID, consent_id: UUID | None = None
) -> list[Row]:
    cursor = await connection.execute(_CONSENTS, {"client_id": client_id, "id": consent_id})
    return await cursor.fetchall()


async def consent_in_force(
    connection: Connection, client_id: UUID, purpose: str, reference_id: UUID | None
) -> UUID | None:
    cursor = await connection.execute(
        "SELECT id FROM consent WHERE client_id = %s AND purpose = %s"
        " AND reference_id IS NOT DISTINCT FROM %s::uuid AND revoked_at IS NULL",
        (client_id, purpose, reference_id),
    )
    row = await cursor.fetchone()
    return row["id"] if row else None


async def revoke_consent(connection: Connection, client_id: UUID, consent_id: UUID) -> bool:
    cursor = await connection.execute(
        "UPDATE consent SET revoked_at = now() WHERE id = %s AND client_id = %s"
        " AND revoked_at IS NULL",
        (consent_id, client_id),
    )
    return cursor.rowcount == 1


def _is_bytes(value: object) -> bool:
    return isinstance(value, str) and value.startswith("\\x")
