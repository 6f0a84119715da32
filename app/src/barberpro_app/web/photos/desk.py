"""Before and after, for the team: sending a pair from the telephone, asking its client, deciding."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.booking import service as bookings
from barberpro_app.booking.schemas import Booking
from barberpro_app.booking.service import BookingQuery
from barberpro_app.identity.auth import require_role
from barberpro_app.kit import clock
from barberpro_app.kit.errors import AppError, NotAllowedError
from barberpro_app.kit.qr import svg
from barberpro_app.media_processor import service as media
from barberpro_app.media_processor.endpoints import folder_of
from barberpro_app.media_processor.images import ImageRefusedError, check, why_of
from barberpro_app.portfolio import asking, service
from barberpro_app.portfolio.schemas import ItemAsk, ItemDetails, Moderation
from barberpro_app.web.parts.booking_view import actor, in_language, links_of
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.problems import explain
from barberpro_app.web.site.rendering import Reader, page, reader_of, see, submitted
from barberpro_app.web.site.uploads import submitted_files

router = APIRouter(
    include_in_schema=False,
    dependencies=[Depends(require_role("owner", "manager", "provider", "reception"))],
)
HOME = "/trabajos"
#: Of which visits photographs are sent.
RECENT = timedelta(days=14)
#: A photograph is taken now or chosen: either field will do.
FIELDS = {"antes": ("antes", "antes_elegida"), "despues": ("despues", "despues_elegida")}
TABS = {
    "pendientes": ["pending", "asked"],
    "publicadas": ["published"],
    "cerradas": ["rejected", "refused", "withdrawn"],
}
NOTICES = {"publicada": "photos.now_public", "rechazada": "photos.now_rejected",
           "retirada": "photos.now_withdrawn", "enviada": "photos.sent"}  # fmt: skip


def decides(reader: Reader) -> bool:
    return reader.principal.has_role("owner", "manager")


@router.get(HOME)
async def every(
    request: Request, ver: str = "pendientes", hecho: str = "", reader: Reader = Depends(reader_of)
) -> Response:
    chosen = ver if ver in TABS else "pendientes"
    async with reader.database.connection() as connection:
        who = actor(request, reader.principal)
        items = await asking.every(connection, who, TABS[chosen])
    items.sort(key=lambda item: item.state != "pending")
    notice = NOTICES.get(hecho)
    return page(
        request, reader, "photos/every.html",
        items=items, tabs=list(TABS), chosen=chosen, decides=decides(reader),
        notice=reader.t(notice) if notice else "",
    )  # fmt: skip


async def _visits(request: Request, reader: Reader) -> list[Booking]:
    """Visits of the last days that took place, the last one first."""
    query = BookingQuery(
        starts_from=clock.now() - RECENT, statuses=("arrived", "completed"), limit=200
    )
    async with reader.database.connection() as connection:
        found = await bookings.search(connection, actor(request, reader.principal), query)
    return [item for item in reversed(found.items) if item.client is not None]


@router.get(f"{HOME}/nuevo")
async def new(request: Request, reserva: str = "", reader: Reader = Depends(reader_of)) -> Response:
    return await _form(request, reader, Form.empty(reserva=reserva[:36] or None))


async def _form(
    request: Request, reader: Reader, form: Form, error: AppError | None = None
) -> Response:
    visits = await _visits(request, reader)
    options = [(item.id, _visit_text(reader, item)) for item in visits]
    answer = page(
        request, reader, "photos/new.html",
        error.status if error else 422 if form.problems else 200,
        form=form, options=options, problem=explain(reader, error) if error else "",
    )  # fmt: skip
    answer.headers["Permissions-Policy"] = (
        "camera=(self), geolocation=(), microphone=(), payment=(), usb=()"
    )
    return answer


def _visit_text(reader: Reader, item: Booking) -> str:
    fmt = reader.fmt
    when = f"{fmt.weekday(fmt.local(item.starts_at, item.zone).date())} {fmt.hour(item.starts_at, item.zone)}"
    name = item.client.name if item.client else ""
    what = in_language(item.service.name, reader.locale, reader.app.locale)
    return f"{name} · {what} · {when} · {item.provider.name}"


@router.post(f"{HOME}/nuevo")
async def add(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    """Both photographs or nothing: what is wrong with one is said beside it."""
    names = [name for pair in FIELDS.values() for name in pair]
    form, files = await submitted_files(request, *names, largest=media.LARGEST_FILE)
    booking_id = form.key("reserva")
    contents = {}
    for name, (taken, chosen) in FIELDS.items():
        contents[name] = files[taken] or files[chosen]
        await _check(form, name, contents[name])
    if booking_id is None or not form.ok:
        return await _form(request, reader, form)
    try:
        item = await _keep(request, reader, form, booking_id, contents)
    except AppError as error:
        if error.status not in {404, 409, 422}:
            raise
        return await _form(request, reader, form, error)
    return see(f"{HOME}/{item}?hecho=enviada")


async def _check(form: Form, name: str, content: bytes) -> None:
    if not content:
        form.refuse(name, "photos.missing")
    elif len(content) > media.LARGEST_FILE:
        form.refuse(name, "photos.bad.size")
    else:
        try:
            await asyncio.to_thread(check, content)
        except ImageRefusedError as error:
            form.refuse(name, f"photos.bad.{why_of(error.message)}")


async def _keep(
    request: Request, reader: Reader, form: Form, booking_id: UUID, contents: dict[str, bytes]
) -> UUID:
    """Photographs, pair and question in one transaction."""
    who, t = actor(request, reader.principal), reader.t
    async with reader.database.transaction() as connection:
        booking = await bookings.get(connection, who, booking_id)
        service_name = in_language(booking.service.name, reader.app.locale, reader.app.locale)
        keys, alts = {}, {}
        for name, content in contents.items():
            keys[name] = (await media.take(connection, folder_of(request), who, content)).id
            typed = form.text(f"{name}_texto", most=200, required=False)
            alts[name] = typed if len(typed) >= 3 else t(f"photos.alt_{name}", what=service_name)
        asked = ItemAsk(
            booking_id=booking_id, before_id=keys["antes"], after_id=keys["despues"],
            before_alt=alts["antes"][:200], after_alt=alts["despues"][:200],
        )  # fmt: skip
        return (await asking.ask(connection, who, asked)).id


@router.get(HOME + "/{item_id}")
async def show(
    request: Request, item_id: UUID, hecho: str = "", reader: Reader = Depends(reader_of)
) -> Response:
    return await _page(request, reader, item_id, Form.empty(), notice=NOTICES.get(hecho, ""))


async def _page(
    request: Request,
    reader: Reader,
    item_id: UUID,
    form: Form,
    error: AppError | None = None,
    notice: str = "",
) -> Response:
    async with reader.database.connection() as connection:
        item = await asking.details(connection, actor(request, reader.principal), item_id)
    url = links_of(request).photographs_url(item.id)
    return page(
        request, reader, "photos/show.html",
        error.status if error else 422 if form.problems else 200,
        item=item, form=form, decides=decides(reader), url=url, whatsapp=_whatsapp(reader, item, url),
        picture=svg(url, reader.t("photos.qr")), notice=reader.t(notice) if notice else "",
        bad=[(name, why_of(reason)) for name, reason in (
            ("antes", item.before_reason if item.before_state == "refused" else ""),
            ("despues", item.after_reason if item.after_state == "refused" else ""),
        ) if reason],
        problem=explain(reader, error) if error else "",
    )  # fmt: skip


def _whatsapp(reader: Reader, item: ItemDetails, url: str) -> str:
    """Opens a conversation on the telephone of whoever presses it, with the text written."""
    if not item.client_phone or not item.client_phone.startswith("+"):
        return ""
    text = reader.t("photos.whatsapp_text", name=item.client_name, url=url)
    return f"https://wa.me/{item.client_phone[1:]}?text={quote(text)}"


@router.post(HOME + "/{item_id}/decision")
async def decide(request: Request, item_id: UUID, reader: Reader = Depends(reader_of)) -> Response:
    """A manager publishes or rejects."""
    form = await submitted(request)
    if not decides(reader):
        raise NotAllowedError
    decision = form.choice("que", ("published", "rejected"))
    reason = form.text("motivo", most=200, required=decision == "rejected")
    if not form.ok:
        return await _page(request, reader, item_id, form)
    values = {"version": form.version() or 1, "decision": decision, "reason": reason}
    wanted = Moderation.model_validate(values)
    try:
        async with reader.database.transaction() as connection:
            who = actor(request, reader.principal)
            await service.moderate(connection, who, item_id, wanted)
    except AppError as error:
        if error.status != 409:
            raise
        return await _page(request, reader, item_id, form, error)
    return see(f"{HOME}?hecho={'publicada' if decision == 'published' else 'rechazada'}")


@router.post(HOME + "/{item_id}/retirar")
async def withdraw(
    request: Request, item_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    """A manager takes a pair down for its client; its files are deleted."""
    await submitted(request)
    if not decides(reader):
        raise NotAllowedError
    async with reader.database.transaction() as connection:
        who = actor(request, reader.principal)
        await service.withdraw(connection, folder_of(request), who, item_id)
    return see(f"{HOME}?hecho=retirada")
