"""A provider's calendars: what disagrees, what is connected, the address to subscribe to."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from barberpro_app.calendar_sync import service
from barberpro_app.calendar_sync.endpoints import check_connects
from barberpro_app.calendar_sync.entries import permitted
from barberpro_app.calendar_sync.errors import NoCalendarsError
from barberpro_app.calendar_sync.schemas import (
    CalDavDraft,
    CalendarChoice,
    CalendarConflict,
    CalendarConnection,
    Decision,
    Feed,
    FeedDraft,
)
from barberpro_app.identity.auth import require_scope
from barberpro_app.identity.principal import Principal
from barberpro_app.kit.errors import AppError, NotFoundError
from barberpro_app.provider import service as providers
from barberpro_app.provider.schemas import Provider
from barberpro_app.web.parts.booking_view import actor, in_language
from barberpro_app.web.setup.menu import menu
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.problems import explain
from barberpro_app.web.site.rendering import Reader, page, reader_of, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("bookings:read"))])
HOME = "/calendarios"
FIELDS = {"address": "direccion", "password": "clave"}


@dataclass(frozen=True)
class _Conflict:
    """One disagreement as texts."""

    id: UUID
    kind: str
    booking: str
    about: str
    said: str
    who: str
    session: bool


def may_manage(principal: Principal, provider_id: UUID) -> bool:
    return principal.has_scope("providers:write") or principal.provider_id == provider_id


def _show(
    request: Request, reader: Reader, template: str, heading: str, *, form: Form | None = None,
    error: AppError | None = None, **context: Any,
) -> Response:  # fmt: skip
    status = error.status if error else 422 if form is not None and form.problems else 200
    done = request.query_params.get("hecho", "")
    notice = f"calendar.done.{done}"
    return page(
        request, reader, f"setup/{template}.html", status, heading=heading,
        menu_groups=menu(reader, request.url.path) if reader.principal.has_scope("settings:read") else [],
        notice=reader.t(notice) if reader.t.has(notice) else "",
        problem=explain(reader, error) if error else "", form=form or Form.empty(), **context,
    )  # fmt: skip


@router.get(HOME)
async def every(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    """All that disagrees, and whose calendars there are; a provider's login sees the own page."""
    principal = reader.principal
    if principal.own_agenda_only:
        if principal.provider_id is None:
            raise NotFoundError
        return see(f"{HOME}/{principal.provider_id}")
    who = actor(request, principal)
    async with reader.database.connection() as connection:
        conflicts = (await service.list_conflicts(connection, who)).items
        people = await providers.list_providers(connection)
        found: list[CalendarConnection] = []
        if principal.has_scope("providers:write"):
            found = (await service.list_connections(connection, who)).items
    people = [person for person in people if may_manage(principal, person.id)]
    return _show(
        request, reader, "calendars", reader.t("calendar.title"),
        conflicts=[_conflict(reader, item) for item in conflicts],
        people=[(person, [c for c in found if c.provider_id == person.id]) for person in people],
    )  # fmt: skip


def _conflict(reader: Reader, item: CalendarConflict) -> _Conflict:
    fmt, t = reader.fmt, reader.t
    name = in_language(item.service, reader.locale, reader.app.locale)
    same_day = fmt.local(item.starts_at).date() == fmt.local(item.event_starts_at).date()
    from_ = fmt.hour(item.event_starts_at) if same_day else fmt.moment(item.event_starts_at)
    one_day = fmt.local(item.event_starts_at).date() == fmt.local(item.event_ends_at).date()
    until = fmt.hour(item.event_ends_at) if one_day else fmt.moment(item.event_ends_at)
    about = f"{fmt.moment(item.starts_at)} – {fmt.hour(item.ends_at)} · {name}"
    if item.client:
        about += f" · {item.client}"
    said = t(
        f"calendar.conflict.{item.kind}", calendar=item.calendar_title, start=from_, until=until
    )
    return _Conflict(item.id, item.kind, str(item.booking_id), about, said, item.provider_name,
                     item.is_session)  # fmt: skip


