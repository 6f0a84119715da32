"""Who may sign meal plans: the licences that an owner or manager saw."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.identity.auth import require_scope
from barberpro_app.kit.errors import AppError, NotFoundError
from barberpro_app.nutrition import licences
from barberpro_app.nutrition.schemas import NutritionistDraft
from barberpro_app.provider import service as providers
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.setup.common import (
    Extra,
    Field,
    FormPage,
    ListPage,
    Row,
    form_panel,
    list_panel,
)
from barberpro_app.web.site.drafts import draft
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.rendering import Reader, reader_of, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("settings:write"))])
HOME = "/ajustes/nutricionistas"
_FIELDS = {"licence_number": "matricula", "jurisdiction": "jurisdiccion", "valid_until": "vence"}


@router.get(HOME)
async def every(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    t = reader.t
    async with reader.database.connection() as connection:
        known = {
            item.provider_id: item for item in (await licences.nutritionists(connection)).items
        }
        team = await providers.list_providers(connection)
    rows = []
    for provider in team:
        found = known.get(provider.id)
        state = "nutritionist.none"
        if found is not None:
            state = "nutritionist.signs" if found.may_sign else "nutritionist.over"
        number = f"{found.licence_number} ({found.jurisdiction})" if found else ""
        rows.append(Row([provider.name, number, t(state)], f"{HOME}/{provider.id}"))
    columns = [t.word("Provider"), t("nutritionist.licence"), t("nutritionist.state")]
    what = ListPage(t("nutritionist.title"), columns, rows, lead=t("nutritionist.lead"))
    return list_panel(request, reader, what)


@router.get(HOME + "/{provider_id}")
async def one(request: Request, provider_id: UUID, reader: Reader = Depends(reader_of)) -> Response:
    return await _page(request, reader, provider_id)


async def _page(
    request: Request,
    reader: Reader,
    provider_id: UUID,
    form: Form | None = None,
    error: AppError | None = None,
) -> Response:
    t = reader.t
    async with reader.database.connection() as connection:
        team = await providers.list_providers(connection)
        listed = (await licences.nutritionists(connection)).items
    provider = next((item for item in team if item.id == provider_id), None)
    if provider is None:
        raise NotFoundError
    known = next((item for item in listed if item.provider_id == provider_id), None)
    if form is None and known is not None:
        form = Form.empty(matricula=known.licence_number, jurisdiccion=known.jurisdiction,
                          vence=known.valid_until.isoformat() if known.valid_until else None)  # fmt: skip
    others = (
        [Extra(f"{HOME}/{provider_id}/quitar", t("nutritionist.remove"), danger=True)]
        if known
        else []
    )
    what = FormPage(
        provider.name,
        [
            Field("matricula", t("nutritionist.licence"), extra={"maxlength": 40}),
            Field("jurisdiccion", t("licence.jurisdiction"), extra={"maxlength": 80}),
            Field("vence", t("licence.valid_until"), "date", required=False),
        ],
        back=HOME,
        lead=t("nutritionist.form_lead"),
        others=others,
    )
    return form_panel(request, reader, what, form or Form.empty(), error)


@router.post(HOME + "/{provider_id}")
async def enter(
    request: Request, provider_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    form = await submitted(request)
    values = {
        "licence_number": form.text("matricula", most=40),
        "jurisdiction": form.text("jurisdiccion", most=80),
        "valid_until": form.day("vence", required=False),
    }
    new = draft(form, NutritionistDraft, values, _FIELDS)
    if new is None:
        return await _page(request, reader, provider_id, form)
    async with reader.database.transaction() as connection:
        await licences.enter(connection, actor(request, reader.principal), provider_id, new)
    return see(f"{HOME}?hecho=1")


@router.post(HOME + "/{provider_id}/quitar")
async def remove(
    request: Request, provider_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    await submitted(request)
    async with reader.database.transaction() as connection:
        await licences.remove(connection, actor(request, reader.principal), provider_id)
    return see(f"{HOME}?hecho=1")
