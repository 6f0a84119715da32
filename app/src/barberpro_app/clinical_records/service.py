"""Clinical records: entries are added and corrected, never changed; every look is logged.

Each function needs a transaction, for reading writes too: the log of who looked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from barberpro_app.audit.trail import Actor
from barberpro_app.clinical_records import access, repository
from barberpro_app.clinical_records.access import ADD, CORRECT, LEVELS, READ
from barberpro_app.clinical_records.chain import first_break
from barberpro_app.clinical_records.schemas import (
    AccessLog,
    CorrectionDraft,
    Entry,
    EntryDraft,
    LoggedAccess,
    Record,
    RecordExport,
)
from barberpro_app.clinical_records.vault import DataKey, Vault
from barberpro_app.kit import clock
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import InvalidRequestError, NotAllowedError
from barberpro_app.settings import AppConfiguration

#: Ley 26.529 art. 18; a deployment may keep longer, never shorter.
LEAST_YEARS = 10
ENTRY = "clinical_entry"
MOST_LOGGED = 500


@dataclass(frozen=True, slots=True)
class Patient:
    """Somebody in the list of patients."""

    id: UUID
    name: str
    last_visit: datetime


@dataclass(frozen=True, slots=True)
class NewEntry:
    """`body` has `text` for people, and what else a service keeps with it."""

    kind: str
    body: Mapping[str, object]
    happened_at: datetime | None = None
    corrects: UUID | None = None


def retention_years(app: AppConfiguration) -> int:
    return max(LEAST_YEARS, app.compliance.clinical_retention_years or LEAST_YEARS)


def keep_until(last_entry: datetime, years: int) -> date:
    """The first day on which the record need not be kept: whole years after the last entry."""
    day = last_entry.date()
    try:
        return day.replace(year=day.year + years) + timedelta(days=1)
    except ValueError:  # 29 February
        return date(day.year + years, 3, 2)


async def add_entry(
    connection: Connection, vault: Vault, actor: Actor, client_id: UUID, draft: EntryDraft
) -> Entry:
    """Raises as `access.require`; `InvalidRequestError` for something yet to happen."""
    happened = draft.happened_at or clock.now()
    if happened > clock.now() + timedelta(minutes=5):
        raise InvalidRequestError("This is in the future.", field="happened_at")
    new = NewEntry(draft.kind, {"text": draft.text}, happened)
    return await append(connection, vault, actor, client_id, new)


async def append(
    connection: Connection, vault: Vault, actor: Actor, client_id: UUID, new: NewEntry
) -> Entry:
    """Adds an entry of any kind. Raises as `access.require`."""
    corrects = new.corrects
    await access.require(connection, actor, client_id, CORRECT if corrects else ADD, "entry_added")
    principal = actor.principal
    if principal.kind != "staff":
        raise NotAllowedError
    key, entry_id = await vault.patient_key(connection, client_id), uuid4()
    facts = {
        "id": str(entry_id),
        "client_id": str(client_id),
        "kind": new.kind,
        "corrects": str(corrects) if corrects else None,
        "author_id": principal.id,
        "author_name": principal.name,
        "author_licence": await repository.licence_of(connection, principal.provider_id),
        "happened_at": (new.happened_at or clock.now()).isoformat(),
    }
    text = json.dumps(dict(new.body), ensure_ascii=False, separators=(",", ":"))
    row = await repository.append(connection, actor, facts, key.seal(text, ENTRY, entry_id))
    return _entry(row, new.body, [])


async def correct_entry(
    connection: Connection,
    vault: Vault,
    actor: Actor,
    client_id: UUID,
    entry_id: UUID,
    draft: CorrectionDraft,
) -> Entry:
    """Adds the right text; the wrong one stays, and says so. Raises `NotFoundError`."""
    body = {"text": draft.text, "reason": draft.reason}
    new = NewEntry("correction", body, corrects=entry_id)
    return await append(connection, vault, actor, client_id, new)


async def read_record(
    connection: Connection,
    vault: Vault,
    app: AppConfiguration,
    actor: Actor,
    client_id: UUID,
    purpose: str = "record_read",
) -> Record:
    """The whole record. Raises as `access.require`. What was destroyed after its time is blank."""
    seen = await access.require(connection, actor, client_id, READ, purpose)
    rows = await repository.entries(connection, client_id)
    entries = await _opened(connection, vault, client_id, rows)
    broken = first_break(client_id, rows)
    last = rows[-1]["written_at"] if rows else None
    return Record(
        client_id=client_id,
        client_name=await repository.client_name(connection, client_id),
        entries=entries,
        intact=broken is None,
        first_break=broken,
        keep_until=keep_until(last, retention_years(app)) if last else None,
        level=LEVELS[seen.level],
        emergency_until=seen.emergency_until,
    )


async def bodies_of_kind(
    connection: Connection, vault: Vault, client_id: UUID, kind: str
) -> list[tuple[Entry, dict[str, Any]]]:
    """Entries of one kind with what a service keeps in them; the caller has asked for access."""
    rows = await repository.entries(connection, client_id, kind)
    if not rows:
        return []
    key = await vault.patient_key(connection, client_id)
    opened = [(row, _open(key, row)) for row in rows]
    return [(_entry(row, body, []), body) for row, body in opened]


async def export_record(
    connection: Connection, vault: Vault, app: AppConfiguration, actor: Actor, client_id: UUID
) -> RecordExport:
    """The patient's copy, with the log of looks (Ley 26.529 art. 14)."""
    record = await read_record(connection, vault, app, actor, client_id, "record_exported")
    rows = await repository.accesses(connection, client_id, MOST_LOGGED)
    return RecordExport(
        **record.model_dump(),
        exported_at=clock.now(),
        business=app.brand.name,
        accesses=[LoggedAccess.model_validate(row) for row in rows],
    )


