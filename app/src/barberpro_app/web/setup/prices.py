"""The owner's prices and deposits, as rules."""

from __future__ import annotations

from datetime import time
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import ValidationError
from starlette.responses import Response

from barberpro_app.catalog.service import list_services
from barberpro_app.identity.auth import require_scope
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import AppError, NotFoundError
from barberpro_app.kit.minutes import text as clock_text
from barberpro_app.pricing import service
from barberpro_app.pricing.repository import Table
from barberpro_app.pricing.schemas import DepositRule, DepositRuleDraft, PriceRule, PriceRuleDraft
from barberpro_app.provider.service import list_providers
from barberpro_app.web.parts.booking_view import actor, in_language
from barberpro_app.web.setup.common import Field, FormPage, Options, form_panel, panel
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.rendering import Reader, reader_of, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("catalog:write"))])
HOME = "/ajustes/precios"
TABLES: dict[str, Table] = {"precio": "price_rule", "sena": "deposit_rule"}
LAST_MINUTE = 23 * 60 + 59


async def _names(connection: Connection, reader: Reader) -> tuple[Options, Options]:
    """Services and providers to choose from."""
    services = [
        (item.id, in_language(item.name, reader.locale, reader.app.locale))
        for item in await list_services(connection)
    ]
    return services, [(item.id, item.name) for item in await list_providers(connection)]


