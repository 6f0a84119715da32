"""A professional's patients and one patient's record: reading, adding, correcting, the copy."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse, Response

from barberpro_app.clinical_records import access, service
from barberpro_app.clinical_records.errors import NotYourPatientError
from barberpro_app.clinical_records.persons import require_team, vault_of
from barberpro_app.clinical_records.schemas import (
    KINDS,
    CorrectionDraft,
    EmergencyRequest,
    EntryDraft,
    Record,
)
from barberpro_app.kit.errors import AppError
from barberpro_app.web.clinical.common import patient_page
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.site.drafts import draft
from barberpro_app.web.site.forms import Form, clean
from barberpro_app.web.site.rendering import Reader, page, reader_of, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_team)])
HOME = "/pacientes"


@router.get(HOME)
async def patients(request: Request, q: str = "", reader: Reader = Depends(reader_of)) -> Response:
    """Whom the reader attends, latest visit first."""
    text = clean(q)[:120]
    async with reader.database.connection() as connection:
        found = await service.list_patients(connection, actor(request, reader.principal), text)
    return page(request, reader, "clinical/patients.html", patients=found, q=text)


@router.get(HOME + "/{client_id}")
async def show(request: Request, client_id: UUID, reader: Reader = Depends(reader_of)) -> Response:
    return await _record(request, reader, client_id)


async def _record(
    request: Request,
    reader: Reader,
    client_id: UUID,
    form: Form | None = None,
    error: AppError | None = None,
) -> Response:
    try:
        record = await _read(request, reader, client_id)
    except NotYourPatientError:
        return _closed(request, reader, client_id, Form.empty())
    return await patient_page(
        request, reader, client_id, "record", form=form, error=error, record=record, kinds=KINDS,
        entries=list(reversed(record.entries)), numbers={e.id: e.number for e in record.entries},
    )  # fmt: skip


async def _read(request: Request, reader: Reader, client_id: UUID) -> Record:
    async with reader.database.transaction() as connection:
        return await service.read_record(
            connection, vault_of(request), reader.app, actor(request, reader.principal), client_id
        )


def _closed(request: Request, reader: Reader, client_id: UUID, form: Form) -> Response:
    """Not the reader's patient: what an entry by exception means, and its form."""
    status = 422 if form.problems else 403
    return page(
        request, reader, "clinical/closed.html", status, client_id=client_id, form=form,
        minutes=access.EMERGENCY_MINUTES,
    )  # fmt: skip


@router.post(HOME + "/{client_id}/emergencia")
async def enter_by_exception(
    request: Request, client_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    form = await submitted(request)
    reason = form.text("motivo", most=500, lines=True)
    asked = draft(form, EmergencyRequest, {"reason": reason}, {"reason": "motivo"})
    if asked is None:
        return _closed(request, reader, client_id, form)
    async with reader.database.transaction() as connection:
        who = actor(request, reader.principal)
        await access.enter_by_exception(connection, who, client_id, asked.reason)
    return see(f"{HOME}/{client_id}")


@router.post(HOME + "/{client_id}/entrada")
async def add(request: Request, client_id: UUID, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    values = {
        "kind": form.choice("tipo", KINDS),
        "text": form.text("texto", most=20_000, lines=True),
    }
    new = draft(form, EntryDraft, values, {"text": "texto", "kind": "tipo"})
    if new is None:
        return await _record(request, reader, client_id, form)
    try:
        async with reader.database.transaction() as connection:
            who = actor(request, reader.principal)
            await service.add_entry(connection, vault_of(request), who, client_id, new)
    except AppError as error:
        return await _record(request, reader, client_id, form, error)
    return see(f"{HOME}/{client_id}?hecho=guardado")


@router.get(HOME + "/{client_id}/corregir/{entry_id}")
async def correct_form(
    request: Request, client_id: UUID, entry_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    return await _correct(request, reader, client_id, entry_id, None)


async def _correct(
    request: Request,
    reader: Reader,
    client_id: UUID,
    entry_id: UUID,
    form: Form | None,
    error: AppError | None = None,
) -> Response:
    record = await _read(request, reader, client_id)
    entry = next((item for item in record.entries if item.id == entry_id), None)
    if entry is None or record.level != "correct":
        return see(f"{HOME}/{client_id}")
    form = form or Form.empty(texto=entry.text)
    return await patient_page(
        request, reader, client_id, "correct", form=form, error=error, entry=entry
    )


@router.post(HOME + "/{client_id}/corregir/{entry_id}")
async def correct(
    request: Request, client_id: UUID, entry_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    form = await submitted(request)
    values = {
        "text": form.text("texto", most=20_000, lines=True),
        "reason": form.text("motivo", most=500, lines=True),
    }
    new = draft(form, CorrectionDraft, values, {"text": "texto", "reason": "motivo"})
    if new is None:
        return await _correct(request, reader, client_id, entry_id, form)
    try:
        async with reader.database.transaction() as connection:
            await service.correct_entry(
                connection, vault_of(request), actor(request, reader.principal), client_id,
                entry_id, new,
            )  # fmt: skip
    except AppError as error:
        return await _correct(request, reader, client_id, entry_id, form, error)
    return see(f"{HOME}/{client_id}?hecho=corregido")


@router.get(HOME + "/{client_id}/accesos")
async def accesses(
    request: Request, client_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    async with reader.database.transaction() as connection:
        found = await service.access_log(connection, actor(request, reader.principal), client_id)
    return await patient_page(request, reader, client_id, "accesses", items=found.items)


@router.get(HOME + "/{client_id}/copia")
async def copy(
    request: Request, client_id: UUID, formato: str = "", reader: Reader = Depends(reader_of)
) -> Response:
    """The patient's copy, to print or as data."""
    return await copy_page(request, reader, client_id, as_data=formato == "json")


async def copy_page(
    request: Request, reader: Reader, client_id: UUID, *, as_data: bool
) -> Response:
    """The same for the team and for the patient (Ley 26.529 art. 14)."""
    async with reader.database.transaction() as connection:
        found = await service.export_record(
            connection, vault_of(request), reader.app, actor(request, reader.principal), client_id
        )
    if as_data:
        headers = {
            "Cache-Control": "no-store",
            "Content-Disposition": 'attachment; filename="historia-clinica.json"',
        }
        return JSONResponse(found.model_dump(mode="json"), headers=headers)
    numbers = {entry.id: entry.number for entry in found.entries}
    return page(request, reader, "clinical/copy.html", copy=found, numbers=numbers)
