"""The queue of who walked in: reception's page, the screen for everybody, and the page of one turn."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.catalog.service import list_services
from barberpro_app.identity.auth import require_scope
from barberpro_app.kit import clock
from barberpro_app.kit.errors import AppError, NotFoundError
from barberpro_app.kit.qr import svg
from barberpro_app.kit.routes import add_routes
from barberpro_app.location.service import get_location, list_locations
from barberpro_app.provider.service import list_providers
from barberpro_app.walk_in import service
from barberpro_app.walk_in.schemas import WalkIn, WalkInCall, WalkInDraft
from barberpro_app.web.parts.booking_view import actor, in_language, links_of, reading
from barberpro_app.web.site.forms import Form, parse_key
from barberpro_app.web.site.problems import explain
from barberpro_app.web.site.rendering import Reader, page, reader_of, see, submitted

router = APIRouter(include_in_schema=False)
team = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("clients:write"))])
HOME = "/agenda/fila"
NOTICES = {"llamado": "walkin.was_called", "anotado": "walkin.added", "fuera": "walkin.ended"}


def shown_name(reader: Reader, turn: WalkIn) -> str:
    """What everybody may see: the first name, and where health is concerned not even that."""
    if reader.app.compliance.health_data:
        return ""
    return turn.name.split()[0][:20] if turn.name.split() else ""


@team.get(HOME)
async def desk(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    return await _desk(
        request, reader, Form.empty(), parse_key(request.query_params.get("sede", ""))
    )


async def _desk(
    request: Request,
    reader: Reader,
    form: Form,
    location_id: UUID | None,
    error: AppError | None = None,
) -> Response:
    async with reader.database.connection() as connection:
        places = await list_locations(connection)
        chosen = next((item for item in places if item.id == location_id), None)
        chosen = chosen or next(iter(places), None)
        if chosen is None:
            raise NotFoundError
        queue = await service.queue(connection, reader.app, chosen.id)
        people = await list_providers(connection, location_id=chosen.id)
        offered = [
            item
            for item in await list_services(connection)
            if item.capacity == 1 and item.offered_by
        ]
    asked = request.query_params
    fresh = parse_key(asked.get("turno", ""))
    added = next((item for item in queue.waiting if item.id == fresh), None)
    notice = NOTICES.get(asked.get("hecho", ""))
    names = {
        item.id: in_language(item.service.name, reader.locale, reader.app.locale)
        for item in (*queue.waiting, *queue.called)
    }
    return page(
        request,
        reader,
        "staff/walk_in.html",
        error.status if error else 422 if form.problems else 200,
        places=places,
        place=chosen,
        queue=queue,
        names=names,
        people=[(item.id, item.name) for item in people],
        services=[
            (item.id, in_language(item.name, reader.locale, reader.app.locale)) for item in offered
        ],
        form=form,
        added=added,
        qr=_picture(request, reader, added) if added else "",
        notice=reader.t(notice) if notice else "",
        problem=explain(reader, error) if error else "",
    )


def _picture(request: Request, reader: Reader, turn: WalkIn) -> str:
    """The turn's own page as a QR code, to follow it on a phone."""
    address = f"{reader.app.public_url.rstrip('/')}/fila/turno/{_token(request, turn.id)}"
    return str(svg(address, reader.t("walkin.qr", n=turn.number)))


def _token(request: Request, turn_id: UUID) -> str:
    return links_of(request).other("walk-in").token(turn_id)


@team.post(HOME)
async def add(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    location_id, service_id = form.key("sede"), form.key("servicio")
    provider_id = form.key("profesional", required=False)
    name = form.text("nombre", most=120)
    phone = form.phone("telefono", country=reader.app.country, required=False)
    if not form.ok or location_id is None or service_id is None:
        return await _desk(request, reader, form, location_id)
    draft = WalkInDraft(
        location_id=location_id,
        service_id=service_id,
        provider_id=provider_id,
        name=name,
        phone=phone or None,
    )
    try:
        async with reader.database.connection() as connection:
            turn = await service.add(connection, actor(request, reader.principal), draft)
    except AppError as error:
        if error.status not in (404, 409, 422):
            raise
        return await _desk(request, reader, form, location_id, error)
    return see(f"{HOME}?sede={location_id}&turno={turn.id}&hecho=anotado")


@team.post(HOME + "/{turn_id}/{what}")
async def act(
    request: Request, turn_id: UUID, what: str, reader: Reader = Depends(reader_of)
) -> Response:
    """`llamar`, `se-fue` or `no-contesta`."""
    form = await submitted(request)
    who, location_id = actor(request, reader.principal), parse_key(form.raw("sede"))
    try:
        async with reader.database.connection() as connection:
            if what == "llamar":
                asked = WalkInCall(provider_id=parse_key(form.raw("profesional")))
                await service.call(connection, reader.app, who, turn_id, asked)
            elif what == "se-fue":
                await service.end(connection, reader.app, who, turn_id, "left")
            elif what == "no-contesta":
                await service.end(connection, reader.app, who, turn_id, "no_answer")
            else:
                raise NotFoundError
    except AppError as error:
        if error.status not in (409, 422):
            raise
        return await _desk(request, reader, Form.empty(), location_id, error)
    done = "llamado" if what == "llamar" else "fuera"
    return see(f"{HOME}?sede={location_id or ''}&hecho={done}")


@router.get("/fila/{location_id}")
async def screen(
    request: Request, location_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    """The screen in the shop: numbers, first names, and who is called now."""
    async with reader.database.connection() as connection:
        place = await get_location(connection, location_id)
        queue = await service.queue(connection, reader.app, location_id)
    now = clock.now()
    called = [
        turn for turn in queue.called if turn.called_at and now - turn.called_at < service.CALLED
    ]
    return page(
        request,
        reader,
        "booking/queue.html",
        place=place,
        waiting=[(turn, shown_name(reader, turn)) for turn in queue.waiting],
        called=[(turn, shown_name(reader, turn)) for turn in called[:4]],
        neutral=reader.app.compliance.health_data,
    )


@router.get("/fila/turno/{token}")
async def turn(request: Request, token: str, reader: Reader = Depends(reader_of)) -> Response:
    async with reader.database.connection() as connection:
        found = await service.get(connection, reader.app, _turn_id(request, token))
    return page(
        request,
        reader,
        "booking/turn.html",
        turn=found,
        token=token,
        service=in_language(found.service.name, reader.locale, reader.app.locale),
    )


def _turn_id(request: Request, token: str) -> UUID:
    """Raises `NotFoundError`."""
    found = links_of(request).other("walk-in").booking_id(token)
    if found is None:
        raise NotFoundError
    return found


@router.post("/fila/turno/{token}/salir")
async def leave(request: Request, token: str, reader: Reader = Depends(reader_of)) -> Response:
    """Who has the link may give the turn up while it waits."""
    await submitted(request)
    turn_id = _turn_id(request, token)
    async with reader.database.connection() as connection:
        found = await service.get(connection, reader.app, turn_id)
        if found.state == "waiting":
            await service.end(connection, reader.app, reading(request), turn_id, "left")
    return see(f"/fila/turno/{token}")


add_routes(router, [team])
