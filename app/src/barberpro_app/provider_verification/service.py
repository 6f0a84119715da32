"""Licences: a professional claims one, an owner or manager checks it, time ends it.

The database refuses a booking with whoever has none that is verified, where the deployment demands
it (Dec. 393/2023 annex art. 6 c: professionals are validated). Changes need a transaction.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, date
from typing import Literal
from uuid import UUID

import psycopg

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.kit import clock
from barberpro_app.kit.database import Connection, Database
from barberpro_app.kit.errors import (
    DuplicateError,
    InvalidRequestError,
    NotAllowedError,
    NotFoundError,
)
from barberpro_app.kit.updates import update_versioned
from barberpro_app.provider_verification import repository
from barberpro_app.provider_verification.documents import media_type
from barberpro_app.provider_verification.schemas import (
    Licence,
    LicenceDraft,
    ProviderState,
    Review,
    VerificationList,
)

MEDIA_TYPES = ("application/pdf", "image/jpeg", "image/png")
Todo = Literal["none", "add", "review", "replace_provisional", "recheck"]


@dataclass(frozen=True, slots=True)
class Document:
    """An uploaded document."""

    media_type: str
    content: bytes


async def overview(connection: Connection, actor: Actor) -> VerificationList:
    """Every active provider with licences and what is to do; a professional sees the own."""
    only = _own(actor)
    licences: dict[UUID, list[Licence]] = {}
    for row in await repository.licences(connection, provider_id=only):
        licences.setdefault(row["provider_id"], []).append(Licence.model_validate(row))
    items = []
    for row in await repository.providers(connection, only):
        own = licences.get(row["id"], [])
        items.append(
            ProviderState(
                provider_id=row["id"],
                name=row["name"],
                bookable=row["bookable"],
                licences=own,
                todo=_todo(own, clock.now().astimezone(UTC).date()),
            )
        )
    return VerificationList(required=await repository.is_required(connection), items=items)


async def claim(
    connection: Connection, actor: Actor, provider_id: UUID, draft: LicenceDraft
) -> Licence:
    """A licence to be checked. Raises `NotFoundError`, `NotAllowedError`, `DuplicateError`."""
    _check_own(actor, provider_id)
    try:
        licence_id = await repository.add(connection, provider_id, draft.model_dump())
    except psycopg.errors.UniqueViolation as error:
        raise DuplicateError("This licence is on file already.", field="number") from error
    if licence_id is None:
        raise NotFoundError
    await record(connection, actor, "licence.claimed", _object(licence_id),
                 {"provider_id": str(provider_id)})  # fmt: skip
    return await get_licence(connection, actor, licence_id)


async def get_licence(connection: Connection, actor: Actor, licence_id: UUID) -> Licence:
    """Raises `NotFoundError`, also for a colleague's."""
    rows = await repository.licences(connection, licence_id=licence_id, provider_id=_own(actor))
    if not rows:
        raise NotFoundError
    return Licence.model_validate(rows[0])


async def review(connection: Connection, actor: Actor, licence_id: UUID, found: Review) -> Licence:
    """Writes down what the check found; nobody checks the own licence but an owner.

    Raises `NotFoundError`, `NotAllowedError`, `StaleVersionError`, `InvalidRequestError`.
    """
    if not actor.principal.has_scope("settings:write"):
        raise NotAllowedError
    licence = await get_licence(connection, actor, licence_id)
    if licence.kind == "provisional":
        raise InvalidRequestError("Claim the real licence; a provisional one is not reviewed.")
    if licence.provider_id == actor.principal.provider_id and not actor.principal.has_role("owner"):
        raise NotAllowedError
    today = clock.now().date()
    for name, day in (("valid_until", found.valid_until), ("recheck_on", found.recheck_on)):
        if found.status == "verified" and day is not None and day < today:
            raise InvalidRequestError("This day is over.", field=name)
    values = found.model_dump(exclude={"version"})
    values |= {"reviewed_by": actor.principal.name, "reviewed_at": clock.now()}
    await update_versioned(connection, "licence", licence_id, found.version, values)
    await record(connection, actor, f"licence.{found.status}", _object(licence_id),
                 {"provider_id": str(licence.provider_id)})  # fmt: skip
    return await get_licence(connection, actor, licence_id)


async def attach(connection: Connection, actor: Actor, licence_id: UUID, content: bytes) -> Licence:
    """The document of a licence; a verified one goes back to be checked.

    Raises `NotFoundError`, `DocumentError`.
    """
    kind = media_type(content)
    licence = await get_licence(connection, actor, licence_id)
    if licence.kind == "provisional":
        raise InvalidRequestError("A provisional licence has no document.")
    digest = hashlib.sha256(content).digest()
    await repository.set_document(connection, licence_id, kind, digest, content)
    if licence.status != "pending" and not actor.principal.has_scope("settings:write"):
        await update_versioned(
            connection, "licence", licence_id, licence.version, {"status": "pending"}
        )
    await record(connection, actor, "licence.document_attached", _object(licence_id),
                 {"sha256": digest.hex()})  # fmt: skip
    return await get_licence(connection, actor, licence_id)


async def read_document(connection: Connection, actor: Actor, licence_id: UUID) -> Document:
    """Raises `NotFoundError`."""
    await get_licence(connection, actor, licence_id)
    row = await repository.document(connection, licence_id)
    if row is None:
        raise NotFoundError
    await record(connection, actor, "licence.document_read", _object(licence_id))
    return Document(row["media_type"], bytes(row["content"]))


async def expire_licences(database: Database) -> int:
    """Marks licences whose last day is over; how many. They count no more from that day anyway."""
    async with database.transaction() as connection:
        ended = await repository.expire(connection)
        for licence_id in ended:
            await record(connection, Actor(), "licence.expired", _object(licence_id))
    return len(ended)


def _todo(licences: list[Licence], today: date) -> Todo:
    real = [licence for licence in licences if licence.kind != "provisional"]
    if any(licence.status == "pending" for licence in real):
        return "review"
    verified = [licence for licence in real if licence.status == "verified"]
    if not verified:
        provisional = any(licence.status == "verified" for licence in licences)
        return "replace_provisional" if provisional else "add"
    due = all(licence.recheck_on is not None and licence.recheck_on <= today
              for licence in verified)  # fmt: skip
    return "recheck" if due else "none"


def _own(actor: Actor) -> UUID | None:
    """The one provider whose licences the actor sees, or None for all. Raises `NotAllowedError`."""
    principal = actor.principal
    if principal.has_scope("settings:read"):
        return None
    if principal.is_staff and principal.provider_id is not None:
        return principal.provider_id
    raise NotAllowedError


def _check_own(actor: Actor, provider_id: UUID) -> None:
    only = _own(actor)
    if only is not None and only != provider_id:
        raise NotFoundError
    if only is None and not actor.principal.has_scope("settings:write"):
        raise NotAllowedError


def _object(licence_id: UUID) -> AuditedObject:
    return AuditedObject("licence", str(licence_id))
