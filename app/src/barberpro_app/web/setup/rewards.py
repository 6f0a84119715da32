"""The owner's loyalty programme: cards, what fills them and what a full one gives; levels."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.catalog.service import list_services
from barberpro_app.identity.auth import require_scope
from barberpro_app.kit.errors import AppError
from barberpro_app.loyalty import service
from barberpro_app.loyalty.schemas import LevelDraft, RuleDraft, RuleSwitch
from barberpro_app.web.parts.booking_view import actor, in_language
from barberpro_app.web.parts.rewards import earned_by, gives
from barberpro_app.web.setup.common import Field, FormPage, form_panel, panel
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.rendering import Reader, reader_of, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("settings:read"))])
WRITES = [Depends(require_scope("settings:write"))]
HOME = "/ajustes/premios"
HOW = ("visit", "amount")


async def _services(reader: Reader) -> list[tuple[object, str]]:
    async with reader.database.connection() as connection:
        return [
            (item.id, in_language(item.name, reader.locale, reader.app.locale))
            for item in await list_services(connection, inactive=True)
        ]


@router.get(HOME)
async def every(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    names = dict(await _services(reader))
    async with reader.database.connection() as connection:
        rules = (await service.rules(connection)).items
        levels = (await service.levels(connection)).items
    cards = [(rule, gives(reader, rule), earned_by(reader, rule, names)) for rule in rules]
    return panel(
        request, reader, "rewards", reader.t("rewards.settings"), cards=cards, levels=levels,
        home=HOME, writes=reader.principal.has_scope("settings:write"),
    )  # fmt: skip


async def _card_page(reader: Reader) -> FormPage:
    t = reader.t
    fields = [
        Field("nombre", t("brand.name"), hint=t("rewards.name_hint"), extra={"maxlength": 120}),
        Field("servicio", t.word("Service"), kind="choose", options=await _services(reader),
              blank=t("prices.any"), required=False),
        Field("como", t("rewards.how"), kind="choose",
              options=[(name, t(f"rewards.how_{name}")) for name in HOW]),
        Field("monto", t("rewards.amount"), required=False, hint=t("rewards.amount_hint"),
              extra={"inputmode": "decimal"}),
        Field("sellos", t("rewards.wanted"), kind="number", extra={"min": 1, "max": 50}),
        Field("descuento", t("rewards.discount"), kind="number", hint=t("rewards.discount_hint"),
              extra={"min": 1, "max": 100}),
        Field("dias", t("rewards.days"), kind="number", extra={"min": 1, "max": 3650}),
    ]  # fmt: skip
    return FormPage(t("rewards.add"), fields, HOME, t("rewards.rules_lead"))


@router.get(f"{HOME}/nueva", dependencies=WRITES)
async def new(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    form = Form.empty(sellos=10, descuento=100, dias=365, como="visit")
    return form_panel(request, reader, await _card_page(reader), form)


@router.post(f"{HOME}/nueva", dependencies=WRITES)
async def add(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    values: dict[str, object] = {
        "name": form.text("nombre", most=120),
        "service_id": form.key("servicio", required=False),
        "stamps": form.integer("sellos", least=1, most=50),
        "percent": form.integer("descuento", least=1, most=100),
        "valid_days": form.integer("dias", least=1, most=3650),
    }
    if form.choice("como", HOW) == "amount":
        amount = values["per_centavos"] = form.centavos("monto")
        if amount < 100:
            form.refuse("monto", "error.money")
    if not form.ok:
        return form_panel(request, reader, await _card_page(reader), form)
    draft = RuleDraft.model_validate(values)
    try:
        async with reader.database.transaction() as connection:
            await service.add_rule(connection, actor(request, reader.principal), draft)
    except AppError as error:
        return form_panel(request, reader, await _card_page(reader), form, error)
    return see(f"{HOME}?hecho=1")


@router.post(HOME + "/{rule_id}/estado", dependencies=WRITES)
async def switch(request: Request, rule_id: UUID, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    wanted = RuleSwitch(version=form.version() or 1, active=form.flag("activo"))
    async with reader.database.transaction() as connection:
        await service.switch_rule(connection, actor(request, reader.principal), rule_id, wanted)
    return see(f"{HOME}?hecho=1")


def _level_page(reader: Reader) -> FormPage:
    t = reader.t
    fields = [
        Field("nombre", t("brand.name"), hint=t("rewards.level_hint"), extra={"maxlength": 60}),
        Field("visitas", t("rewards.level_visits"), kind="number", extra={"min": 1, "max": 500}),
        Field("sellos", t("rewards.level_stamps"), kind="number", extra={"min": 1, "max": 5}),
    ]
    return FormPage(t("rewards.add_level"), fields, HOME, t("rewards.levels_lead"))


@router.get(f"{HOME}/niveles/nuevo", dependencies=WRITES)
async def new_level(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    return form_panel(request, reader, _level_page(reader), Form.empty(sellos=2))


@router.post(f"{HOME}/niveles/nuevo", dependencies=WRITES)
async def add_level(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    values = {
        "name": form.text("nombre", most=60),
        "visits": form.integer("visitas", least=1, most=500),
        "stamps": form.integer("sellos", least=1, most=5),
    }
    if not form.ok:
        return form_panel(request, reader, _level_page(reader), form)
    draft = LevelDraft.model_validate(values)
    try:
        async with reader.database.transaction() as connection:
            await service.add_level(connection, actor(request, reader.principal), draft)
    except AppError as error:
        return form_panel(request, reader, _level_page(reader), form, error)
    return see(f"{HOME}?hecho=1")


@router.post(HOME + "/niveles/{level_id}/quitar", dependencies=WRITES)
async def remove_level(
    request: Request, level_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    await submitted(request)
    async with reader.database.transaction() as connection:
        await service.remove_level(connection, actor(request, reader.principal), level_id)
    return see(f"{HOME}?hecho=1")
