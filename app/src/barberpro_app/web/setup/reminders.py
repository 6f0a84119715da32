"""When clients are reminded, by which channel, when nobody is disturbed, and how the channels do."""

from __future__ import annotations

from datetime import date, time
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.identity.auth import require_scope
from barberpro_app.integration_processor import costs
from barberpro_app.integration_processor.health import every as every_integration
from barberpro_app.integration_processor.setup import is_set_up
from barberpro_app.kit.errors import AppError
from barberpro_app.reminders import service
from barberpro_app.reminders.schemas import (
    MessagePreferences,
    MessagePreferencesChange,
    ReminderRule,
    ReminderRuleDraft,
    ReminderRulePatch,
)
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.setup.common import Field, FormPage, form_panel, panel
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.rendering import Reader, reader_of, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("settings:write"))])
HOME = "/ajustes/recordatorios"
KINDS = ("booking_reminder", "booking_ask")
CHANNELS = ("preferred", "email", "whatsapp")
DAY_HOURS = 24


@router.get(HOME)
async def show(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    return await _page(request, reader)


async def _page(
    request: Request, reader: Reader, form: Form | None = None, error: AppError | None = None
) -> Response:
    settings = reader.site.settings
    async with reader.database.connection() as connection:
        rules = await service.list_rules(connection)
        preferences = await service.get_preferences(connection)
        integrations = await every_integration(connection, settings)
        months = await costs.costs(connection, costs.PriceTable.load())
    names = {"desde": reader.t("reminders.from"), "hasta": reader.t("reminders.to")}
    return panel(
        request,
        reader,
        "reminders",
        reader.t("reminders.title"),
        form=form or _filled(preferences),
        error=error,
        labels=names,
        rules=[(rule, _sentence(reader, rule)) for rule in rules],
        integrations=integrations,
        months=[(_month(reader, item.month), item) for item in months],
        whatsapp=is_set_up(settings),
    )


def _month(reader: Reader, month: date) -> str:
    return f"{month.month:02d}/{month.year}" if reader.locale.startswith("es") else f"{month:%Y-%m}"


def _filled(preferences: MessagePreferences) -> Form:
    return Form.empty(
        whatsapp="1" if preferences.whatsapp else None,
        desde=_clock(preferences.quiet_from),
        hasta=_clock(preferences.quiet_to),
        version=preferences.version,
    )


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _sentence(reader: Reader, rule: ReminderRule) -> str:
    hours = rule.minutes_before / 60
    whole = int(hours) if hours == int(hours) else round(hours, 1)
    when = reader.t("reminders.before", hours=whole)
    kind, channel = reader.t(f"reminders.{rule.kind}"), reader.t(f"reminders.{rule.channel}")
    return f"{when}: {kind} · {channel}"


@router.post(HOME)
async def change(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    start, end = form.clock("desde"), form.clock("hasta")
    wanted = form.raw("whatsapp") == "1"
    if wanted and not is_set_up(reader.site.settings):
        form.refuse("whatsapp", "reminders.not_set_up")
    if not form.ok or start is None or end is None:
        return await _page(request, reader, form)
    values = MessagePreferencesChange(
        version=form.version() or 0, whatsapp=wanted,
        quiet_from=_minute(start), quiet_to=_minute(end),
    )  # fmt: skip
    try:
        async with reader.database.transaction() as connection:
            await service.change_preferences(connection, actor(request, reader.principal), values)
    except AppError as error:
        return await _page(request, reader, form, error)
    return see(f"{HOME}?hecho=1")


def _minute(moment: time) -> int:
    return moment.hour * 60 + moment.minute


def _new(reader: Reader) -> FormPage:
    t = reader.t
    channels = [(name, t(f"reminders.{name}")) for name in CHANNELS]
    fields = [
        Field("horas", t("reminders.hours"), kind="number", extra={"min": 1, "max": 720}),
        Field("tipo", t("reminders.kind"), kind="choose",
              options=[(name, t(f"reminders.{name}")) for name in KINDS]),
        Field("canal", t("reminders.channel"), kind="choose", options=channels),
    ]  # fmt: skip
    return FormPage(t("reminders.add"), fields, HOME)


@router.get(HOME + "/nuevo")
async def new(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    return form_panel(request, reader, _new(reader), Form.empty(horas=DAY_HOURS))


@router.post(HOME + "/nuevo")
async def add(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    hours = form.integer("horas", least=1, most=720)
    kind, channel = form.choice("tipo", KINDS), form.choice("canal", CHANNELS)
    if not form.ok:
        return form_panel(request, reader, _new(reader), form)
    values = {"kind": kind, "minutes_before": hours * 60, "channel": channel}
    try:
        async with reader.database.transaction() as connection:
            draft = ReminderRuleDraft.model_validate(values)
            await service.add_rule(connection, actor(request, reader.principal), draft)
    except AppError as error:
        return form_panel(request, reader, _new(reader), form, error)
    return see(f"{HOME}?hecho=1")


@router.post(HOME + "/{rule_id}/{what}")
async def act(
    request: Request, rule_id: UUID, what: str, reader: Reader = Depends(reader_of)
) -> Response:
    """`quitar`, `pausar` or `activar` a rule."""
    form = await submitted(request)
    who = actor(request, reader.principal)
    async with reader.database.transaction() as connection:
        if what == "quitar":
            await service.remove_rule(connection, who, rule_id)
        else:
            patch = ReminderRulePatch(version=form.version() or 1, active=what == "activar")
            await service.change_rule(connection, who, rule_id, patch)
    return see(f"{HOME}?hecho=1")