async def access_log(connection: Connection, actor: Actor, client_id: UUID) -> AccessLog:
    """Who looked, newest first: for the patient, and for whoever may read the record."""
    await access.require(connection, actor, client_id, READ, "log_read")
    rows = await repository.accesses(connection, client_id, MOST_LOGGED)
    return AccessLog(items=[LoggedAccess.model_validate(row) for row in rows])


async def list_patients(
    connection: Connection, actor: Actor, text: str = "", limit: int = 100
) -> list[Patient]:
    """The actor's patients, latest visit first; all of them for whom that is granted."""
    person = access.person_id(actor)
    if actor.principal.kind != "staff":
        raise NotAllowedError
    granted = await repository.grant_of(connection, person)
    everyone = bool(granted and granted["all_patients"] and granted["level"] != "none")
    rows = await repository.patients(
        connection, actor.principal.provider_id, text.strip(), limit, everyone=everyone
    )
    return [Patient(row["id"], row["name"], row["last_visit"]) for row in rows]


async def destroy_record(
    connection: Connection, app: AppConfiguration, actor: Actor, client_id: UUID
) -> bool:
    """Makes a record unreadable for ever, after its time; whether there was one. By an owner.

    Raises `NotAllowedError`, `RetentionFloorError`.
    """
    if not actor.principal.has_role("owner"):
        raise NotAllowedError
    return await repository.destroy(connection, actor, client_id, retention_years(app))


async def _opened(
    connection: Connection, vault: Vault, client_id: UUID, rows: Sequence[Mapping[str, Any]]
) -> list[Entry]:
    if not rows:
        return []
    key = await vault.patient_key(connection, client_id)
    corrections: dict[UUID, list[UUID]] = {}
    for row in rows:
        if row["corrects"]:
            corrections.setdefault(row["corrects"], []).append(row["id"])
    return [_entry(row, _open(key, row), corrections.get(row["id"], [])) for row in rows]


def _open(key: DataKey, row: Mapping[str, Any]) -> dict[str, Any]:
    if not key.readable(row["written_at"]):
        return {"destroyed": True}
    body: dict[str, Any] = json.loads(key.open(bytes(row["sealed"]), ENTRY, row["id"]))
    return body


def _entry(row: Mapping[str, Any], body: Mapping[str, Any], corrected_by: list[UUID]) -> Entry:
    return Entry(
        id=row["id"],
        number=row["number"],
        kind=row["kind"],
        text=str(body.get("text", "")),
        reason=str(body.get("reason", "")),
        corrects=row["corrects"],
        corrected_by=corrected_by,
        author_name=row["author_name"],
        author_licence=row["author_licence"],
        happened_at=row["happened_at"],
        written_at=row["written_at"],
        hash=bytes(row["hash"]).hex(),
    )
