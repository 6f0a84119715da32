"""Whose days a reader of the team sees, and between which days."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from barberpro_app.identity.principal import Principal
from barberpro_app.kit.database import Connection
from barberpro_app.provider import service as providers
from barberpro_app.provider.schemas import Provider

#: The team's first page.
HOME = "/agenda/hoy"
#: The calendar ends somewhere; so does paging through it.
FIRST_DAY, LAST_DAY = date(2001, 1, 1), date(2099, 12, 24)


async def people_for(
    connection: Connection, principal: Principal, location_id: UUID | None = None
) -> list[Provider]:
    """Whose agenda this reader sees: a provider's login its own, the others everybody's."""
    if principal.own_agenda_only:
        if principal.provider_id is None:
            return []
        return [await providers.get_provider(connection, principal.provider_id)]
    return await providers.list_providers(connection, location_id=location_id)
