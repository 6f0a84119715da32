"""The JSON API of channels and consents."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from barberpro_app.contact_channel import service
from barberpro_app.contact_channel.schemas import Channel, ChannelChange, ContactChannels
from barberpro_app.edge import (
    API,
    READING,
    WRITING,
    ClientOrScope,
    actor_of,
    answer,
    configuration_of,
    database_of,
)
from barberpro_app.identity.principal import Principal

router = APIRouter(prefix=f"{API}/clients/{{client_id}}/channels", tags=["clients"])

Reader = Annotated[Principal, Depends(ClientOrScope("clients:read"))]
Writer = Annotated[Principal, Depends(ClientOrScope("clients:write"))]


@router.get("", response_model=ContactChannels, responses=READING)
async def get_channels(request: Request, client_id: UUID, principal: Reader) -> Response:
    """How a client may be reached, and what was agreed to."""
    async with database_of(request).connection() as connection:
        return answer(
            await service.get_channels(connection, actor_of(request, principal), client_id)
        )


@router.put("/{channel}", response_model=ContactChannels, responses=WRITING)
async def change_channel(
    request: Request, client_id: UUID, channel: Channel, principal: Writer, body: ChannelChange
) -> Response:
    """Note that the client agreed to a channel, or does not any more."""
    async with database_of(request).transaction() as connection:
        changed = await service.change_channel(
            connection, configuration_of(request), actor_of(request, principal), client_id,
            channel, body,
        )  # fmt: skip
    return answer(changed)
