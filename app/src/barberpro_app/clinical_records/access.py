"""Who may do what with a patient's record, and the log of who did (Ley 27.706 art. 7 a and e).

Three levels: read; read and add; read, add and correct. A professional has the third with the own
patients (somebody with an appointment, past or to come), unless the owner granted less or more.
Owners, managers and reception have none by their role. The patient reads the own record.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.clinical_records import repository
from barberpro_app.clinical_records.errors import (
    LevelError,
    NotYourPatientError,
    PersonNeededError,
)
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import NotAllowedError, NotFoundError

NONE, READ, ADD, CORRECT = range(4)
LEVELS = ("none", "read", "add", "correct")
EMERGENCY_MINUTES = 60


@dataclass(frozen=True, slots=True)
class Access:
    """`emergency_until`: this look is by exception."""

    level: int
    professional: bool = False
    emergency_until: datetime | None = None


def person_id(actor: Actor) -> UUID:
    """The key of the signed-in person. Raises `PersonNeededError` for programs and jobs."""
    if actor.principal.kind not in {"staff", "client"}:
        raise PersonNeededError
    return UUID(actor.principal.id)


async def access_of(connection: Connection, actor: Actor, client_id: UUID) -> Access:
    """What the actor may do with this patient's record. Raises `NotFoundError`,
    `PersonNeededError`."""
    principal, person = actor.principal, person_id(actor)
    if principal.kind == "client":
        if principal.client_id != client_id:
            raise NotFoundError
        return Access(READ)
    facts = await repository.access_facts(connection, client_id, person, principal.provider_id)
    if facts is None:
        raise NotFoundError
    granted = facts["level"]
    professional = principal.provider_id is not None or granted in LEVELS[READ:]
    level = NONE
    if facts["own"]:
        level = CORRECT if granted is None else LEVELS.index(granted)
    elif granted is not None and facts["all_patients"]:
        level = LEVELS.index(granted)
    if level < ADD and facts["until"] is not None and granted != "none":
        return Access(ADD, professional, facts["until"])
    return Access(level, professional)


async def require(
    connection: Connection, actor: Actor, client_id: UUID, level: int, purpose: str
) -> Access:
    """Lets pass who has the level, and writes the look into the patient's log.

    Raises `NotFoundError`, `NotYourPatientError` where an entry by exception is possible,
    `LevelError`, `PersonNeededError`. Needs a transaction.
    """
    access = await access_of(connection, actor, client_id)
    if access.level == NONE:
        raise NotYourPatientError if access.professional else NotFoundError
    if access.level < level:
        raise LevelError
    reason = "emergency" if access.emergency_until else ""
    await log(connection, actor, client_id, purpose, reason)
    return access


async def log(
    connection: Connection, actor: Actor, client_id: UUID, purpose: str, reason: str = ""
) -> None:
    """Writes a look at a patient's data into the log that the patient sees."""
    await repository.log_access(connection, actor, client_id, purpose, reason)


async def enter_by_exception(
    connection: Connection, actor: Actor, client_id: UUID, reason: str
) -> Access:
    """Opens a record for an hour to a professional who is not the patient's; never in silence.

    Raises `NotFoundError`, `NotAllowedError`. Needs a transaction.
    """
    person = person_id(actor)
    access = await access_of(connection, actor, client_id)
    if not access.professional or actor.principal.kind != "staff":
        raise NotAllowedError
    if access.level >= ADD:
        return access
    until = await repository.add_emergency(
        connection, client_id, person, actor.principal.name, reason, EMERGENCY_MINUTES
    )
    await log(connection, actor, client_id, "emergency_entry", reason)
    what = AuditedObject("clinical_record", str(client_id))
    await record(
        connection, actor, "clinical_record.emergency_entered", what, {"until": str(until)}
    )
    return await access_of(connection, actor, client_id)


async def set_grant(
    connection: Connection, actor: Actor, staff_id: UUID, level: str, *, all_patients: bool
) -> None:
    """What a member of the team may do; by an owner, audited. Raises `NotFoundError`,
    `NotAllowedError`. Needs a transaction."""
    if not actor.principal.has_role("owner"):
        raise NotAllowedError
    if not await repository.set_grant(
        connection, staff_id, level, actor.principal.name, all_patients=all_patients
    ):
        raise NotFoundError
    what = AuditedObject("staff_user", str(staff_id))
    changes = {"level": level, "all_patients": all_patients}
    await record(connection, actor, "clinical_grant.set", what, changes)
