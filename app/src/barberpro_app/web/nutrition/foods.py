"""Foods of the business's own, entered by a nutritionist with their source."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.clinical_records.persons import require_team
from barberpro_app.kit.errors import AppError
from barberpro_app.nutrition import foods, licences, own_foods
from barberpro_app.nutrition.schemas import FoodDraft
from barberpro_app.web.body.common import decimal_of, number
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.site.drafts import draft
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.problems import explain
from barberpro_app.web.site.rendering import Reader, page, reader_of, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_team)])
HOME = "/alimentos"
_NUTRIENTS = {"kcal": "kcal", "protein_g": "proteinas", "carbohydrate_g": "hidratos",
              "fat_g": "grasas", "fibre_g": "fibra"}  # fmt: skip
_FIELDS = {"name": "nombre", "source": "fuente", **_NUTRIENTS}


@router.get(HOME)
async def show(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    return await _page(request, reader)


async def _page(
    request: Request, reader: Reader, form: Form | None = None, error: AppError | None = None
) -> Response:
    async with reader.database.connection() as connection:
        items = await own_foods.offered(connection)
        signs = await licences.may_sign(connection, reader.principal.provider_id)
    status = error.status if error else 422 if form is not None and form.problems else 200
    return page(
        request, reader, "body/foods.html", status, items=items, signs=signs,
        form=form or Form.empty(), problem=explain(reader, error) if error else "",
        notice=reader.t("body.saved") if request.query_params.get("hecho") else "",
        number=lambda value, decimals=0: number(reader, value, decimals),
        avoidable=[(name, reader.t(f"contains.{name}")) for name in foods.CONTAINS],
        nutrients=list(_NUTRIENTS.items()),
    )  # fmt: skip


@router.post(HOME)
async def add(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    values: dict[str, object] = {
        name: decimal_of(form, field) for name, field in _NUTRIENTS.items()
    }
    values["name"] = form.text("nombre", most=80)
    values["source"] = form.text("fuente", most=200)
    values["contains"] = [name for name in form.several("contiene") if name in foods.CONTAINS]
    new = draft(form, FoodDraft, values, _FIELDS)
    if new is None:
        return await _page(request, reader, form)
    try:
        async with reader.database.transaction() as connection:
            await own_foods.add(connection, actor(request, reader.principal), new)
    except AppError as error:
        if error.status not in {409, 422}:
            raise
        return await _page(request, reader, form, error)
    return see(f"{HOME}?hecho=1")


@router.post(HOME + "/{food_id}/quitar")
async def end(request: Request, food_id: UUID, reader: Reader = Depends(reader_of)) -> Response:
    await submitted(request)
    async with reader.database.transaction() as connection:
        await own_foods.end(connection, actor(request, reader.principal), food_id)
    return see(f"{HOME}?hecho=1")
