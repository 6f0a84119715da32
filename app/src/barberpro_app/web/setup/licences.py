"""Licences: a professional adds the own with its document, an owner or manager writes down the check."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import Response

from barberpro_app.identity.auth import require_scope
from barberpro_app.identity.forms import FORM_FIELD, FormTokens
from barberpro_app.kit.errors import AppError
from barberpro_app.provider_verification import service
from barberpro_app.provider_verification.documents import LARGEST, DocumentError
from barberpro_app.provider_verification.endpoints import document_response
from barberpro_app.provider_verification.schemas import LicenceDraft, Review
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.setup.menu import menu
from barberpro_app.web.site.drafts import draft
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.problems import explain
from barberpro_app.web.site.rendering import Reader, page, reader_of, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("providers:read"))])
HOME = "/matriculas"
KINDS = ("national", "provincial")


@router.get(HOME)
async def every(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    return await _page(request, reader)


async def _page(
    request: Request,
    reader: Reader,
    form: Form | None = None,
    error: AppError | None = None,
    about: UUID | None = None,
) -> Response:
    async with reader.database.connection() as connection:
        found = await service.overview(connection, actor(request, reader.principal))
    t = reader.t
    reviews = reader.principal.has_scope("settings:write")
    return page(
        request, reader, "setup/licences.html",
        error.status if error else 422 if form is not None and form.problems else 200,
        heading=t("licence.title"),
        menu_groups=menu(reader, request.url.path) if reader.principal.has_scope("settings:read") else [],
        notice=t("setup.saved") if request.query_params.get("hecho") else "",
        problem=explain(reader, error) if error else "", form=form or Form.empty(),
        required=found.required, items=found.items, reviews=reviews, about=about,
        kinds=[(kind, t(f"licence.{kind}")) for kind in KINDS],
    )  # fmt: skip


@router.post(HOME + "/{provider_id}")
async def claim(
    request: Request, provider_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    form = await submitted(request)
    values = {
        "kind": form.choice("tipo", KINDS),
        "number": form.text("numero", most=40),
        "jurisdiction": form.text("jurisdiccion", most=80),
    }
    fields = {"number": "numero", "jurisdiction": "jurisdiccion", "kind": "tipo"}
    new = draft(form, LicenceDraft, values, fields)
    if new is None:
        return await _page(request, reader, form, about=provider_id)
    try:
        async with reader.database.transaction() as connection:
            who = actor(request, reader.principal)
            await service.claim(connection, who, provider_id, new)
    except AppError as error:
        if error.status != 409:
            raise
        return await _page(request, reader, form, error, provider_id)
    return see(f"{HOME}?hecho=1")


@router.post(HOME + "/licencia/{licence_id}/revision")
async def review(
    request: Request, licence_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    form = await submitted(request)
    values = {
        "status": form.choice("resultado", ("verified", "rejected")),
        "valid_until": form.day("vence", required=False),
        "recheck_on": form.day("revisar", required=False),
        "note": form.text("nota", most=500, required=False),
        "version": form.version(),
    }
    found = draft(form, Review, values, {"status": "resultado", "valid_until": "vence"})
    if found is None:
        return await _page(request, reader, form, about=licence_id)
    try:
        async with reader.database.transaction() as connection:
            who = actor(request, reader.principal)
            await service.review(connection, who, licence_id, found)
    except AppError as error:
        if error.status not in {409, 422}:
            raise
        return await _page(request, reader, form, error, licence_id)
    return see(f"{HOME}?hecho=1")


@router.post(HOME + "/licencia/{licence_id}/documento")
async def attach(
    request: Request, licence_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    """A form with a file; the token comes in it like in every other form."""
    try:
        async with request.form(max_files=1, max_fields=5) as sent:
            tokens: FormTokens = request.app.state.form_tokens
            tokens.check(request, str(sent.get(FORM_FIELD, "")))
            upload = sent.get("documento")
            content = await upload.read(LARGEST + 1) if isinstance(upload, UploadFile) else b""
    except HTTPException as error:
        if error.status_code != 400:
            raise
        content = b""
    try:
        async with reader.database.transaction() as connection:
            who = actor(request, reader.principal)
            await service.attach(connection, who, licence_id, content)
    except DocumentError as error:
        return await _page(request, reader, error=error)
    return see(f"{HOME}?hecho=1")


@router.get(HOME + "/licencia/{licence_id}/documento")
async def document(
    request: Request, licence_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    async with reader.database.transaction() as connection:
        who = actor(request, reader.principal)
        return document_response(await service.read_document(connection, who, licence_id))
