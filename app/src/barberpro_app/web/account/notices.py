"""A signed-in client's channels: whether to be told by WhatsApp, and at which number.

Only after signing in: whoever types an e-mail address into a booking has not shown that it is theirs,
and must not have its messages sent to another telephone.
"""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.contact_channel import service
from barberpro_app.contact_channel.numbers import whatsapp_number
from barberpro_app.contact_channel.schemas import ChannelChange
from barberpro_app.integration_processor.setup import is_set_up
from barberpro_app.kit.errors import NotFoundError
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.rendering import Reader, page, reader_of, see, submitted

router = APIRouter(include_in_schema=False)
HOME = "/mis-avisos"


def _offered(reader: Reader) -> None:
    if not is_set_up(reader.site.settings):
        raise NotFoundError


@router.get(HOME)
async def show(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    _offered(reader)
    if reader.principal.client_id is None:
        return see(f"/entrar?volver={HOME}")
    async with reader.database.connection() as connection:
        found = await service.get_channels(
            connection, actor(request, reader.principal), reader.principal.client_id
        )
    channel = next((item for item in found.channels if item.channel == "whatsapp"), None)
    agreed = channel is not None and channel.agreed
    form = Form.empty(
        telefono=f"+{channel.address}" if channel else None, whatsapp="1" if agreed else None
    )
    notice = reader.t("setup.saved") if request.query_params.get("hecho") else ""
    return page(request, reader, "account/notices.html", form=form, notice=notice,
                stopped=bool(channel and channel.problem))  # fmt: skip


@router.post(HOME)
async def change(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    _offered(reader)
    form = await submitted(request)
    if reader.principal.client_id is None:
        return see(f"/entrar?volver={HOME}")
    agreed = form.raw("whatsapp") == "1"
    number = form.text("telefono", most=40, required=agreed)
    if form.ok and number and whatsapp_number(number, reader.app.country) is None:
        form.refuse("telefono", "error.phone")
    if not form.ok:
        return page(request, reader, "account/notices.html", 422, form=form, notice="",
                    stopped=False)  # fmt: skip
    if not agreed and not number:
        return see(f"{HOME}?hecho=1")
    change = ChannelChange(agreed=agreed, address=number or None, text_version=service.TEXT_VERSION)
    async with reader.database.transaction() as connection:
        await service.change_channel(
            connection, reader.app, actor(request, reader.principal),
            reader.principal.client_id, "whatsapp", change,
        )  # fmt: skip
    return see(f"{HOME}?hecho=1")
