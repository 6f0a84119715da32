"""What the audit trail says, in words: who did what, with what, and where that can be seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

from barberpro_app.audit.service import AuditEvent
from barberpro_app.web.site.rendering import Reader

#: Where an object of a kind is shown to who may read the trail.
_PAGES = {
    "booking": "/agenda/reserva/{}",
    "client": "/clientes/{}",
    "payment": "/ajustes/pagos/{}",
    "provider": "/ajustes/profesionales/{}",
    "service": "/ajustes/servicios/{}",
    "location": "/ajustes/sedes/{}",
    "resource": "/ajustes/recursos/{}",
    "staff_user": "/ajustes/equipo/{}",
    "plan": "/ajustes/abonos/{}",
}
#: The sentence says them already, or they are for machines.
_UNSAID = {"status", "was", "version", "sha256", "hash", "key", "kind", "source", "format", "how",
           "channel", "applies", "refund", "use", "stamp", "rule", "class", "parts", "items"}  # fmt: skip
_GONE = {"client.merged", "staff_user.removed"}


@dataclass(frozen=True)
class Entry:
    """One line: texts of the reader's language; `address` shows the object, or is ""."""

    day: date
    hour: str
    who: str
    what: str
    facts: list[str]
    address: str


def entry(reader: Reader, event: AuditEvent) -> Entry:
    local = reader.fmt.local(event.at)
    named = event.actor_name if event.actor_kind in {"staff", "api"} else ""
    page = _PAGES.get(event.object_kind, "") if event.action not in _GONE else ""
    return Entry(
        local.date(),
        f"{local:%H:%M}",
        named or reader.t(f"actor.{event.actor_kind}"),
        what(reader, event.action),
        list(_facts(reader, event)),
        page.format(event.object_id) if event.object_id else "",
    )


def what(reader: Reader, action: str) -> str:
    key = f"act.{action}"
    return reader.t(key) if reader.t.has(key) else reader.t("act.other", code=action)


def _facts(reader: Reader, event: AuditEvent) -> Iterator[str]:
    for name, value in event.changes.items():
        if name in _UNSAID or name.endswith("_id") or value in (None, "", [], {}):
            continue
        label = next(
            (reader.t(key) for key in (f"fact.{name}", f"policies.{name}") if reader.t.has(key)),
            name.replace("_", " "),
        )
        yield f"{label}: {_said(reader, name, value)}"


def _said(reader: Reader, name: str, value: object) -> str:
    if isinstance(value, bool):
        return reader.t("fact.yes" if value else "fact.no")
    if isinstance(value, int):
        return reader.fmt.money(value) if name.endswith("_centavos") else str(value)
    if isinstance(value, list):
        return ", ".join(_said(reader, name, one) for one in value)
    text = str(value)
    for key in (f"role.{text}", f"money.method.{text}"):
        if name in {"role", "method"} and reader.t.has(key):
            return reader.t(key)
    return _moment(reader, text) or text


def _moment(reader: Reader, text: str) -> str:
    """An instant as it is in the trail, in the reader's zone; "" if it is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return ""
    if len(text) == len("2026-01-01"):
        return reader.fmt.short_day(found.date())
    return reader.fmt.stamp(found if found.tzinfo else found.replace(tzinfo=UTC))
