"""SQL of clinical records."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from barberpro_app.audit.trail import Actor
from barberpro_app.clinical_records.errors import RetentionFloorError
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import NotFoundError
from barberpro_app.kit.idempotency import REFUSED

Row = dict[str, Any]

_FACTS = """
SELECT g.level, coalesce(g.all_patients, false) AS all_patients,
       %(provider_id)s::uuid IS NOT NULL AND clinical_own_patient(c.id, %(provider_id)s) AS own,
       (SELECT max(until) FROM clinical_emergency e
        WHERE e.client_id = c.id AND e.staff_id = %(staff_id)s AND e.until > now()) AS until
FROM client c LEFT JOIN clinical_grant g ON g.staff_id = %(staff_id)s
WHERE c.id = %(client_id)s
"""

_ENTRIES = """
SELECT id, client_id, number, kind, corrects, author_id, author_name, author_licence, happened_at,
       written_at, sealed, previous_hash, hash
FROM clinical_entry WHERE client_id = %(client_id)s AND (%(kind)s::text IS NULL OR kind = %(kind)s)
ORDER BY number
"""

_PATIENTS = """
SELECT c.id, c.name, c.phone, c.email, max(b.starts_at) AS last_visit
FROM client c JOIN booking b ON b.client_id = c.id AND b.status IN ('confirmed', 'arrived', 'completed')
WHERE (%(all)s OR b.provider_id = %(provider_id)s)
  AND (%(text)s = '' OR lower(c.name) LIKE %(text)s || '%%' OR lower(c.name) LIKE '%% ' || %(text)s || '%%')
GROUP BY c.id ORDER BY max(b.starts_at) DESC LIMIT %(limit)s
"""


async def access_facts(
    connection: Connection, client_id: UUID, staff_id: UUID, provider_id: UUID | None
) -> Row | None:
    """What access follows from; None if there is no such client."""
    cursor = await connection.execute(
        _FACTS, {"client_id": client_id, "staff_id": staff_id, "provider_id": provider_id}
    )
    return await cursor.fetchone()


async def log_access(
    connection: Connection, actor: Actor, client_id: UUID, purpose: str, reason: str
) -> None:
    principal = actor.principal
    await connection.execute(
        "INSERT INTO clinical_access"
        " (client_id, actor_kind, actor_id, actor_name, purpose, reason, request_id)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (client_id, principal.kind, principal.id, principal.name, purpose, reason,
         actor.request_id),
    )  # fmt: skip


async def accesses(connection: Connection, client_id: UUID, limit: int) -> list[Row]:
    """Newest first."""
    cursor = await connection.execute(
        "SELECT id, at, actor_kind, actor_name, purpose, reason FROM clinical_access"
        " WHERE client_id = %s ORDER BY id DESC LIMIT %s",
        (client_id, limit),
    )
    return await cursor.fetchall()


async def add_emergency(
    connection: Connection, client_id: UUID, staff_id: UUID, name: str, reason: str, minutes: int
) -> datetime:
    cursor = await connection.execute(
        "INSERT INTO clinical_emergency (client_id, staff_id, staff_name, reason, until)"
        " VALUES (%s, %s, %s, %s, now() + make_interval(mins => %s)) RETURNING until",
        (client_id, staff_id, name, reason, minutes),
    )
    row = await cursor.fetchone()
    if row is None:
        raise NotFoundError
    until: datetime = row["until"]
    return until


async def emergencies(connection: Connection, limit: int) -> list[Row]:
    cursor = await connection.execute(
        "SELECT e.id, e.client_id, c.name AS client_name, e.staff_name, e.reason, e.at, e.until"
        " FROM clinical_emergency e JOIN client c ON c.id = e.client_id"
        " ORDER BY e.id DESC LIMIT %s",
        (limit,),
    )
    return await cursor.fetchall()


async def grants(connection: Connection) -> list[Row]:
    """Every member of the team with the grant, if there is one."""
    cursor = await connection.execute(
        "SELECT s.id AS staff_id, s.name, s.role, s.provider_id, g.level,"
        " coalesce(g.all_patients, false) AS all_patients"
        " FROM staff_user s LEFT JOIN clinical_grant g ON g.staff_id = s.id"
        " WHERE s.active ORDER BY s.name, s.id"
    )
    return await cursor.fetchall()


async def set_grant(
    connection: Connection, staff_id: UUID, level: str, by: str, *, all_patients: bool
) -> bool:
    cursor = await connection.execute(
        "INSERT INTO clinical_grant (staff_id, level, all_patients, granted_by)"
        " SELECT id, %s, %s, %s FROM staff_user WHERE id = %s ON CONFLICT (staff_id) DO UPDATE SET"
        " level = excluded.level, all_patients = excluded.all_patients,"
        " granted_by = excluded.granted_by, at = now()",
        (level, all_patients, by, staff_id),
    )
    return cursor.rowcount == 1


async def append(
    connection: Connection, actor: Actor, entry: Mapping[str, object], sealed: bytes
) -> Row:
    """Raises `NotFoundError` for an entry to correct that is not this patient's."""
    try:
        cursor = await connection.execute(
            "SELECT * FROM clinical_append(%s, %s, %s)",
            (Jsonb(actor.as_json()), Jsonb(dict(entry)), sealed),
        )
        row = await cursor.fetchone()
    except psycopg.DatabaseError as error:
        if error.sqlstate == REFUSED:
            raise NotFoundError(field="corrects") from error
        raise
    if row is None:
        raise NotFoundError
    return row


