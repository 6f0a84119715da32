"""Dental care of a patient: alerts, health cover, plans with their estimate, laboratory."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.clinical_records.persons import require_team, vault_of
from barberpro_app.kit.errors import AppError
from barberpro_app.treatment_plan import alerts, lab, service
from barberpro_app.treatment_plan.document import amount
from barberpro_app.treatment_plan.schemas import (
    Acceptance,
    AlertDraft,
    CoverDraft,
    LabDraft,
    LabMove,
    Offer,
    PlanDraft,
    Rejection,
    StageMove,
)
from barberpro_app.web.clinical.common import patient_page
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.site.drafts import draft
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.rendering import Reader, reader_of, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_team)])
HOME = "/pacientes/{client_id}/tratamiento"
ALERTS = ("allergy", "medication", "condition", "other")
CURRENCIES = ("ARS", "USD")
ROWS = 8


def _home(client_id: UUID, done: str = "guardado") -> Response:
    return see(f"/pacientes/{client_id}/tratamiento?hecho={done}")


@router.get(HOME)
async def show(request: Request, client_id: UUID, reader: Reader = Depends(reader_of)) -> Response:
    return await _page(request, reader, client_id)


async def _page(
    request: Request,
    reader: Reader,
    client_id: UUID,
    form: Form | None = None,
    error: AppError | None = None,
) -> Response:
    who, vault = actor(request, reader.principal), vault_of(request)
    async with reader.database.transaction() as connection:
        plans = await service.list_plans(connection, vault, who, client_id)
        warnings = await alerts.list_alerts(connection, vault, who, client_id)
        cover = await alerts.get_cover(connection, vault, who, client_id)
        orders = await lab.list_orders(connection, vault, who, client_id)
    t = reader.t
    form = form or Form.empty(
        obra=cover.insurer, plan_obra=cover.plan, afiliado=cover.affiliate_number
    )
    return await patient_page(
        request, reader, client_id, "plans", form=form, error=error,
        plans=plans.items, alerts=warnings.items, cover=cover, orders=orders.items,
        kinds=[(kind, t(f"alert.{kind}")) for kind in ALERTS], rows=range(1, ROWS + 1),
        amount=amount,
    )  # fmt: skip


@router.post(HOME + "/alerta")
async def add_alert(
    request: Request, client_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    form = await submitted(request)
    values = {"kind": form.choice("tipo", ALERTS), "text": form.text("alerta", most=500)}
    new = draft(form, AlertDraft, values, {"text": "alerta", "kind": "tipo"})
    if new is None:
        return await _page(request, reader, client_id, form)
    async with reader.database.transaction() as connection:
        who = actor(request, reader.principal)
        await alerts.add_alert(connection, vault_of(request), who, client_id, new)
    return _home(client_id)


@router.post(HOME + "/alerta/{alert_id}/quitar")
async def end_alert(
    request: Request, client_id: UUID, alert_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    await submitted(request)
    async with reader.database.transaction() as connection:
        who = actor(request, reader.principal)
        await alerts.end_alert(connection, vault_of(request), who, client_id, alert_id)
    return _home(client_id, "borrado")


@router.post(HOME + "/cobertura")
async def set_cover(
    request: Request, client_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    form = await submitted(request)
    values = {
        "insurer": form.text("obra", most=120),
        "plan": form.text("plan_obra", most=80, required=False),
        "affiliate_number": form.text("afiliado", most=40, required=False),
    }
    new = draft(form, CoverDraft, values, {"insurer": "obra"})
    if new is None:
        return await _page(request, reader, client_id, form)
    async with reader.database.transaction() as connection:
        who = actor(request, reader.principal)
        await alerts.set_cover(connection, vault_of(request), who, client_id, new)
    return _home(client_id)


def _stages(form: Form) -> list[dict[str, object]]:
    """The rows that were filled in."""
    stages: list[dict[str, object]] = []
    for row in range(1, ROWS + 1):
        text = form.text(f"etapa_{row}", most=500, required=False)
        if not text:
            continue
        tooth = form.text(f"pieza_{row}", most=2, required=False)
        if tooth and not tooth.isdecimal():
            form.refuse(f"pieza_{row}", "error.invalid")
            tooth = ""
        stages.append(
            {
                "description": text,
                "tooth": int(tooth) if tooth else None,
                "price": form.centavos(f"importe_{row}"),
            }
        )
    if not stages:
        form.refuse("etapa_1", "error.required")
    return stages


@router.post(HOME + "/plan")
async def add_plan(
    request: Request, client_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    form = await submitted(request)
    values = {
        "title": form.text("titulo", most=120),
        "currency": form.choice("moneda", CURRENCIES),
        "stages": _stages(form),
    }
    fields = {"stages": "pieza_1", "title": "titulo", "currency": "moneda"}
    new = draft(form, PlanDraft, values, fields)
    if new is None:
        return await _page(request, reader, client_id, form)
    try:
        async with reader.database.transaction() as connection:
            who = actor(request, reader.principal)
            plan = await service.create_plan(connection, vault_of(request), who, client_id, new)
    except AppError as error:
        return await _page(request, reader, client_id, form, error)
    return see(f"/pacientes/{client_id}/tratamiento/plan/{plan.id}")


@router.get(HOME + "/plan/{plan_id}")
async def show_plan(
    request: Request, client_id: UUID, plan_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    return await _plan_page(request, reader, client_id, plan_id)


async def _plan_page(
    request: Request,
    reader: Reader,
    client_id: UUID,
    plan_id: UUID,
    form: Form | None = None,
    error: AppError | None = None,
) -> Response:
    async with reader.database.transaction() as connection:
        who = actor(request, reader.principal)
        plan = await service.get_plan(connection, vault_of(request), who, plan_id)
    if plan.client_id != client_id:
        return see(f"/pacientes/{plan.client_id}/tratamiento/plan/{plan_id}")
    t = reader.t
    states = ("pending", "started", "done", "cancelled")
    return await patient_page(
        request, reader, client_id, "plan", form=form, error=error, plan=plan, amount=amount,
        here=f"/pacientes/{client_id}/tratamiento/plan/{plan_id}",
        stage_states=[(state, t(f"stage.{state}")) for state in states],
    )  # fmt: skip


@router.post(HOME + "/plan/{plan_id}/ofrecer")
async def offer_plan(
    request: Request, client_id: UUID, plan_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    form = await submitted(request)
    values = {"valid_until": form.day("valido"), "version": form.version()}
    offer = draft(form, Offer, values, {"valid_until": "valido"})
    if offer is None:
        return await _plan_page(request, reader, client_id, plan_id, form)
    try:
        async with reader.database.transaction() as connection:
            who = actor(request, reader.principal)
            await service.offer_plan(connection, vault_of(request), reader.app, who, plan_id, offer)
    except AppError as error:
        return await _plan_page(request, reader, client_id, plan_id, form, error)
    return see(f"/pacientes/{client_id}/tratamiento/plan/{plan_id}?hecho=ofrecido")


@router.post(HOME + "/plan/{plan_id}/firmar")
async def sign_plan(
    request: Request, client_id: UUID, plan_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    """The patient signs on the professional's device."""
    form = await submitted(request)
    if not form.flag("acepto"):
        form.refuse("acepto", "error.required")
    values = {"signed_name": form.text("firma", most=120), "document_sha256": form.raw("huella")}
    signed = draft(form, Acceptance, values, {"signed_name": "firma"})
    if signed is None:
        return await _plan_page(request, reader, client_id, plan_id, form)
    try:
        async with reader.database.transaction() as connection:
            who = actor(request, reader.principal)
            await service.accept_plan(connection, vault_of(request), who, plan_id, signed)
    except AppError as error:
        return await _plan_page(request, reader, client_id, plan_id, form, error)
    return see(f"/pacientes/{client_id}/tratamiento/plan/{plan_id}?hecho=firmado")


