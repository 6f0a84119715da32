"""Which bookings wait for a yes of the team, as the owner's rules."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.approval import service
from barberpro_app.approval.schemas import ApprovalRule, ApprovalRuleDraft
from barberpro_app.catalog.service import list_services
from barberpro_app.identity.auth import require_scope
from barberpro_app.kit.errors import AppError
from barberpro_app.web.parts.booking_view import actor, in_language
from barberpro_app.web.setup.common import Field, FormPage, Options, form_panel, panel
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.rendering import Reader, reader_of, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("catalog:write"))])
HOME = "/ajustes/aprobacion"
WHOM = ("always", "new_client", "no_shows")
WHEN = ("after", "before")


async def _services(reader: Reader) -> Options:
    async with reader.database.connection() as connection:
        return [
            (item.id, in_language(item.name, reader.locale, reader.app.locale))
            for item in await list_services(connection, inactive=True)
        ]


@router.get(HOME)
async def every(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    async with reader.database.connection() as connection:
        rules = await service.list_rules(connection)
    names = {str(key): name for key, name in await _services(reader)}
    items = [(rule.id, _text(reader, names, rule)) for rule in rules]
    return panel(request, reader, "approvals", reader.t("approval.title"), items=items, home=HOME)


def _text(reader: Reader, names: dict[str, str], rule: ApprovalRule) -> str:
    t = reader.t
    number = f" {rule.no_shows}" if rule.no_shows else ""
    parts = [
        names.get(str(rule.service_id), "–") if rule.service_id else t("prices.any"),
        t(f"prices.{rule.applies}") + number,
        t("approval.within", n=rule.answer_hours),
        t(f"approval.deposit_{rule.deposit}"),
    ]
    return " · ".join(parts)


async def _page(reader: Reader) -> FormPage:
    t = reader.t
    hours: dict[str, object] = {"min": 1, "max": 168}
    whom = [(name, t(f"prices.{name}")) for name in WHOM]
    when = [(name, t(f"approval.deposit_{name}")) for name in WHEN]
    fields = [
        Field("servicio", t.word("Service"), kind="choose", options=await _services(reader),
              blank=t("prices.any"), required=False),
        Field("quien", t("prices.applies"), kind="choose", options=whom),
        Field("faltas", t("prices.no_shows_number"), kind="number", required=False,
              extra={"min": 1, "max": 100}),
        Field("responder", t("approval.answer_hours"), kind="number",
              hint=t("approval.answer_hint"), extra=hours),
        Field("sena", t("approval.deposit"), kind="choose", options=when),
        Field("pagar", t("approval.pay_hours"), kind="number", extra=hours),
    ]  # fmt: skip
    return FormPage(t("approval.add"), fields, HOME, t("approval.lead"))


@router.get(f"{HOME}/nueva")
async def new(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    return form_panel(request, reader, await _page(reader), Form.empty(responder=24, pagar=24))


@router.post(f"{HOME}/nueva")
async def add(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    applies = form.choice("quien", WHOM)
    values = {
        "service_id": form.key("servicio", required=False),
        "applies": applies,
        "no_shows": form.integer("faltas", least=1, most=100) if applies == "no_shows" else None,
        "deposit": form.choice("sena", WHEN),
        "answer_hours": form.integer("responder", least=1, most=168),
        "pay_hours": form.integer("pagar", least=1, most=168),
    }
    if not form.ok:
        return form_panel(request, reader, await _page(reader), form)
    try:
        async with reader.database.transaction() as connection:
            draft = ApprovalRuleDraft.model_validate(values)
            await service.add_rule(connection, actor(request, reader.principal), draft)
    except AppError as error:
        return form_panel(request, reader, await _page(reader), form, error)
    return see(f"{HOME}?hecho=1")


@router.post(HOME + "/{rule_id}/quitar")
async def remove(request: Request, rule_id: UUID, reader: Reader = Depends(reader_of)) -> Response:
    await submitted(request)
    async with reader.database.transaction() as connection:
        await service.remove_rule(connection, actor(request, reader.principal), rule_id)
    return see(f"{HOME}?hecho=1")
