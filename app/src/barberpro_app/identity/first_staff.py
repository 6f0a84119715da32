"""The first accounts of a deployment: the owner, and each provider with an address."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.identity import staff_repository
from barberpro_app.kit.database import Connection


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who gets an account; `provider_key` is the seed's key of the provider they are."""

    name: str
    email: str
    role: str
    provider_key: str | None = None


async def load_first_staff(connection: Connection, people: Iterable[Person]) -> int:
    """Makes the accounts that were never made before; how many.

    An address is loaded once in the life of a database, so an account that the owner removed does
    not come back. Needs the seed's lock, hence its transaction.
    """
    count = 0
    for person in people:
        if not await staff_repository.first_time(connection, person.email):
            continue
        staff_id = await staff_repository.insert_first(
            connection, person.email, person.name, person.role, person.provider_key
        )
        if staff_id is None:
            continue
        count += 1
        await record(
            connection,
            Actor(),
            "staff_user.created",
            AuditedObject("staff_user", str(staff_id)),
            {"role": person.role},
        )
    return count
