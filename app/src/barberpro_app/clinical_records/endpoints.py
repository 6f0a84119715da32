"""The JSON API of clinical records: for signed-in people, not for programs."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from barberpro_app.clinical_records import access, repository, service
from barberpro_app.clinical_records.persons import require_person, require_team, vault_of
from barberpro_app.clinical_records.schemas import (
    AccessLog,
    CorrectionDraft,
    EmergencyEntry,
    EmergencyRequest,
    Entry,
    EntryDraft,
    Grant,
    GrantDraft,
    GrantList,
    Record,
    RecordExport,
)
from barberpro_app.edge import (
    API,
    READING,
    WRITING,
    actor_of,
    answer,
    configuration_of,
    database_of,
    no_content,
)
from barberpro_app.identity.auth import require_role
from barberpro_app.identity.principal import Principal

router = APIRouter(prefix=API, tags=["clinical records"])

Person = Annotated[Principal, Depends(require_person)]
Member = Annotated[Principal, Depends(require_team)]
Owner = Annotated[Principal, Depends(require_role("owner"))]
RECORD = "/clinical-records/{client_id}"


@router.get(RECORD, response_model=Record, responses=READING)
async def read_record(request: Request, client_id: UUID, principal: Person) -> Response:
    """The record of a patient of yours, or your own; the look is logged."""
    vault = vault_of(request)
    async with database_of(request).transaction() as connection:
        found = await service.read_record(
            connection, vault, configuration_of(request), actor_of(request, principal), client_id
        )
    return answer(found)


@router.post(RECORD + "/entries", response_model=Entry, status_code=201, responses=WRITING)
async def add_entry(
    request: Request, client_id: UUID, draft: EntryDraft, principal: Member
) -> Response:
    """Adds an entry, signed by who is signed in."""
    vault = vault_of(request)
    async with database_of(request).transaction() as connection:
        made = await service.add_entry(
            connection, vault, actor_of(request, principal), client_id, draft
        )
    return answer(made, 201)


@router.post(
    RECORD + "/entries/{entry_id}/corrections",
    response_model=Entry,
    status_code=201,
    responses=WRITING,
)
async def correct_entry(
    request: Request, client_id: UUID, entry_id: UUID, draft: CorrectionDraft, principal: Member
) -> Response:
    """Adds the right text; the wrong one stays."""
    vault = vault_of(request)
    async with database_of(request).transaction() as connection:
        made = await service.correct_entry(
            connection, vault, actor_of(request, principal), client_id, entry_id, draft
        )
    return answer(made, 201)


@router.get(RECORD + "/accesses", response_model=AccessLog, responses=READING)
async def access_log(request: Request, client_id: UUID, principal: Person) -> Response:
    """Who looked at the record, when and why."""
    async with database_of(request).transaction() as connection:
        found = await service.access_log(connection, actor_of(request, principal), client_id)
    return answer(found)


@router.get(RECORD + "/export", response_model=RecordExport, responses=READING)
async def export_record(request: Request, client_id: UUID, principal: Person) -> Response:
    """The patient's copy of the record (Ley 26.529 art. 14)."""
    vault = vault_of(request)
    async with database_of(request).transaction() as connection:
        found = await service.export_record(
            connection, vault, configuration_of(request), actor_of(request, principal), client_id
        )
    return answer(found)


@router.post(
    RECORD + "/emergency-access", response_model=EmergencyEntry, status_code=201, responses=WRITING
)
async def enter_by_exception(
    request: Request, client_id: UUID, body: EmergencyRequest, principal: Member
) -> Response:
    """Opens the record of somebody else's patient for an hour; audited, and the patient sees it."""
    async with database_of(request).transaction() as connection:
        opened = await access.enter_by_exception(
            connection, actor_of(request, principal), client_id, body.reason
        )
    return answer(EmergencyEntry(client_id=client_id, until=opened.emergency_until), 201)


@router.get("/clinical-grants", response_model=GrantList, responses=READING)
async def list_grants(request: Request, _principal: Owner) -> Response:
    """What each member of the team may do with clinical records."""
    async with database_of(request).connection() as connection:
        rows = await repository.grants(connection)
    return answer(GrantList(items=[Grant.model_validate(row) for row in rows]))


@router.put("/clinical-grants/{staff_id}", status_code=204, responses=WRITING)
async def set_grant(
    request: Request, staff_id: UUID, draft: GrantDraft, principal: Owner
) -> Response:
    """Gives a level, or takes it (`none`)."""
    async with database_of(request).transaction() as connection:
        await access.set_grant(
            connection,
            actor_of(request, principal),
            staff_id,
            draft.level,
            all_patients=draft.all_patients,
        )
    return no_content()
