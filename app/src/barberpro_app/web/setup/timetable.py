"""The owner's timetable: the week of classes, each of them, and the rules about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.catalog.service import list_services
from barberpro_app.class_management import service
from barberpro_app.class_management.schemas import (
    ClassChange,
    ClassDraft,
    ClassEnd,
    ClassRulesChange,
    GymClass,
)
from barberpro_app.identity.auth import require_scope
from barberpro_app.kit import clock
from barberpro_app.kit.errors import AppError
from barberpro_app.kit.minutes import text as clock_text
from barberpro_app.location.service import list_locations
from barberpro_app.provider.service import list_providers
from barberpro_app.web.parts.booking_view import actor, in_language
from barberpro_app.web.setup.common import Field, FormPage, Options, form_panel, panel
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.rendering import Reader, reader_of, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("catalog:write"))])
HOME = "/ajustes/clases"
WEEK = range(1, 8)


@dataclass(frozen=True)
class _Lists:
    """What a class is made of, to choose from."""

    services: Options
    people: Options
    places: Options
    week: Options


@dataclass(frozen=True)
class _Line:
    address: str
    hour: str
    name: str
    provider: str
    place: str
    seats: int
    warning: str


@router.get(HOME)
async def every(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    async with reader.database.connection() as connection:
        found = (await service.list_classes(connection)).items
        groups = any(item.capacity > 1 for item in await list_services(connection))
    week = [
        (
            reader.fmt.weekday_name(day),
            [_line(reader, item) for item in found if item.weekday == day],
        )
        for day in WEEK
    ]
    return panel(
        request, reader, "timetable", reader.t("classes.title"), week=week, groups=groups,
        home=HOME,
    )  # fmt: skip


def _line(reader: Reader, item: GymClass) -> _Line:
    hour = clock_text(item.starts)
    skipped = item.skipped[0] if item.skipped else None
    return _Line(
        address=f"{HOME}/{item.id}",
        hour=hour,
        name=in_language(item.service.name, reader.locale, reader.app.locale),
        provider=item.provider.name,
        place=item.place,
        seats=item.seats,
        warning=_why(reader, skipped.why, reader.fmt.day(skipped.day)) if skipped else "",
    )


def _why(reader: Reader, code: str, day: str) -> str:
    known = code if code in {"holiday", "time_off", "taken"} else "other"
    return reader.t(f"classes.why.{known}", day=day)


async def _lists(reader: Reader) -> _Lists:
    async with reader.database.connection() as connection:
        services = await list_services(connection)
        people = await list_providers(connection)
        places = await list_locations(connection)
    return _Lists(
        [
            (item.id, in_language(item.name, reader.locale, reader.app.locale))
            for item in services
            if item.capacity > 1
        ],
        [(item.id, item.name) for item in people],
        [(item.id, item.name) for item in places],
        [(day, reader.fmt.weekday_name(day)) for day in WEEK],
    )


def _page(reader: Reader, heading: str, lists: _Lists, line: GymClass | None) -> FormPage:
    """Of a class that is there, service and place stay; what it does to sessions is asked."""
    t = reader.t
    fields: list[Field] = []
    if line is None:
        fields.append(Field("actividad", t.word("Service"), kind="choose", options=lists.services,
                            hint=t("classes.service_hint")))  # fmt: skip
        if len(lists.places) > 1:
            fields.append(Field("sede", t.word("Location"), kind="choose", options=lists.places))
    fields += [
        Field("dia", t("classes.weekday"), kind="choose", options=lists.week),
        Field("hora", t("classes.hour"), kind="time"),
        Field("profesional", t.word("Provider"), kind="choose", options=lists.people),
        Field("sala", t("classes.room"), required=False, extra={"maxlength": 80}),
        Field("minutos", t("service.minutes"), kind="number", required=False,
              hint=t("classes.of_service"), extra={"min": 5, "max": 720}),
        Field("cupo", t("service.capacity"), kind="number", required=False,
              hint=t("classes.of_service"), extra={"min": 1, "max": 500}),
        Field("desde", t("classes.from"), kind="date"),
        Field("hasta", t("classes.until"), kind="date", required=False, hint=t("classes.until_hint")),
    ]  # fmt: skip
    lead = ""
    if line is not None:
        fields.append(Field("aplicar", t("classes.apply", sessions=line.coming), kind="tick"))
        days = " ".join(
            _why(reader, item.why, reader.fmt.day(item.day)) for item in line.skipped[:6]
        )
        lead = f"{t('classes.coming', sessions=line.coming, bookings=line.booked)} {days}".strip()
    return FormPage(heading, fields, back=HOME, lead=lead)


def _optional(form: Form, name: str, least: int, most: int) -> int | None:
    return form.integer(name, least=least, most=most) if form.raw(name).strip() else None


def _values(form: Form, service_id: UUID | None, location_id: UUID | None) -> dict[str, Any] | None:
    """None with the problems noted in the form."""
    day, hour = form.choice("dia", [str(number) for number in WEEK]), form.clock("hora")
    provider_id = form.key("profesional")
    minutes, capacity = _optional(form, "minutos", 5, 720), _optional(form, "cupo", 1, 500)
    first, last = form.day("desde"), form.day("hasta", required=False)
    place = form.text("sala", most=80, required=False)
    if first and last and last < first:
        form.refuse("hasta", "error.date")
    if not form.ok or hour is None:
        return None
    return {
        "service_id": service_id,
        "location_id": location_id,
        "provider_id": provider_id,
        "weekday": int(day),
        "starts": clock_text(hour.hour * 60 + hour.minute),
        "minutes": minutes,
        "capacity": capacity,
        "place": place,
        "valid_from": first,
        "valid_to": last,
    }


@router.get(f"{HOME}/nueva")
async def new(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    what = _page(reader, reader.t("classes.new"), await _lists(reader), None)
    form = Form.empty(desde=reader.fmt.today(clock.now()), hora="19:00")
    return form_panel(request, reader, what, form)


@router.post(f"{HOME}/nueva")
async def add(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    lists = await _lists(reader)
    only = lists.places[0][0] if len(lists.places) == 1 else None
    location_id = only if isinstance(only, UUID) else form.key("sede")
    values = _values(form, form.key("actividad"), location_id)
    what = _page(reader, reader.t("classes.new"), lists, None)
    if values is None:
        return form_panel(request, reader, what, form)
    try:
        async with reader.database.connection() as connection:
            who = actor(request, reader.principal)
            await service.create_class(
                connection, reader.app, who, ClassDraft.model_validate(values)
            )
    except AppError as error:
        return form_panel(request, reader, what, form, error)
    return see(f"{HOME}?hecho=1")


@router.get(f"{HOME}/reglas")
async def rules(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    async with reader.database.connection() as connection:
        found = await service.get_rules(connection)
    form = Form.empty(
        semanas=found.weeks_ahead,
        tarde=found.late_hours or 0,
        cobra="1" if found.late_charges else None,
        cuenta="1" if found.late_counts else None,
        bloquea="1" if found.block_overdue else None,
        gracia=found.grace_days,
        version=found.version,
    )
    return form_panel(request, reader, _rules_page(reader), form)


def _rules_page(reader: Reader) -> FormPage:
    t = reader.t
    fields = [
        Field("semanas", t("classes.weeks"), kind="number", extra={"min": 1, "max": 26}),
        Field("tarde", t("classes.late"), kind="number", hint=t("classes.late_hint"),
              extra={"min": 0, "max": 168}),
        Field("cobra", t("classes.late_charges"), kind="tick"),
        Field("cuenta", t("classes.late_counts"), kind="tick"),
        Field("bloquea", t("classes.block"), kind="tick"),
        Field("gracia", t("classes.grace"), kind="number", extra={"min": 0, "max": 365}),
    ]  # fmt: skip
    return FormPage(t("classes.rules"), fields, back=HOME)


@router.post(f"{HOME}/reglas")
async def set_rules(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    wanted = {
        "weeks_ahead": form.integer("semanas", least=1, most=26),
        "late_hours": form.integer("tarde", least=0, most=168) or None,
        "late_charges": form.flag("cobra"),
        "late_counts": form.flag("cuenta"),
        "block_overdue": form.flag("bloquea"),
        "grace_days": form.integer("gracia", least=0, most=365),
        "version": form.version() or 0,
    }
    if not form.ok:
        return form_panel(request, reader, _rules_page(reader), form)
    try:
        async with reader.database.transaction() as connection:
            who = actor(request, reader.principal)
            await service.change_rules(connection, who, ClassRulesChange.model_validate(wanted))
    except AppError as error:
        return form_panel(request, reader, _rules_page(reader), form, error)
    return see(f"{HOME}?hecho=1")


def _filled(line: GymClass) -> Form:
    return Form.empty(
        dia=line.weekday,
        hora=clock_text(line.starts),
        profesional=line.provider.id,
        sala=line.place,
        minutos=line.minutes,
        cupo=line.capacity,
        desde=line.valid_from,
        hasta=line.valid_to,
        aplicar="1",
        version=line.version,
    )


async def _one(
    request: Request,
    reader: Reader,
    class_id: UUID,
    form: Form | None = None,
    error: AppError | None = None,
) -> Response:
    async with reader.database.connection() as connection:
        line = await service.get_class(connection, class_id)
    name = in_language(line.service.name, reader.locale, reader.app.locale)
    what = _page(reader, name, await _lists(reader), line)
    return panel(
        request,
        reader,
        "timetable_class",
        name,
        form=form or _filled(line),
        error=error,
        fields=what.fields,
        back=what.back,
        lead=what.lead,
        others=(),
        send="",
        labels={item.name: item.label for item in what.fields},
        line=line,
        here=f"{HOME}/{class_id}",
    )


@router.get(HOME + "/{class_id}")
async def show(request: Request, class_id: UUID, reader: Reader = Depends(reader_of)) -> Response:
    return await _one(request, reader, class_id)


@router.post(HOME + "/{class_id}")
async def change(request: Request, class_id: UUID, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    async with reader.database.connection() as connection:
        line = await service.get_class(connection, class_id)
    values = _values(form, line.service.id, line.location.id)
    if values is None:
        return await _one(request, reader, class_id, form)
    values |= {"version": form.version() or line.version, "apply": form.flag("aplicar")}
    try:
        async with reader.database.connection() as connection:
            who = actor(request, reader.principal)
            await service.change_class(
                connection, reader.app, who, class_id, ClassChange.model_validate(values)
            )
    except AppError as error:
        return await _one(request, reader, class_id, form, error)
    return see(f"{HOME}?hecho=1")


@router.post(HOME + "/{class_id}/quitar")
async def end(request: Request, class_id: UUID, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    reason = form.text("motivo", most=200, required=False)
    if not form.ok:
        return await _one(request, reader, class_id)
    wanted = ClassEnd(version=form.version() or 1, reason=reason)
    try:
        async with reader.database.connection() as connection:
            who = actor(request, reader.principal)
            await service.end_class(connection, reader.app, who, class_id, wanted)
    except AppError as error:
        return await _one(request, reader, class_id, None, error)
    return see(f"{HOME}?hecho=1")
