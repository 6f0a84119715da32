"""A client's answer about a pair of photographs, by the link that they got: yes, no, not any more."""

from __future__ import annotations

import re
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.audit.trail import Actor
from barberpro_app.identity.principal import client_principal
from barberpro_app.kit.errors import AppError, NotFoundError
from barberpro_app.media_processor import service as media
from barberpro_app.media_processor.endpoints import folder_of
from barberpro_app.portfolio import asking
from barberpro_app.portfolio.schemas import Signature
from barberpro_app.web.parts.booking_view import actor, links_of, reading
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.problems import explain
from barberpro_app.web.site.rendering import Reader, page, reader_of, see, submitted

router = APIRouter(include_in_schema=False)
HOME = "/foto/{token}"


def item_of(request: Request, token: str) -> UUID:
    """The pair of a link. Raises `NotFoundError`."""
    found = links_of(request).other("photographs").booking_id(token)
    if found is None:
        raise NotFoundError
    return found


@router.get(HOME)
async def show(request: Request, token: str, reader: Reader = Depends(reader_of)) -> Response:
    return await _page(request, reader, token)


async def _page(
    request: Request,
    reader: Reader,
    token: str,
    form: Form | None = None,
    error: AppError | None = None,
) -> Response:
    item_id = item_of(request, token)
    async with reader.database.connection() as connection:
        asked = await asking.asked_text(
            connection, reader.app, reading(request), item_id, reader.locale
        )
    return page(
        request, reader, "photos/answer.html",
        error.status if error else 422 if form is not None and form.problems else 200,
        asked=asked, item=asked.item, token=token, form=form or Form.empty(),
        problem=explain(reader, error) if error else "",
    )  # fmt: skip


@router.get(HOME + "/{name}")
async def photograph(request: Request, token: str, name: str) -> Response:
    """A photograph of this pair, while its client is asked; not for caches."""
    item_id = item_of(request, token)
    async with request.app.state.database.connection() as connection:
        item = await asking.details(connection, reading(request), item_id)
        if name not in {part.name for part in (*item.before, *item.after)}:
            raise NotFoundError
        content, media_type, _ = await media.published(
            connection, folder_of(request), name, staff=True
        )
    return Response(content, media_type=media_type, headers={"Cache-Control": "no-store"})


async def _client(request: Request, reader: Reader, token: str) -> tuple[Actor, UUID]:
    """Who has the link acts as the client of the pair."""
    item_id = item_of(request, token)
    async with reader.database.connection() as connection:
        item = await asking.details(connection, reading(request), item_id)
    return actor(request, client_principal(item.client_id)), item_id


@router.post(HOME + "/si")
async def agree(request: Request, token: str, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    who, item_id = await _client(request, reader, token)
    given = _signature(form, reader.locale)
    if given is None:
        return await _page(request, reader, token, form)
    try:
        async with reader.database.transaction() as connection:
            await asking.agree(connection, reader.app, who, item_id, given, "by_link")
    except AppError as error:
        if error.status not in {409, 422}:
            raise
        return await _page(request, reader, token, form, error)
    return see(f"/foto/{token}")


def _signature(form: Form, locale: str) -> Signature | None:
    """Ticked, with a name, for the text that was shown."""
    if not form.flag("acepto"):
        form.refuse("acepto", "error.required")
    name, shown = form.text("firma", most=120), form.raw("huella")
    if not re.fullmatch(r"[0-9a-f]{64}", shown):
        form.refuse("acepto", "code.consent_text_changed")
    if not form.ok:
        return None
    return Signature(locale=locale, text_sha256=shown, signed_name=name)


@router.post(HOME + "/no")
async def refuse(request: Request, token: str, reader: Reader = Depends(reader_of)) -> Response:
    """No, or not any more: at any time, without a reason."""
    await submitted(request)
    who, item_id = await _client(request, reader, token)
    async with reader.database.transaction() as connection:
        await asking.refuse(connection, folder_of(request), who, item_id)
    return see(f"/foto/{token}")
