"""What is known of each template, and which are to be sent: the SQL, and the list of a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.integration_processor.template_api import Known, texts_of
from barberpro_app.integration_processor.templates import definitions
from barberpro_app.kit.database import Connection

LEASE = timedelta(minutes=5)
#: How soon what waits for Meta is looked at again, where no notification said anything.
PENDING_AGAIN = timedelta(minutes=10)
SETTLED_AGAIN = timedelta(hours=24)
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class TemplateState:
    """One text in one language. `status`: Meta's word, or `not_sent`; `wanted`: it is on its way."""

    name: str
    language: str
    text: str
    buttons: tuple[str, ...]
    status: str
    reason: str
    wanted: bool
    same_text: bool
    error: str
    looked_at: datetime | None

    @property
    def is_good(self) -> bool:
        return self.status == "approved" and self.same_text


def ours(*, neutral: bool) -> dict[Key, Mapping[str, Any]]:
    """This release's templates."""
    return {(one["name"], one["language"]): one for one in definitions(neutral=neutral)}


async def states(connection: Connection, *, neutral: bool) -> list[TemplateState]:
    """All of this release, in its order."""
    cursor = await connection.execute("SELECT * FROM whatsapp_template")
    rows = {(row["name"], row["language"]): row for row in await cursor.fetchall()}
    found = []
    for key, definition in ours(neutral=neutral).items():
        row, texts = rows.get(key, {}), texts_of(definition["components"])
        found.append(TemplateState(
            *key, texts[0], texts[1:], row.get("status") or "not_sent", row.get("reason", ""),
            row.get("wanted", False), row.get("same_text", True), row.get("last_error") or "",
            row.get("looked_at"),
        ))  # fmt: skip
    return found


async def want(connection: Connection, actor: Actor, *, neutral: bool) -> int:
    """Those that Meta has not approved as they are shall be sent; how many. Needs a transaction."""
    keys = [
        one for one in await states(connection, neutral=neutral)
        if not one.same_text or one.status not in {"approved", "pending", "in_appeal"}
    ]  # fmt: skip
    await connection.execute(
        "INSERT INTO whatsapp_template (name, language, wanted)"
        " SELECT name, language, true FROM unnest(%s::text[], %s::text[]) AS t (name, language)"
        " ON CONFLICT (name, language) DO UPDATE SET wanted = true, attempts = 0,"
        " next_attempt_at = now(), last_error = NULL",
        ([one.name for one in keys], [one.language for one in keys]),
    )
    what = AuditedObject("settings", "whatsapp")
    await record(connection, actor, "whatsapp_templates.sent", what, {"count": len(keys)})
    return len(keys)


async def look_now(connection: Connection, *, neutral: bool) -> None:
    """All are asked about at the worker's next turn."""
    keys = list(ours(neutral=neutral))
    await connection.execute(
        "INSERT INTO whatsapp_template (name, language)"
        " SELECT name, language FROM unnest(%s::text[], %s::text[]) AS t (name, language)"
        " ON CONFLICT (name, language) DO UPDATE SET next_attempt_at = now()",
        ([name for name, _ in keys], [language for _, language in keys]),
    )


async def forget(connection: Connection) -> None:
    """Another business account knows none of them."""
    await connection.execute("DELETE FROM whatsapp_template")


async def claim(connection: Connection) -> list[dict[str, Any]]:
    """Those that are due; nobody else has them until the lease ends."""
    cursor = await connection.execute(
        "UPDATE whatsapp_template SET next_attempt_at = now() + %s, attempts = attempts + 1"
        " WHERE (name, language) IN (SELECT name, language FROM whatsapp_template"
        "   WHERE next_attempt_at <= now() FOR UPDATE SKIP LOCKED)"
        " RETURNING name, language, wanted, attempts",
        (LEASE,),
    )
    return await cursor.fetchall()


async def seen(
    connection: Connection, key: Key, known: Known | None, *, same_text: bool, wanted: bool
) -> None:
    """What Meta has under this name, None: nothing."""
    status = known.status if known else None
    again = PENDING_AGAIN if status in {"pending", "in_appeal"} else SETTLED_AGAIN
    await connection.execute(
        "UPDATE whatsapp_template SET external_id = %(id)s, "
        " reason = CASE WHEN %(status)s::text IS NULL AND status = 'refused' THEN reason"
        "   ELSE %(reason)s END,"
        " status = CASE WHEN %(status)s::text IS NULL AND status = 'refused' THEN status"
        "   ELSE %(status)s END, same_text = %(same)s, wanted = %(wanted)s, status_at = now(),"
        " looked_at = now(), last_error = NULL, attempts = 0,"
        " next_attempt_at = now() + CASE WHEN %(wanted)s THEN %(lease)s ELSE %(again)s END"
        " WHERE name = %(name)s AND language = %(language)s",
        {"id": known.external_id if known else None, "status": status,
         "reason": known.reason if known else "", "same": same_text, "wanted": wanted,
         "lease": LEASE, "again": again, "name": key[0], "language": key[1]},
    )  # fmt: skip


async def refused(connection: Connection, key: Key, reason: str) -> None:
    """Meta does not take this text at all: a person has to look at it."""
    await connection.execute(
        "UPDATE whatsapp_template SET wanted = false, status = 'refused', reason = %s,"
        " status_at = now(), next_attempt_at = now() + %s WHERE name = %s AND language = %s",
        (reason[:300], SETTLED_AGAIN, *key),
    )


async def later(
    connection: Connection, keys: list[Key], wait: timedelta, error: str
) -> None:  # fmt: skip
    """Nothing is known now; they are tried again."""
    await connection.execute(
        "UPDATE whatsapp_template SET next_attempt_at = now() + %s, last_error = %s"
        " WHERE (name, language) IN (SELECT * FROM unnest(%s::text[], %s::text[]))",
        (wait, error[:300], [name for name, _ in keys], [language for _, language in keys]),
    )
