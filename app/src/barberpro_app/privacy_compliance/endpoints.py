"""The JSON API of privacy: for signed-in people."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from barberpro_app.clinical_records.persons import require_person, require_team
from barberpro_app.edge import (
    API,
    READING,
    WRITING,
    actor_of,
    answer,
    configuration_of,
    database_of,
)
from barberpro_app.identity.principal import Principal
from barberpro_app.kit.schemas import Locale
from barberpro_app.privacy_compliance import service
from barberpro_app.privacy_compliance.schemas import (
    Consent,
    ConsentDraft,
    ConsentList,
    DataRequest,
    DataRequestList,
    Decision,
    PersonalData,
    RequestDraft,
)

router = APIRouter(prefix=f"{API}/privacy", tags=["privacy"])

Person = Annotated[Principal, Depends(require_person)]
Member = Annotated[Principal, Depends(require_team)]


@router.get("/clients/{client_id}/data", response_model=PersonalData, responses=READING)
async def personal_data(request: Request, client_id: UUID, principal: Person) -> Response:
    """Everything kept about a person (Ley 25.326 art. 14)."""
    async with database_of(request).transaction() as connection:
        found = await service.personal_data(
            connection, configuration_of(request), actor_of(request, principal), client_id
        )
    return answer(found)


@router.get("/requests", response_model=DataRequestList, responses=READING)
async def list_requests(request: Request, principal: Person) -> Response:
    """Your requests; for owners and managers everybody's, with their deadlines."""
    async with database_of(request).connection() as connection:
        found = await service.list_requests(connection, actor_of(request, principal))
    return answer(found)


@router.post("/requests", response_model=DataRequest, status_code=201, responses=WRITING)
async def ask(request: Request, draft: RequestDraft, principal: Person) -> Response:
    """Ask to see, correct or erase your data, or for a copy of your clinical record."""
    async with database_of(request).transaction() as connection:
        made = await service.ask(
            connection, configuration_of(request), actor_of(request, principal), draft
        )
    return answer(made, 201)


@router.post("/requests/{request_id}/decision", response_model=DataRequest, responses=WRITING)
async def decide(
    request: Request, request_id: UUID, given: Decision, principal: Member
) -> Response:
    """Answer a request; an erasure is carried out class by class."""
    async with database_of(request).transaction() as connection:
        done = await service.decide(
            connection,
            configuration_of(request),
            actor_of(request, principal),
            request_id,
            given,
        )
    return answer(done)


@router.get("/consents", response_model=ConsentList, responses=READING)
async def list_consents(
    request: Request, principal: Person, locale: Annotated[Locale, Query()] = "es-AR"
) -> Response:
    """What you agreed to, and what you may agree to."""
    async with database_of(request).connection() as connection:
        found = await service.list_consents(
            connection, configuration_of(request), actor_of(request, principal), locale
        )
    return answer(found)


@router.post("/consents", response_model=Consent, status_code=201, responses=WRITING)
async def give_consent(request: Request, draft: ConsentDraft, principal: Person) -> Response:
    """Agree to a text; its hash says which one you saw."""
    async with database_of(request).transaction() as connection:
        made = await service.give_consent(
            connection, configuration_of(request), actor_of(request, principal), draft
        )
    return answer(made, 201)


@router.post("/consents/{consent_id}/revocation", response_model=Consent, responses=WRITING)
async def revoke_consent(request: Request, consent_id: UUID, principal: Person) -> Response:
    """Take a consent back, from now on."""
    async with database_of(request).transaction() as connection:
        done = await service.revoke_consent(connection, actor_of(request, principal), consent_id)
    return answer(done)