@router.post(HOME + "/plan/{plan_id}/rechazar")
async def reject_plan(
    request: Request, client_id: UUID, plan_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    form = await submitted(request)
    try:
        async with reader.database.transaction() as connection:
            who = actor(request, reader.principal)
            given = Rejection(version=form.version() or 1)
            await service.reject_plan(connection, vault_of(request), who, plan_id, given)
    except AppError as error:
        return await _plan_page(request, reader, client_id, plan_id, form, error)
    return see(f"/pacientes/{client_id}/tratamiento/plan/{plan_id}?hecho=guardado")


@router.post(HOME + "/plan/{plan_id}/etapa/{number}")
async def move_stage(
    request: Request,
    client_id: UUID,
    plan_id: UUID,
    number: int,
    reader: Reader = Depends(reader_of),
) -> Response:
    form = await submitted(request)
    move = draft(form, StageMove, {"state": form.raw("estado")}, {"state": "estado"})
    if move is None or not 1 <= number <= 50:
        return await _plan_page(request, reader, client_id, plan_id, form)
    try:
        async with reader.database.transaction() as connection:
            who = actor(request, reader.principal)
            await service.move_stage(connection, vault_of(request), who, plan_id, number, move)
    except AppError as error:
        return await _plan_page(request, reader, client_id, plan_id, form, error)
    return see(f"/pacientes/{client_id}/tratamiento/plan/{plan_id}?hecho=guardado")


@router.post(HOME + "/laboratorio")
async def add_order(
    request: Request, client_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    form = await submitted(request)
    tooth = form.text("pieza_lab", most=2, required=False)
    values = {
        "laboratory": form.text("laboratorio", most=120),
        "description": form.text("trabajo", most=500),
        "tooth": int(tooth) if tooth.isdecimal() else None,
        "due_on": form.day("entrega", required=False),
    }
    fields = {"laboratory": "laboratorio", "description": "trabajo", "tooth": "pieza_lab",
              "due_on": "entrega"}  # fmt: skip
    new = draft(form, LabDraft, values, fields)
    if new is None:
        return await _page(request, reader, client_id, form)
    async with reader.database.transaction() as connection:
        who = actor(request, reader.principal)
        await lab.add_order(connection, vault_of(request), who, client_id, new)
    return _home(client_id)


@router.post(HOME + "/laboratorio/{order_id}")
async def move_order(
    request: Request, client_id: UUID, order_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    form = await submitted(request)
    values = {"state": form.raw("estado"), "version": form.version()}
    move = draft(form, LabMove, values, {"state": "estado"})
    if move is None:
        return await _page(request, reader, client_id, form)
    try:
        async with reader.database.transaction() as connection:
            who = actor(request, reader.principal)
            await lab.move_order(connection, vault_of(request), who, client_id, order_id, move)
    except AppError as error:
        return await _page(request, reader, client_id, form, error)
    return _home(client_id)