@router.post(HOME + "/conflicto/{conflict_id}")
async def decide(
    request: Request, conflict_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    form = await submitted(request)
    decision = Decision(decision="dismissed" if form.raw("decision") == "dismissed" else "kept")
    async with reader.database.transaction() as connection:
        await service.decide(connection, actor(request, reader.principal), conflict_id, decision)
    back = form.key("profesional", required=False)
    return see(f"{HOME}/{back}?hecho=decidido" if back else f"{HOME}?hecho=decidido")


@router.get(f"{HOME}/google/vuelta")
async def back_from_google(
    request: Request, code: str = "", state: str = "", reader: Reader = Depends(reader_of)
) -> Response:
    """Back from Google's page, with access given or not."""
    check_connects(request, reader.principal)
    connecting = import_module("barberpro_app.calendar_sync.connecting")
    who = actor(request, reader.principal)
    try:
        provider_id, made = await connecting.connect_google(
            request.app.state.settings, reader.database, who, code[:2000], state[:500]
        )
    except AppError as error:
        if error.status != 409:
            raise
        return _show(request, reader, "calendar_denied", reader.t("calendar.title"), error=error)
    return see(f"{HOME}/{provider_id}/conexion/{made}")


async def _person(request: Request, reader: Reader, provider_id: UUID) -> Provider:
    """Raises `NotFoundError`, `NotAllowedError`."""
    service.check(actor(request, reader.principal), provider_id)
    async with reader.database.connection() as connection:
        return await providers.get_provider(connection, provider_id)


@router.get(HOME + "/{provider_id}")
async def show(
    request: Request, provider_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    """One provider's calendars."""
    person = await _person(request, reader, provider_id)
    who, settings = actor(request, reader.principal), request.app.state.settings
    async with reader.database.connection() as connection:
        conflicts = (await service.list_conflicts(connection, who, provider_id)).items
        found = (await service.list_connections(connection, who, provider_id)).items
        feed: Feed | None = None
        try:
            feed = await service.get_feed(connection, settings, who, provider_id)
        except NotFoundError:
            feed = None
    form = Form.empty(detalle=feed.detail if feed else permitted(reader.app)[:2][-1])
    own = reader.principal.provider_id == provider_id
    heading = reader.t("calendar.title") if own else f"{reader.t('calendar.title')}: {person.name}"
    return _show(
        request, reader, "calendar", heading, form=form, person=person, feed=feed,
        conflicts=[_conflict(reader, item) for item in conflicts], connections=found,
        details=_details(reader), google=settings.secrets.optional("google-client-id") is not None,
        webcal=f"webcal://{feed.url.partition('://')[2]}" if feed else "",
    )  # fmt: skip


def _details(reader: Reader) -> list[tuple[str, str]]:
    return [(name, reader.t(f"calendar.detail.{name}")) for name in permitted(reader.app)]


@router.post(HOME + "/{provider_id}/suscripcion")
async def subscribe(
    request: Request, provider_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    """Makes the address, changes what it tells, or makes another one."""
    form = await submitted(request)
    wanted = form.choice("detalle", [name for name, _ in _details(reader)])
    who = actor(request, reader.principal)
    made = FeedDraft.model_validate({"detail": wanted or "busy", "anew": form.flag("nueva")})
    async with reader.database.transaction() as connection:
        await service.set_feed(connection, request.app.state.settings, who, provider_id, made)
    return see(f"{HOME}/{provider_id}?hecho={'direccion' if made.anew else 'guardado'}#suscripcion")


@router.post(HOME + "/{provider_id}/suscripcion/quitar")
async def unsubscribe(
    request: Request, provider_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    await submitted(request)
    async with reader.database.transaction() as connection:
        await service.remove_feed(connection, actor(request, reader.principal), provider_id)
    return see(f"{HOME}/{provider_id}?hecho=quitado")


@router.get(HOME + "/{provider_id}/google")
async def to_google(
    request: Request, provider_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    """To Google's page. A link and not a form, for a form may lead to this site alone (CSP)."""
    await _person(request, reader, provider_id)
    connecting = import_module("barberpro_app.calendar_sync.connecting")
    who = actor(request, reader.principal)
    address = connecting.google_address(request.app.state.settings, provider_id, who)
    return RedirectResponse(address, 303, headers={"Cache-Control": "no-store"})


@router.get(HOME + "/{provider_id}/caldav")
async def ask_account(
    request: Request, provider_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    person = await _person(request, reader, provider_id)
    return _show(request, reader, "calendar_caldav", reader.t("calendar.caldav"), person=person)


@router.post(HOME + "/{provider_id}/caldav")
async def connect(
    request: Request, provider_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    """Asks the server for the account's calendars; what went wrong stands beside its field."""
    person = await _person(request, reader, provider_id)
    form = await submitted(request)
    address, user = form.text("direccion", most=500), form.text("usuario", most=200)
    password = form.raw("clave")
    if not form.text("clave", most=200):
        password = ""
    form.values.pop("clave", None)
    heading = reader.t("calendar.caldav")
    if not form.ok:
        return _show(request, reader, "calendar_caldav", heading, form=form, person=person)
    wanted = CalDavDraft(address=address, user=user, password=password)
    check_connects(request, reader.principal)
    connecting = import_module("barberpro_app.calendar_sync.connecting")
    who = actor(request, reader.principal)
    try:
        made = await connecting.connect_caldav(
            request.app.state.settings, reader.database, who, provider_id, wanted
        )
    except AppError as error:
        if error.status != NoCalendarsError.status:
            raise
        form.refuse(FIELDS.get(error.field or "", "direccion"), f"code.{error.code}")
        return _show(request, reader, "calendar_caldav", heading, form=form, person=person)
    return see(f"{HOME}/{provider_id}/conexion/{made}")


async def _connection(
    request: Request, reader: Reader, provider_id: UUID, connection_id: UUID
) -> CalendarConnection:
    """Raises `NotFoundError`."""
    async with reader.database.connection() as connection:
        who = actor(request, reader.principal)
        found = await service.get_connection(connection, who, connection_id)
    if found.provider_id != provider_id:
        raise NotFoundError
    return found


@router.get(HOME + "/{provider_id}/conexion/{connection_id}")
async def options(
    request: Request, provider_id: UUID, connection_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    """Which calendar, and what it is for."""
    found = await _connection(request, reader, provider_id, connection_id)
    form = Form.empty(
        calendario=found.choices[0].calendar if found.choices else None, detalle=found.detail,
        escribe="1" if found.writes else None, ocupa="1" if found.blocks else None,
    )  # fmt: skip
    return _options(request, reader, found, form)


def _options(
    request: Request, reader: Reader, found: CalendarConnection, form: Form,
    error: AppError | None = None,
) -> Response:  # fmt: skip
    heading = reader.t("calendar.choose" if found.state == "choosing" else "calendar.options")
    return _show(
        request, reader, "calendar_options", heading, form=form, error=error, item=found,
        choices=[(item.calendar, item.title) for item in found.choices], details=_details(reader),
    )  # fmt: skip


@router.post(HOME + "/{provider_id}/conexion/{connection_id}")
async def choose(
    request: Request, provider_id: UUID, connection_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    form = await submitted(request)
    found = await _connection(request, reader, provider_id, connection_id)
    names = [item.calendar for item in found.choices] or [found.calendar]
    calendar = form.choice("calendario", names) if found.state == "choosing" else found.calendar
    detail = form.choice("detalle", [name for name, _ in _details(reader)])
    if not form.flag("escribe") and not form.flag("ocupa"):
        form.refuse("escribe", "error.choice")
    if not form.ok:
        return _options(request, reader, found, form)
    choice = CalendarChoice.model_validate(
        {"calendar": calendar, "detail": detail, "writes": form.flag("escribe"),
         "blocks": form.flag("ocupa")}
    )  # fmt: skip
    try:
        async with reader.database.transaction() as connection:
            await service.choose(
                connection, request.app.state.settings, actor(request, reader.principal),
                connection_id, choice,
            )  # fmt: skip
    except AppError as error:
        if error.status not in {409, 422}:
            raise
        return _options(request, reader, found, form, error)
    request.app.state.wake_worker()
    return see(f"{HOME}/{provider_id}?hecho=conectado")


@router.post(HOME + "/{provider_id}/conexion/{connection_id}/ahora")
async def sync(
    request: Request, provider_id: UUID, connection_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    await submitted(request)
    await _connection(request, reader, provider_id, connection_id)
    async with reader.database.transaction() as connection:
        await service.sync_now(connection, actor(request, reader.principal), connection_id)
    return see(f"{HOME}/{provider_id}?hecho=ahora")


@router.post(HOME + "/{provider_id}/conexion/{connection_id}/quitar")
async def disconnect(
    request: Request, provider_id: UUID, connection_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    await submitted(request)
    await _connection(request, reader, provider_id, connection_id)
    async with reader.database.transaction() as connection:
        await service.remove(connection, actor(request, reader.principal), connection_id)
    return see(f"{HOME}/{provider_id}?hecho=desconectado")
