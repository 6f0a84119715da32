"""The JSON API of treatment plans, alerts, health cover and laboratory orders."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response

from barberpro_app.clinical_records.persons import require_person, require_team, vault_of
from barberpro_app.edge import (
    API,
    READING,
    WRITING,
    actor_of,
    answer,
    configuration_of,
    database_of,
)
from barberpro_app.identity.principal import Principal
from barberpro_app.treatment_plan import alerts, lab, service
from barberpro_app.treatment_plan.schemas import (
    Acceptance,
    AlertDraft,
    AlertList,
    Cover,
    CoverDraft,
    LabDraft,
    LabList,
    LabMove,
    LabOrder,
    Offer,
    Plan,
    PlanChange,
    PlanDraft,
    PlanList,
    Rejection,
    StageMove,
)

router = APIRouter(prefix=API, tags=["treatment plans"])
Person = Annotated[Principal, Depends(require_person)]
Member = Annotated[Principal, Depends(require_team)]
CLIENT = "/clients/{client_id}"
PLAN = "/treatment-plans/{plan_id}"


@router.get(CLIENT + "/alerts", response_model=AlertList, responses=READING)
async def list_alerts(request: Request, client_id: UUID, principal: Person) -> Response:
    """What whoever treats the patient must know first."""
    vault, who = vault_of(request), actor_of(request, principal)
    async with database_of(request).transaction() as connection:
        found = await alerts.list_alerts(connection, vault, who, client_id)
    return answer(found)


@router.post(CLIENT + "/alerts", response_model=AlertList, status_code=201, responses=WRITING)
async def add_alert(
    request: Request, client_id: UUID, draft: AlertDraft, principal: Member
) -> Response:
    """Adds an alert."""
    vault, who = vault_of(request), actor_of(request, principal)
    async with database_of(request).transaction() as connection:
        found = await alerts.add_alert(connection, vault, who, client_id, draft)
    return answer(found, 201)


@router.delete(CLIENT + "/alerts/{alert_id}", response_model=AlertList, responses=WRITING)
async def end_alert(
    request: Request, client_id: UUID, alert_id: UUID, principal: Member
) -> Response:
    """An alert that holds no more."""
    vault, who = vault_of(request), actor_of(request, principal)
    async with database_of(request).transaction() as connection:
        found = await alerts.end_alert(connection, vault, who, client_id, alert_id)
    return answer(found)


@router.get(CLIENT + "/health-cover", response_model=Cover, responses=READING)
async def get_cover(request: Request, client_id: UUID, principal: Person) -> Response:
    """Obra social, plan and affiliate number."""
    vault, who = vault_of(request), actor_of(request, principal)
    async with database_of(request).transaction() as connection:
        found = await alerts.get_cover(connection, vault, who, client_id)
    return answer(found)


@router.put(CLIENT + "/health-cover", response_model=Cover, responses=WRITING)
async def set_cover(
    request: Request, client_id: UUID, draft: CoverDraft, principal: Member
) -> Response:
    """Writes down the health cover."""
    vault, who = vault_of(request), actor_of(request, principal)
    async with database_of(request).transaction() as connection:
        found = await alerts.set_cover(connection, vault, who, client_id, draft)
    return answer(found)


@router.get(CLIENT + "/treatment-plans", response_model=PlanList, responses=READING)
async def list_plans(request: Request, client_id: UUID, principal: Person) -> Response:
    """A patient's plans."""
    vault, who = vault_of(request), actor_of(request, principal)
    async with database_of(request).transaction() as connection:
        found = await service.list_plans(connection, vault, who, client_id)
    return answer(found)


@router.post(CLIENT + "/treatment-plans", response_model=Plan, status_code=201, responses=WRITING)
async def create_plan(
    request: Request, client_id: UUID, draft: PlanDraft, principal: Member
) -> Response:
    """Drafts a plan."""
    vault, who = vault_of(request), actor_of(request, principal)
    async with database_of(request).transaction() as connection:
        made = await service.create_plan(connection, vault, who, client_id, draft)
    return answer(made, 201)


