"""Who may see and change a person's body data, and the log of who did.

The person; and a professional with whom the person has a booking, past or to come, while the person
shares these data. Nobody sees them by running the business, and no program does. Looks go into the
log of looks at health data (`clinical_records.access`), which the person sees.
"""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from barberpro_app.audit.trail import Actor
from barberpro_app.body_data import repository
from barberpro_app.body_data.errors import ConsentNeededError, NotSharedError
from barberpro_app.clinical_records import access as clinical
from barberpro_app.identity.principal import Principal
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import NotFoundError

BodyPurpose = Literal["activity_data", "progress_data", "nutrition_data"]


async def require(
    connection: Connection, actor: Actor, client_id: UUID, purpose: BodyPurpose, look: str
) -> None:
    """Lets pass who may, and writes a professional's look (or change) into the person's log.

    Raises `NotFoundError` where the client is not the actor's own, `NotSharedError` where the client
    does not share, `ConsentNeededError` where nothing may be kept, `PersonNeededError` for programs.
    Needs a transaction.
    """
    clinical.person_id(actor)
    principal = actor.principal
    if principal.kind == "client":
        if principal.client_id != client_id:
            raise NotFoundError
        return
    facts = await repository.facts(connection, client_id, principal.provider_id, purpose)
    if facts is None or not facts["own"]:
        raise NotFoundError
    if not facts["shared"]:
        raise NotSharedError
    if not facts["consented"]:
        raise ConsentNeededError
    await clinical.log(connection, actor, client_id, look)


async def attends(connection: Connection, principal: Principal, client_id: UUID) -> bool:
    """Whether this professional has seen the client, and so has pages of theirs to open."""
    if principal.provider_id is None:
        return False
    facts = await repository.facts(connection, client_id, principal.provider_id, "progress_data")
    return bool(facts and facts["own"])


def written_by(actor: Actor) -> str:
    """`client` or `staff`, as it is kept with what they write."""
    return "client" if actor.principal.kind == "client" else "staff"
