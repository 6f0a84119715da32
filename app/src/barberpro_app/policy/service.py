"""The policies that hold: app.json's, with what the owner changed of them."""

from __future__ import annotations

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import StaleVersionError
from barberpro_app.policy import repository
from barberpro_app.policy.schemas import EffectivePolicies, PoliciesPatch
from barberpro_app.settings import AppConfiguration, Policies


async def get_policies(connection: Connection, app: AppConfiguration) -> EffectivePolicies:
    """What holds now."""
    values, version = await repository.changed(connection)
    policies = Policies.model_validate(app.policies.model_dump() | values)
    return EffectivePolicies(policies=policies, version=version)


async def change_policies(
    connection: Connection, app: AppConfiguration, actor: Actor, patch: PoliciesPatch
) -> EffectivePolicies:
    """Needs a transaction. Raises `StaleVersionError`."""
    values = patch.model_dump(exclude_none=True, exclude={"version"})
    if not await repository.change(connection, values, patch.version):
        raise StaleVersionError(field="version")
    await record(connection, actor, "policies.changed", AuditedObject("policies", ""), values)
    return await get_policies(connection, app)
