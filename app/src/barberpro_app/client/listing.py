"""All clients as lines of a file for spreadsheets.

Fields are separated by semicolons, as spreadsheets in Spanish read them, in UTF-8 with its mark. A
field that a spreadsheet would take for a formula begins with an apostrophe (OWASP, CSV injection).
"""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.kit.database import Database

_ROWS = """
SELECT c.id, c.name, c.email, c.phone, c.tags, c.created_at, v.last_at, v.visits,
       c.blocked_at IS NOT NULL AS blocked
FROM client c LEFT JOIN LATERAL (
    SELECT count(*) AS visits, max(b.starts_at) AS last_at FROM booking b
    WHERE b.client_id = c.id AND b.status IN ('arrived', 'completed')) v ON true
WHERE c.merged_into IS NULL AND c.id > %(after)s ORDER BY c.id LIMIT %(limit)s
"""
_BATCH = 1000
_FIRST = "00000000-0000-0000-0000-000000000000"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


async def as_lines(
    database: Database, actor: Actor, heads: Sequence[str], zone: ZoneInfo
) -> AsyncIterator[bytes]:
    """The file in pieces; that it was taken is in the audit trail before the first one."""
    async with database.transaction() as connection:
        await record(connection, actor, "clients.exported", AuditedObject("client", ""))
    yield b"\xef\xbb\xbf" + _line(heads)
    after: object = _FIRST
    while True:
        async with database.connection() as connection:
            cursor = await connection.execute(_ROWS, {"after": after, "limit": _BATCH})
            rows = await cursor.fetchall()
        if not rows:
            return
        after = rows[-1]["id"]
        yield b"".join(
            _line(
                [
                    row["name"],
                    row["email"] or "",
                    row["phone"] or "",
                    ", ".join(row["tags"]),
                    _day(row["created_at"], zone),
                    _day(row["last_at"], zone),
                    str(row["visits"]),
                    "x" if row["blocked"] else "",
                ]
            )
            for row in rows
        )


def _day(instant: datetime | None, zone: ZoneInfo) -> str:
    return instant.astimezone(zone).date().isoformat() if instant else ""


def _line(fields: Sequence[str]) -> bytes:
    out = io.StringIO()
    safe = [f"'{field}" if field.startswith(_FORMULA) else field for field in fields]
    csv.writer(out, delimiter=";", lineterminator="\r\n").writerow(safe)
    return out.getvalue().encode()