@router.get(PLAN, response_model=Plan, responses=READING)
async def get_plan(request: Request, plan_id: UUID, principal: Person) -> Response:
    """One plan."""
    vault, who = vault_of(request), actor_of(request, principal)
    async with database_of(request).transaction() as connection:
        found = await service.get_plan(connection, vault, who, plan_id)
    return answer(found)


@router.put(PLAN, response_model=Plan, responses=WRITING)
async def change_plan(
    request: Request, plan_id: UUID, change: PlanChange, principal: Member
) -> Response:
    """Changes a draft."""
    vault, who = vault_of(request), actor_of(request, principal)
    async with database_of(request).transaction() as connection:
        done = await service.change_plan(connection, vault, who, plan_id, change)
    return answer(done)


@router.post(PLAN + "/offer", response_model=Plan, responses=WRITING)
async def offer_plan(request: Request, plan_id: UUID, offer: Offer, principal: Member) -> Response:
    """Makes the estimate; from now on the plan does not change."""
    vault, who = vault_of(request), actor_of(request, principal)
    async with database_of(request).transaction() as connection:
        done = await service.offer_plan(
            connection, vault, configuration_of(request), who, plan_id, offer
        )
    return answer(done)


@router.post(PLAN + "/acceptance", response_model=Plan, responses=WRITING)
async def accept_plan(
    request: Request, plan_id: UUID, signed: Acceptance, principal: Person
) -> Response:
    """The patient's electronic signature under the estimate."""
    vault, who = vault_of(request), actor_of(request, principal)
    async with database_of(request).transaction() as connection:
        done = await service.accept_plan(connection, vault, who, plan_id, signed)
    return answer(done)


@router.post(PLAN + "/rejection", response_model=Plan, responses=WRITING)
async def reject_plan(
    request: Request, plan_id: UUID, given: Rejection, principal: Person
) -> Response:
    """The patient does not want it."""
    vault, who = vault_of(request), actor_of(request, principal)
    async with database_of(request).transaction() as connection:
        done = await service.reject_plan(connection, vault, who, plan_id, given)
    return answer(done)


@router.put(PLAN + "/stages/{number}", response_model=Plan, responses=WRITING)
async def move_stage(
    request: Request,
    plan_id: UUID,
    number: Annotated[int, Path(ge=1, le=50)],
    move: StageMove,
    principal: Member,
) -> Response:
    """How far a stage is."""
    vault, who = vault_of(request), actor_of(request, principal)
    async with database_of(request).transaction() as connection:
        done = await service.move_stage(connection, vault, who, plan_id, number, move)
    return answer(done)


@router.get(CLIENT + "/lab-orders", response_model=LabList, responses=READING)
async def list_orders(request: Request, client_id: UUID, principal: Member) -> Response:
    """A patient's laboratory orders."""
    vault, who = vault_of(request), actor_of(request, principal)
    async with database_of(request).transaction() as connection:
        found = await lab.list_orders(connection, vault, who, client_id)
    return answer(found)


@router.post(CLIENT + "/lab-orders", response_model=LabOrder, status_code=201, responses=WRITING)
async def add_order(
    request: Request, client_id: UUID, draft: LabDraft, principal: Member
) -> Response:
    """Drafts an order."""
    vault, who = vault_of(request), actor_of(request, principal)
    async with database_of(request).transaction() as connection:
        made = await lab.add_order(connection, vault, who, client_id, draft)
    return answer(made, 201)


@router.put(CLIENT + "/lab-orders/{order_id}/state", response_model=LabOrder, responses=WRITING)
async def move_order(
    request: Request, client_id: UUID, order_id: UUID, move: LabMove, principal: Member
) -> Response:
    """Moves an order on."""
    vault, who = vault_of(request), actor_of(request, principal)
    async with database_of(request).transaction() as connection:
        done = await lab.move_order(connection, vault, who, client_id, order_id, move)
    return answer(done)
