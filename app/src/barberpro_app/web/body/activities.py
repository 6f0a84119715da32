"""Activities: importing a file, what was done week by week, the list."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import Response

from barberpro_app.biometric_integration import service
from barberpro_app.biometric_integration.endpoints import turn_of
from barberpro_app.biometric_integration.errors import FileRefusedError
from barberpro_app.biometric_integration.files import LARGEST
from barberpro_app.biometric_integration.schemas import Imported
from barberpro_app.biometric_integration.summary import JOULES_PER_KCAL
from barberpro_app.body_data import repository as body_repository
from barberpro_app.clinical_records.persons import require_person
from barberpro_app.identity.forms import FORM_FIELD, FormTokens
from barberpro_app.identity.principal import Principal
from barberpro_app.kit.errors import AppError, NotFoundError
from barberpro_app.kit.ratelimit import RateLimiter
from barberpro_app.web.body.charts import bar_chart
from barberpro_app.web.body.common import (
    MINE,
    TEAM,
    Scene,
    again,
    body_page,
    consent_of,
    guarded,
    scene_of,
)
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.site.forms import Form, parse_key
from barberpro_app.web.site.rendering import Reader, reader_of, see, submitted

router = APIRouter(include_in_schema=False)
HOME = "/actividades"
OF_CLIENT = TEAM + "/{client_id}"
LISTED = 100


@router.get(MINE + HOME)
@router.get(OF_CLIENT + HOME)
@guarded
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
    made: Imported | None = None,
) -> Response:
    who = actor(request, reader.principal)
    async with reader.database.transaction() as connection:
        found = await service.activities(connection, who, scene.client_id, limit=LISTED)
        weeks = await service.weeks(connection, reader.app, scene.client_id)
        consent = await consent_of(connection, request, reader, scene, "activity_data")
    minutes = [(date.fromisoformat(week.monday), week.moving_seconds / 60) for week in weeks]
    return body_page(
        request, reader, scene, "activities", form=form, error=error, items=found.items,
        weeks=weeks, chart=bar_chart(minutes) if found.items else None, consent=consent, made=made,
        kcal=lambda joules: round(joules / JOULES_PER_KCAL), monday=date.fromisoformat,
    )  # fmt: skip


@router.post(MINE + "/importar")
@router.post(TEAM + "/importar")
async def import_file(
    request: Request,
    principal: Principal = Depends(require_person),
    reader: Reader = Depends(reader_of),
) -> Response:
    """A form with a file; of a professional also with the client. The token comes in it as ever."""
    limiter: RateLimiter = request.app.state.rate_limiter
    limiter.check(service.IMPORTS_PER_PERSON, f"{principal.kind}:{principal.id}")
    content, client = b"", ""
    try:
        async with request.form(max_files=1, max_fields=5) as sent:
            tokens: FormTokens = request.app.state.form_tokens
            tokens.check(request, str(sent.get(FORM_FIELD, "")))
            client = str(sent.get("cliente", ""))
            upload = sent.get("archivo")
            content = await upload.read(LARGEST + 1) if isinstance(upload, UploadFile) else b""
    except HTTPException as error:
        if error.status_code != 400:
            raise
    scene = await _scene(request, reader, principal, client)
    return await _import(request=request, scene=scene, reader=reader, content=content)


async def _scene(request: Request, reader: Reader, principal: Principal, client: str) -> Scene:
    """The person's own, or of the client that the form names. Raises `NotFoundError`."""
    if principal.client_id is not None:
        return Scene(principal.client_id, "", staff=False)
    client_id = parse_key(client)
    if client_id is None or principal.kind != "staff":
        raise NotFoundError
    async with reader.database.connection() as connection:
        name = await body_repository.name_of(connection, client_id)
    return Scene(client_id, name, staff=True)


@guarded
async def _import(*, request: Request, scene: Scene, reader: Reader, content: bytes) -> Response:
    form = Form.empty()
    try:
        made = await service.take(
            reader.database, reader.app, actor(request, reader.principal), scene.client_id,
            content, turn_of(request),
        )  # fmt: skip
    except FileRefusedError as error:
        form.refuse("archivo", f"code.{error.code}")
        return await _page(request, reader, scene, form)
    except AppError as error:
        again(error, scene)
        return await _page(request, reader, scene, error=error)
    return await _page(request, reader, scene, made=made)


@router.post(MINE + HOME + "/{activity_id}/borrar")
@router.post(OF_CLIENT + HOME + "/{activity_id}/borrar")
@guarded
async def delete(
    request: Request,
    activity_id: UUID,
    scene: Scene = Depends(scene_of),
    reader: Reader = Depends(reader_of),
) -> Response:
    await submitted(request)
    async with reader.database.transaction() as connection:
        await service.delete(connection, actor(request, reader.principal), activity_id)
    return see(f"{scene.home}{HOME}?hecho=borrado")
