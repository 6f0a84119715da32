"""The owner's packages and memberships: what is on sale."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.catalog.service import list_services
from barberpro_app.identity.auth import require_scope
from barberpro_app.kit.errors import AppError
from barberpro_app.membership import service
from barberpro_app.membership.schemas import Plan, PlanDraft, PlanSwitch
from barberpro_app.web.parts.booking_view import actor, in_language
from barberpro_app.web.setup.common import (
    Extra,
    Field,
    FormPage,
    ListPage,
    Row,
    form_panel,
    list_panel,
    panel,
)
from barberpro_app.web.site.forms import Form, parse_key
from barberpro_app.web.site.rendering import Reader, reader_of, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("catalog:write"))])
HOME = "/ajustes/abonos"
KINDS = ("package", "membership")


@router.get(HOME)
async def every(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    t = reader.t
    async with reader.database.connection() as connection:
        found = await service.plans(connection, inactive=True)
    columns = (t("brand.name"), t("plans.kind"), t("plans.credits"), t("plans.days"),
               t("summary.price"), t("plans.on_sale"))  # fmt: skip
    rows = [_row(reader, plan) for plan in found]
    what = ListPage(
        t("plans.title"), columns, rows, t("plans.lead"), f"{HOME}/nuevo", t("plans.add")
    )
    return list_panel(request, reader, what)


def _row(reader: Reader, plan: Plan) -> Row:
    t = reader.t
    cells = (
        plan.name,
        t(f"plans.{plan.kind}"),
        plan.credits,
        plan.days,
        reader.fmt.money(plan.price_centavos),
        t("setup.yes" if plan.active else "setup.no"),
    )
    return Row(cells, f"{HOME}/{plan.id}")


async def _page(reader: Reader) -> FormPage:
    t = reader.t
    async with reader.database.connection() as connection:
        services = [
            (item.id, in_language(item.name, reader.locale, reader.app.locale))
            for item in await list_services(connection)
        ]
    kinds = [(kind, t(f"plans.{kind}")) for kind in KINDS]
    fields = [
        Field("nombre", t("brand.name"), extra={"maxlength": 120}),
        Field("tipo", t("plans.kind"), kind="choose", options=kinds),
        Field("creditos", t("plans.credits"), kind="number", extra={"min": 1, "max": 500}),
        Field("dias", t("plans.days"), kind="number", extra={"min": 1, "max": 1100}),
        Field("precio", t("summary.price"), extra={"inputmode": "decimal"}),
        Field("servicios", t.word("Services"), kind="ticks", options=services,
              hint=t("plans.services_hint")),
        Field("en_linea", t("plans.online"), kind="tick"),
    ]  # fmt: skip
    return FormPage(t("plans.add"), fields, HOME, t("plans.lead"))


@router.get(f"{HOME}/nuevo")
async def new(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    form = Form.empty(creditos=4, dias=30, en_linea="1")
    return form_panel(request, reader, await _page(reader), form)


@router.post(f"{HOME}/nuevo")
async def add(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    values = {
        "name": form.text("nombre", most=120),
        "kind": form.choice("tipo", KINDS),
        "credits": form.integer("creditos", least=1, most=500),
        "days": form.integer("dias", least=1, most=1100),
        "price_centavos": form.centavos("precio"),
        "online": form.flag("en_linea"),
        "services": [key for key in map(parse_key, form.several("servicios")) if key],
    }
    if not values["price_centavos"]:
        form.refuse("precio", "error.money")
    if not form.ok:
        return form_panel(request, reader, await _page(reader), form)
    draft = PlanDraft.model_validate(values)
    try:
        async with reader.database.transaction() as connection:
            await service.add_plan(connection, actor(request, reader.principal), draft)
    except AppError as error:
        return form_panel(request, reader, await _page(reader), form, error)
    return see(f"{HOME}?hecho=1")


@router.get(HOME + "/{plan_id}")
async def show(request: Request, plan_id: UUID, reader: Reader = Depends(reader_of)) -> Response:
    plan = await _plan(reader, plan_id)
    t = reader.t
    label = t("plans.take_off") if plan.active else t("plans.put_on")
    fields = (("version", plan.version), ("activo", "" if plan.active else "1"))
    extra = Extra(f"{HOME}/{plan.id}", label, fields, danger=plan.active)
    facts = _row(reader, plan)
    return panel(request, reader, "plan", plan.name, facts=facts.cells[1:], extra=extra, back=HOME)


async def _plan(reader: Reader, plan_id: UUID) -> Plan:
    async with reader.database.connection() as connection:
        return await service.plan(connection, plan_id)


@router.post(HOME + "/{plan_id}")
async def switch(request: Request, plan_id: UUID, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    wanted = PlanSwitch(version=form.version() or 1, active=form.flag("activo"))
    async with reader.database.transaction() as connection:
        await service.switch_plan(connection, actor(request, reader.principal), plan_id, wanted)
    return see(f"{HOME}?hecho=1")