async def entries(connection: Connection, client_id: UUID, kind: str | None = None) -> list[Row]:
    cursor = await connection.execute(_ENTRIES, {"client_id": client_id, "kind": kind})
    return await cursor.fetchall()


async def last_written(connection: Connection, client_id: UUID) -> datetime | None:
    cursor = await connection.execute(
        "SELECT max(written_at) AS at FROM clinical_entry WHERE client_id = %s", (client_id,)
    )
    row = await cursor.fetchone()
    return row["at"] if row else None


async def client_name(connection: Connection, client_id: UUID) -> str:
    """Raises `NotFoundError`."""
    cursor = await connection.execute("SELECT name FROM client WHERE id = %s", (client_id,))
    row = await cursor.fetchone()
    if row is None:
        raise NotFoundError
    name: str = row["name"]
    return name


async def licence_of(connection: Connection, provider_id: UUID | None) -> str:
    """The verified licence that a professional signs with; empty if there is none."""
    cursor = await connection.execute(
        "SELECT kind, number, jurisdiction FROM licence WHERE provider_id = %s"
        " AND status = 'verified' AND kind <> 'provisional' ORDER BY kind, id LIMIT 1",
        (provider_id,),
    )
    row = await cursor.fetchone()
    if row is None:
        return ""
    short = "M.N." if row["kind"] == "national" else "M.P."
    return f"{short} {row['number']} ({row['jurisdiction']})"


async def patients(
    connection: Connection, provider_id: UUID | None, text: str, limit: int, *, everyone: bool
) -> list[Row]:
    escaped = text.lower().replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    cursor = await connection.execute(
        _PATIENTS,
        {"all": everyone, "provider_id": provider_id, "text": escaped, "limit": limit},
    )
    return await cursor.fetchall()


async def grant_of(connection: Connection, staff_id: UUID) -> Row | None:
    cursor = await connection.execute(
        "SELECT level, all_patients FROM clinical_grant WHERE staff_id = %s", (staff_id,)
    )
    return await cursor.fetchone()


async def destroy(connection: Connection, actor: Actor, client_id: UUID, years: int) -> bool:
    """Raises `RetentionFloorError`."""
    try:
        cursor = await connection.execute(
            "SELECT clinical_destroy(%s, %s, %s) AS done",
            (Jsonb(actor.as_json()), client_id, years),
        )
        row = await cursor.fetchone()
    except psycopg.DatabaseError as error:
        if error.sqlstate == REFUSED:
            raise RetentionFloorError from error
        raise
    return bool(row and row["done"])
