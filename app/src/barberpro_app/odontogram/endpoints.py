"""The JSON API of the odontogram."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from barberpro_app.clinical_records.persons import require_person, require_team, vault_of
from barberpro_app.edge import API, READING, WRITING, actor_of, answer, database_of
from barberpro_app.identity.principal import Principal
from barberpro_app.odontogram import service
from barberpro_app.odontogram.schemas import ChartAnswer, FindingsDraft

router = APIRouter(prefix=f"{API}/clients", tags=["odontogram"])
Person = Annotated[Principal, Depends(require_person)]
Member = Annotated[Principal, Depends(require_team)]


@router.get("/{client_id}/odontogram", response_model=ChartAnswer, responses=READING)
async def read_chart(request: Request, client_id: UUID, principal: Person) -> Response:
    """The chart now, with each tooth's history (FDI two-digit notation)."""
    vault = vault_of(request)
    async with database_of(request).transaction() as connection:
        found = await service.read_chart(connection, vault, actor_of(request, principal), client_id)
    return answer(found)


@router.post(
    "/{client_id}/odontogram", response_model=ChartAnswer, status_code=201, responses=WRITING
)
async def add_findings(
    request: Request, client_id: UUID, draft: FindingsDraft, principal: Member
) -> Response:
    """What was found; one entry of the clinical record."""
    vault = vault_of(request)
    async with database_of(request).transaction() as connection:
        made = await service.add_findings(
            connection, vault, actor_of(request, principal), client_id, draft
        )
    return answer(made, 201)
