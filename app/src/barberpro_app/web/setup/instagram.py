"""Instagram: the account that is connected, what waits, what was published, what went wrong."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.audit.trail import Actor
from barberpro_app.identity.auth import require_role
from barberpro_app.kit.addresses import is_public
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import AppError
from barberpro_app.portfolio import service as portfolio
from barberpro_app.social_sharing import account, service
from barberpro_app.social_sharing.schemas import PostDraft
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.setup.common import panel
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.problems import explain
from barberpro_app.web.site.rendering import Reader, page, reader_of, see, submitted

router = APIRouter(
    include_in_schema=False, dependencies=[Depends(require_role("owner", "manager"))]
)
HOME = "/ajustes/instagram"
Step = Callable[[Connection, Actor, UUID], Awaitable[None]]


@router.get(HOME)
async def show(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    return await _page(request, reader, Form.empty())


async def _page(
    request: Request, reader: Reader, form: Form, error: AppError | None = None
) -> Response:
    settings = request.app.state.settings
    async with reader.database.connection() as connection:
        known = await account.state(connection, settings)
        posts = (await service.posts(connection)).items
    return panel(
        request, reader, "instagram", reader.t("instagram.title"), form=form, error=error,
        known=known, posts=[post for post in posts if not post.to_delete],
        to_delete=[post for post in posts if post.to_delete],
        public=is_public(reader.app.public_url), labels={"token": reader.t("instagram.token")},
        home=HOME,
    )  # fmt: skip


@router.post(f"{HOME}/conectar")
async def connect(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    """Asks Instagram whose token it is; what was typed is shown to nobody again."""
    form = await submitted(request)
    token = "".join(form.text("token", most=1000).split())
    if token and not token.isascii():
        form.refuse("token", "code.instagram_token")
    form.values.pop("token", None)
    if not form.ok:
        return await _page(request, reader, form)
    settings = request.app.state.settings
    try:
        who = actor(request, reader.principal)
        await account.connect(reader.database, settings, who, token)
    except account.TokenRefusedError as error:
        form.refuse("token", f"code.{error.code}")
        return await _page(request, reader, form)
    except AppError as error:
        return await _page(request, reader, form, error)
    return see(f"{HOME}?hecho=1")


@router.post(f"{HOME}/desconectar")
async def disconnect(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    await submitted(request)
    async with reader.database.transaction() as connection:
        who = actor(request, reader.principal)
        await account.disconnect(connection, request.app.state.settings, who)
    return see(f"{HOME}?hecho=1")


@router.post(HOME + "/{post_id}/reintentar")
async def retry(request: Request, post_id: UUID, reader: Reader = Depends(reader_of)) -> Response:
    return await _do(request, reader, post_id, service.retry)


@router.post(HOME + "/{post_id}/retirar")
async def withdraw(
    request: Request, post_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    return await _do(request, reader, post_id, service.withdraw)


@router.post(HOME + "/{post_id}/borrada")
async def removed(request: Request, post_id: UUID, reader: Reader = Depends(reader_of)) -> Response:
    """Somebody deleted it at Instagram."""
    return await _do(request, reader, post_id, service.removed)


async def _do(request: Request, reader: Reader, post_id: UUID, step: Step) -> Response:
    form = await submitted(request)
    try:
        async with reader.database.transaction() as connection:
            await step(connection, actor(request, reader.principal), post_id)
    except AppError as error:
        if error.status != 409:
            raise
        return await _page(request, reader, form, error)
    return see(f"{HOME}?hecho=1")


@router.get("/trabajos/{item_id}/instagram")
async def compose(request: Request, item_id: UUID, reader: Reader = Depends(reader_of)) -> Response:
    return await _compose(request, reader, item_id, None)


async def _compose(
    request: Request,
    reader: Reader,
    item_id: UUID,
    form: Form | None,
    error: AppError | None = None,
) -> Response:
    """The text under a published pair. Raises `NotFoundError`."""
    async with reader.database.connection() as connection:
        item = await portfolio.published(connection, item_id)
        known = await account.state(connection, request.app.state.settings)
        posts = (await service.posts(connection, item_id)).items
    what = item.service_name.get(reader.app.locale) or next(iter(item.service_name.values()), "")
    caption = reader.t("instagram.caption", what=what, name=item.provider_name,
                       url=reader.app.public_url)  # fmt: skip
    return page(
        request, reader, "photos/instagram.html",
        error.status if error else 422 if form is not None and form.problems else 200,
        item=item, known=known, posts=posts, public=is_public(reader.app.public_url),
        form=form or Form.empty(texto=caption), problem=explain(reader, error) if error else "",
    )  # fmt: skip


@router.post("/trabajos/{item_id}/instagram")
async def post(request: Request, item_id: UUID, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    caption = form.text("texto", most=2200, required=False, lines=True)
    if not form.ok:
        return await _compose(request, reader, item_id, form)
    try:
        async with reader.database.transaction() as connection:
            who, settings = actor(request, reader.principal), request.app.state.settings
            draft = PostDraft(caption=caption)
            await service.add(connection, settings, who, item_id, draft)
    except AppError as error:
        if error.status != 409:
            raise
        return await _compose(request, reader, item_id, form, error)
    return see(f"{HOME}?hecho=1")
