"""What the person agreed to about body data, who looked, and whom a professional attends."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.body_data import service
from barberpro_app.body_data.schemas import BodyConsentDraft
from barberpro_app.clinical_records.persons import require_team
from barberpro_app.kit.errors import AppError, DuplicateError, NotAllowedError, NotFoundError
from barberpro_app.web.body.common import (
    MINE,
    NUTRITION,
    PROGRESS,
    TEAM,
    Scene,
    body_page,
    scene_of,
)
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.site.drafts import draft
from barberpro_app.web.site.forms import Form, clean
from barberpro_app.web.site.rendering import Reader, page, reader_of, see, submitted

router = APIRouter(include_in_schema=False)
PERMISSIONS = MINE + "/permisos"
#: Where to go on after agreeing: the page that the purpose is for.
_NEXT = {
    "progress_data": MINE,
    "activity_data": MINE + "/actividades",
    "nutrition_data": "/mi-plan",
    "share_progress": PERMISSIONS,
}


@router.get(PERMISSIONS)
async def show(
    request: Request, scene: Scene = Depends(scene_of), reader: Reader = Depends(reader_of)
) -> Response:
    return await _page(request, reader, scene)


async def _page(
    request: Request,
    reader: Reader,
    scene: Scene,
    form: Form | None = None,
    error: AppError | None = None,
) -> Response:
    who = actor(request, reader.principal)
    async with reader.database.connection() as connection:
        consents = await service.consents(connection, reader.app, who, reader.locale)
        looks = await service.looks(connection, who)
    return body_page(
        request, reader, scene, "permissions", form=form, error=error,
        consents=consents.items, rows=looks.items[:100],
    )  # fmt: skip


@router.post(PERMISSIONS)
async def agree(
    request: Request, scene: Scene = Depends(scene_of), reader: Reader = Depends(reader_of)
) -> Response:
    form = await submitted(request)
    purpose = form.choice("proposito", tuple(_NEXT))
    if not form.flag("acepto"):
        form.refuse(f"acepto-{purpose}", "error.required")
    name = form.text("firma", most=120)
    if not name:
        form.problems.pop("firma", None)
        form.refuse(f"firma-{purpose}", "error.required")
    values = {
        "purpose": purpose,
        "locale": reader.locale,
        "text_sha256": form.raw("huella"),
        "signed_name": name,
    }
    new = draft(form, BodyConsentDraft, values, {"signed_name": f"firma-{purpose}"})
    if new is None:
        return await _page(request, reader, scene, form)
    try:
        async with reader.database.transaction() as connection:
            await service.agree(connection, reader.app, actor(request, reader.principal), new)
    except DuplicateError:
        return see(_NEXT[purpose])
    except AppError as error:
        if error.status not in {409, 422}:
            raise
        return await _page(request, reader, scene, form, error)
    return see(f"{_NEXT[purpose]}?hecho=aceptado")


@router.post(PERMISSIONS + "/{purpose}/retirar")
async def withdraw(
    request: Request,
    purpose: str,
    scene: Scene = Depends(scene_of),
    reader: Reader = Depends(reader_of),
) -> Response:
    """In two steps: a page that says what is deleted, with the button that does it."""
    form = await submitted(request)
    if purpose not in _NEXT or scene.staff:
        raise NotFoundError
    if not form.flag("seguro"):
        return body_page(request, reader, scene, "withdraw", purpose=purpose)
    async with reader.database.transaction() as connection:
        await service.withdraw(connection, actor(request, reader.principal), purpose)
    return see(f"{PERMISSIONS}?hecho=retirado")


@router.get(TEAM, dependencies=[Depends(require_team)])
async def clients(request: Request, q: str = "", reader: Reader = Depends(reader_of)) -> Response:
    """Whom the reader attends, those who share first."""
    text = clean(q)[:120]
    try:
        async with reader.database.connection() as connection:
            who = actor(request, reader.principal)
            found = (await service.clients(connection, who, text)).items
    except NotAllowedError:
        found = []
    progress = PROGRESS in reader.app.services
    ending = "" if progress else "/plan" if NUTRITION in reader.app.services else "/actividades"
    return page(request, reader, "body/clients.html", clients=found, q=text, ending=ending,
                attends=reader.principal.provider_id is not None)  # fmt: skip
