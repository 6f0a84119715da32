"""The JSON API of what body data have in common: for signed-in people."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from barberpro_app.body_data import service
from barberpro_app.body_data.schemas import (
    BodyConsentDraft,
    BodyConsents,
    Looks,
    SharedPurpose,
    SharingClients,
)
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
from barberpro_app.kit.schemas import Line, Locale
from barberpro_app.privacy_compliance.schemas import Consent

router = APIRouter(prefix=f"{API}/body-data", tags=["body data"])

Person = Annotated[Principal, Depends(require_person)]
Member = Annotated[Principal, Depends(require_team)]


@router.get("/consents", response_model=BodyConsents, responses=READING)
async def consents(
    request: Request, principal: Person, locale: Annotated[Locale, Query()] = "es-AR"
) -> Response:
    """What you may agree to here, and what you did agree to."""
    async with database_of(request).connection() as connection:
        found = await service.consents(
            connection, configuration_of(request), actor_of(request, principal), locale
        )
    return answer(found)


@router.post("/consents", response_model=Consent, status_code=201, responses=WRITING)
async def agree(request: Request, draft: BodyConsentDraft, principal: Person) -> Response:
    """Agree to a text; its hash says which one you saw."""
    async with database_of(request).transaction() as connection:
        made = await service.agree(
            connection, configuration_of(request), actor_of(request, principal), draft
        )
    return answer(made, 201)


@router.delete("/consents/{purpose}", response_model=Consent, responses=READING)
async def withdraw(request: Request, purpose: SharedPurpose, principal: Person) -> Response:
    """Take a consent back; what was kept under it is deleted at once."""
    async with database_of(request).transaction() as connection:
        done = await service.withdraw(connection, actor_of(request, principal), purpose)
    return answer(done)


@router.get("/clients", response_model=SharingClients, responses=READING)
async def clients(
    request: Request, principal: Member, q: Annotated[Line, Query(max_length=120)] = ""
) -> Response:
    """Whom you attend, and who of them shares body data with you."""
    async with database_of(request).connection() as connection:
        return answer(await service.clients(connection, actor_of(request, principal), q))


@router.get("/looks", response_model=Looks, responses=READING)
async def looks(request: Request, principal: Person) -> Response:
    """Who looked at your data."""
    async with database_of(request).connection() as connection:
        return answer(await service.looks(connection, actor_of(request, principal)))
