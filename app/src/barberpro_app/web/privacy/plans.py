"""The estimates of a client, and signing one at home."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.clinical_records.persons import vault_of
from barberpro_app.identity.auth import require_signed_in
from barberpro_app.kit.errors import AppError, NotFoundError
from barberpro_app.treatment_plan import service as plans
from barberpro_app.treatment_plan.document import amount
from barberpro_app.treatment_plan.schemas import Acceptance, Rejection
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.privacy.mine import own_id
from barberpro_app.web.site.drafts import draft
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.problems import explain
from barberpro_app.web.site.rendering import Reader, page, reader_of, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_signed_in)])
PLANS = "/mis-datos/presupuestos"


@router.get(PLANS)
async def every(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    client_id = own_id(reader.principal)
    async with reader.database.transaction() as connection:
        who = actor(request, reader.principal)
        found = await plans.list_plans(connection, vault_of(request), who, client_id)
    return page(request, reader, "account/plans.html", plans=found.items, amount=amount)


@router.get(PLANS + "/{plan_id}")
async def show(request: Request, plan_id: UUID, reader: Reader = Depends(reader_of)) -> Response:
    return await _page(request, reader, plan_id)


async def _page(
    request: Request,
    reader: Reader,
    plan_id: UUID,
    form: Form | None = None,
    error: AppError | None = None,
) -> Response:
    own_id(reader.principal)
    async with reader.database.transaction() as connection:
        who = actor(request, reader.principal)
        plan = await plans.get_plan(connection, vault_of(request), who, plan_id)
    if not plan.document:
        raise NotFoundError
    return page(
        request, reader, "account/plan.html",
        error.status if error else 422 if form is not None and form.problems else 200,
        plan=plan, form=form or Form.empty(), here=f"{PLANS}/{plan_id}",
        problem=explain(reader, error) if error else "",
    )  # fmt: skip


@router.post(PLANS + "/{plan_id}/firmar")
async def sign(request: Request, plan_id: UUID, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    if not form.flag("acepto"):
        form.refuse("acepto", "error.required")
    values = {"signed_name": form.text("firma", most=120), "document_sha256": form.raw("huella")}
    signed = draft(form, Acceptance, values, {"signed_name": "firma"})
    if signed is None:
        return await _page(request, reader, plan_id, form)
    try:
        async with reader.database.transaction() as connection:
            who = actor(request, reader.principal)
            await plans.accept_plan(connection, vault_of(request), who, plan_id, signed)
    except AppError as error:
        if error.status != 409:
            raise
        return await _page(request, reader, plan_id, form, error)
    return see(f"{PLANS}/{plan_id}")


@router.post(PLANS + "/{plan_id}/rechazar")
async def reject(request: Request, plan_id: UUID, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    try:
        async with reader.database.transaction() as connection:
            who = actor(request, reader.principal)
            given = Rejection(version=form.version() or 1)
            await plans.reject_plan(connection, vault_of(request), who, plan_id, given)
    except AppError as error:
        if error.status != 409:
            raise
        return await _page(request, reader, plan_id, form, error)
    return see(f"{PLANS}/{plan_id}")