@router.get(HOME)
async def every(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    async with reader.database.connection() as connection:
        services, people = await _names(connection, reader)
        prices = await service.price_rules(connection)
        deposits = await service.deposit_rules(connection)
    names = {str(key): name for key, name in (*services, *people)}
    rules = [
        (reader.t("prices.rules"), "precio", reader.t("prices.add_price"),
         [(item.id, _price(reader, names, item)) for item in prices]),
        (reader.t("prices.deposits"), "sena", reader.t("prices.add_deposit"),
         [(item.id, _deposit(reader, names, item)) for item in deposits]),
    ]  # fmt: skip
    return panel(request, reader, "prices", reader.t("prices.title"), rules=rules, home=HOME)


def _value(reader: Reader, item: PriceRule | DepositRule) -> str:
    if item.amount_centavos is not None:
        return reader.fmt.money(item.amount_centavos)
    return f"{item.percent}\u00a0%"


def _price(reader: Reader, names: dict[str, str], item: PriceRule) -> str:
    parts = [names.get(str(key), "–") for key in (item.service_id, item.provider_id) if key]
    if item.weekdays:
        parts.append(", ".join(reader.fmt.weekday_name(day) for day in item.weekdays))
    if item.from_minute is not None and item.to_minute is not None:
        parts.append(f"{clock_text(item.from_minute)}–{clock_text(item.to_minute)}")
    return f"{' · '.join(parts) or reader.t('prices.any')}: {_value(reader, item)}"


def _deposit(reader: Reader, names: dict[str, str], item: DepositRule) -> str:
    parts = [names.get(str(item.service_id), "–")] if item.service_id else []
    number = f" {item.no_shows}" if item.no_shows else ""
    parts.append(reader.t(f"prices.{item.applies}") + number)
    return f"{' · '.join(parts)}: {_value(reader, item)}"


def _amount(reader: Reader) -> list[Field]:
    t = reader.t
    kinds = [("fixed", t("prices.fixed")), ("percent", t("prices.percent"))]
    return [
        Field("tipo", t("prices.kind"), kind="choose", options=kinds),
        Field("valor", t("prices.value"), hint=t("prices.value_hint"), extra={"inputmode": "decimal"}),
    ]  # fmt: skip


async def _page(reader: Reader, what: str) -> FormPage:
    t = reader.t
    async with reader.database.connection() as connection:
        services, people = await _names(connection, reader)
    anything = t("prices.any")
    of_service = Field(
        "servicio", t.word("Service"), kind="choose", options=services, blank=anything,
        required=False,
    )  # fmt: skip
    if what == "sena":
        whom = [(name, t(f"prices.{name}")) for name in ("always", "new_client", "no_shows")]
        fields = [
            of_service,
            Field("quien", t("prices.applies"), kind="choose", options=whom),
            Field("faltas", t("prices.no_shows_number"), kind="number", required=False,
                  extra={"min": 1, "max": 100}),
            *_amount(reader),
        ]  # fmt: skip
        return FormPage(t("prices.add_deposit"), fields, HOME)
    days = [(day, reader.fmt.weekday_name(day)) for day in range(1, 8)]
    fields = [
        of_service,
        Field("profesional", t.word("Provider"), kind="choose", options=people, blank=anything,
              required=False),
        Field("dias", t("prices.days"), kind="ticks", options=days, required=False),
        Field("desde", t("prices.from"), kind="time", required=False),
        Field("hasta", t("prices.to"), kind="time", required=False),
        *_amount(reader),
    ]  # fmt: skip
    return FormPage(t("prices.add_price"), fields, HOME, t("prices.lead"))


@router.get(HOME + "/{what}/nueva")
async def new(request: Request, what: str, reader: Reader = Depends(reader_of)) -> Response:
    if what not in TABLES:
        raise NotFoundError
    return form_panel(request, reader, await _page(reader, what), Form.empty())


def _common(form: Form, most_percent: int) -> dict[str, Any]:
    kind = form.choice("tipo", ("fixed", "percent"))
    values: dict[str, Any] = {"kind": kind, "service_id": form.key("servicio", required=False)}
    if kind == "percent":
        values["percent"] = form.integer("valor", least=0, most=most_percent)
    else:
        values["amount_centavos"] = form.centavos("valor")
    return values


def _price_values(form: Form) -> dict[str, Any]:
    values = _common(form, 1000)
    values["provider_id"] = form.key("profesional", required=False)
    days = [int(day) for day in form.several("dias") if day in set("1234567")]
    values["weekdays"] = days or None
    start, end = form.clock("desde", required=False), form.clock("hasta", required=False)
    if (start is None) != (end is None):
        form.refuse("hasta" if end is None else "desde", "error.required")
    if start is not None and end is not None:
        values["from_minute"], values["to_minute"] = _minute(start), _minute(end, ending=True)
        if values["from_minute"] >= values["to_minute"]:
            form.refuse("hasta", "error.time")
    return values


def _minute(hour: time, *, ending: bool = False) -> int:
    """Minutes since midnight; an end at 23:59 or 00:00 is the end of the day."""
    minute = hour.hour * 60 + hour.minute
    return 1440 if ending and minute in {0, LAST_MINUTE} else minute


def _deposit_values(form: Form) -> dict[str, Any]:
    values = _common(form, 100)
    values["applies"] = form.choice("quien", ("always", "new_client", "no_shows"))
    if values["applies"] == "no_shows":
        values["no_shows"] = form.integer("faltas", least=1, most=100)
    return values


@router.post(HOME + "/{what}/nueva")
async def add(request: Request, what: str, reader: Reader = Depends(reader_of)) -> Response:
    if what not in TABLES:
        raise NotFoundError
    form = await submitted(request)
    values = _deposit_values(form) if what == "sena" else _price_values(form)
    if not form.ok:
        return form_panel(request, reader, await _page(reader, what), form)
    who = actor(request, reader.principal)
    try:
        async with reader.database.transaction() as connection:
            if what == "sena":
                draft = DepositRuleDraft.model_validate(values)
                await service.add_deposit_rule(connection, who, draft)
            else:
                await service.add_price_rule(connection, who, PriceRuleDraft.model_validate(values))
    except AppError as error:
        return form_panel(request, reader, await _page(reader, what), form, error)
    except ValidationError:
        form.refuse("valor", "error.money")
        return form_panel(request, reader, await _page(reader, what), form)
    return see(f"{HOME}?hecho=1")


@router.post(HOME + "/{what}/{rule_id}/quitar")
async def remove(
    request: Request, what: str, rule_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    if what not in TABLES:
        raise NotFoundError
    await submitted(request)
    async with reader.database.transaction() as connection:
        who = actor(request, reader.principal)
        await service.remove_rule(connection, who, TABLES[what], rule_id)
    return see(f"{HOME}?hecho=1")
