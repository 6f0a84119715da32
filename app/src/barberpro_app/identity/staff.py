"""Staff users: who works here, in which role, and who may change that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.errors import ForeignKeyViolation, UniqueViolation

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.identity import repository, staff_repository
from barberpro_app.identity.errors import LastOwnerError, StaffConflictError
from barberpro_app.identity.repository import Subject
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import (
    InvalidRequestError,
    NotAllowedError,
    NotFoundError,
    StaleVersionError,
)


@dataclass(frozen=True, slots=True)
class StaffUser:
    """One person who works here; `provider_id` links a person who also takes bookings."""

    id: UUID
    email: str
    name: str
    role: str
    provider_id: UUID | None
    active: bool
    version: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class StaffDraft:
    """What an owner or manager says about a new staff user."""

    email: str
    name: str
    role: str
    provider_id: UUID | None = None


async def list_staff(connection: Connection) -> list[StaffUser]:
    """Everybody, by name; no longer active ones last."""
    return [StaffUser(**row) for row in await staff_repository.select_all(connection)]


async def get_staff(connection: Connection, staff_id: UUID) -> StaffUser:
    """Raises `NotFoundError`."""
    row = await staff_repository.select_one(connection, staff_id)
    if row is None:
        raise NotFoundError
    return StaffUser(**row)


async def add_staff(connection: Connection, actor: Actor, draft: StaffDraft) -> StaffUser:
    """Raises `StaffConflictError`, `NotAllowedError` (a manager makes no owners)."""
    _may_handle(actor, draft.role)
    try:
        async with connection.transaction():
            row = await staff_repository.insert(
                connection, draft.email, draft.name, draft.role, draft.provider_id
            )
    except UniqueViolation as error:
        raise StaffConflictError from error
    except ForeignKeyViolation as error:
        raise InvalidRequestError("There is no such provider.", field="provider_id") from error
    user = StaffUser(**row)
    await record(connection, actor, "staff_user.created", _audited(user), {"role": user.role})
    return user


async def change_staff(
    connection: Connection,
    actor: Actor,
    staff_id: UUID,
    changes: dict[str, Any],
    version: int | None = None,
) -> StaffUser:
    """Sets some of email, name, role, provider_id, active.

    A change of role or address, or an end of `active`, ends the sessions of that person. Raises
    `NotFoundError`, `StaleVersionError`, `LastOwnerError`, `StaffConflictError`, `NotAllowedError`.
    """
    await staff_repository.lock_owners(connection)
    before = await get_staff(connection, staff_id)
    _may_handle(actor, before.role, changes.get("role", before.role))
    if version is not None and version != before.version:
        raise StaleVersionError
    stays_owner = changes.get("role", "owner") == "owner" and changes.get("active", True)
    if before.role == "owner" and before.active and not stays_owner:
        await _another_owner(connection, staff_id)
    try:
        async with connection.transaction():
            row = await staff_repository.update(connection, staff_id, changes)
    except UniqueViolation as error:
        raise StaffConflictError from error
    except ForeignKeyViolation as error:
        raise InvalidRequestError("There is no such provider.", field="provider_id") from error
    after = StaffUser(**row)
    if (after.role, after.email, after.active) != (before.role, before.email, before.active):
        await repository.delete_sessions_of(connection, Subject(staff_id=staff_id))
    await record(
        connection, actor, "staff_user.updated", _audited(after), _visible_changes(before, after)
    )
    return after


async def remove_staff(connection: Connection, actor: Actor, staff_id: UUID) -> None:
    """Removes the account; the audit trail keeps what the person did. Raises as `change_staff`."""
    await staff_repository.lock_owners(connection)
    user = await get_staff(connection, staff_id)
    _may_handle(actor, user.role)
    if user.role == "owner" and user.active:
        await _another_owner(connection, staff_id)
    await staff_repository.delete(connection, staff_id)
    await record(connection, actor, "staff_user.removed", _audited(user), {"role": user.role})


async def _another_owner(connection: Connection, staff_id: UUID) -> None:
    if not await staff_repository.other_owners(connection, staff_id):
        raise LastOwnerError


def _may_handle(actor: Actor, *roles: str) -> None:
    """Only an owner (or the operator) touches owners: nobody raises the own role to owner."""
    principal = actor.principal
    if "owner" in roles and principal.kind != "system" and not principal.has_role("owner"):
        raise NotAllowedError("Only an owner changes owners.", field="role")


def _visible_changes(before: StaffUser, after: StaffUser) -> dict[str, object]:
    """For the audit trail: what changed; of name and address only that they did."""
    changes: dict[str, object] = {}
    for key in ("role", "active", "provider_id"):
        old, new = getattr(before, key), getattr(after, key)
        if old != new:
            plain = [value if value is None else str(value) for value in (old, new)]
            changes[key] = {"from": plain[0], "to": plain[1]}
    personal = [key for key in ("email", "name") if getattr(before, key) != getattr(after, key)]
    if personal:
        changes["changed"] = personal
    return changes


def _audited(user: StaffUser) -> AuditedObject:
    return AuditedObject("staff_user", str(user.id))
