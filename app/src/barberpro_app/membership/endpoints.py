"""The JSON API of plans, passes and credits."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from barberpro_app.edge import (
    API,
    PUBLIC,
    READING,
    WRITING,
    ClientOrScope,
    IdempotencyHeader,
    actor_of,
    answer,
    configuration_of,
    database_of,
    key_of,
    no_content,
)
from barberpro_app.identity.auth import require_scope
from barberpro_app.identity.principal import Principal
from barberpro_app.membership import service
from barberpro_app.membership.schemas import (
    PassList,
    Plan,
    PlanDraft,
    PlanList,
    PlanSwitch,
    Redemption,
    Sale,
    Use,
)
from barberpro_app.payment.desk import desk_of
from barberpro_app.payment.schemas import Payment

router = APIRouter(prefix=API, tags=["money"])
Reader = Annotated[Principal, Depends(ClientOrScope("clients:read"))]
Buyer = Annotated[Principal, Depends(ClientOrScope("bookings:write"))]
Writer = Annotated[Principal, Depends(require_scope("catalog:write"))]


@router.get("/plans", response_model=PlanList, responses=PUBLIC)
async def plans(request: Request) -> Response:
    """Packages and memberships on sale."""
    async with database_of(request).connection() as connection:
        return answer(PlanList(items=await service.plans(connection)))


@router.post("/plans", status_code=201, response_model=Plan, responses=WRITING)
async def add_plan(request: Request, principal: Writer, body: PlanDraft) -> Response:
    """Put a package or membership on sale."""
    async with database_of(request).transaction() as connection:
        made = await service.add_plan(connection, actor_of(request, principal), body)
    return answer(made, 201)


@router.post("/plans/{plan_id}/switch", status_code=204, responses=WRITING)
async def switch_plan(
    request: Request, principal: Writer, plan_id: UUID, body: PlanSwitch
) -> Response:
    """Take a plan off sale, or put it back."""
    async with database_of(request).transaction() as connection:
        await service.switch_plan(connection, actor_of(request, principal), plan_id, body)
    return no_content()


@router.post("/passes", status_code=201, response_model=Payment, responses=WRITING)
async def sell(
    request: Request, principal: Buyer, body: Sale, key: IdempotencyHeader = None
) -> Response:
    """Sell a plan. Online the answer has the address to pay at; the credits come with the money."""
    desk, actor = desk_of(request), actor_of(request, principal)
    stored = key_of(principal, key, "sell", body)
    if body.method == "mercado_pago":
        back = f"{desk.app.public_url.rstrip('/')}/pagos/vuelta"
        return answer(await service.sell_online(desk, actor, body, back, stored), 201)
    async with desk.database.transaction() as connection:
        made = await service.sell(connection, desk.app, actor, body, stored)
    return answer(made, 201)


@router.get("/passes", response_model=PassList, responses=READING)
async def passes(request: Request, principal: Reader, client_id: UUID | None = None) -> Response:
    """A client's passes with what is left of them; clients get the own ones."""
    async with database_of(request).connection() as connection:
        found = await service.passes(connection, actor_of(request, principal), client_id)
    return answer(PassList(items=found))


@router.post("/bookings/{booking_id}/redeem", response_model=Use, responses=WRITING)
async def redeem(
    request: Request, principal: Buyer, booking_id: UUID, body: Redemption
) -> Response:
    """Pay a booking with a credit; a hold is confirmed by it."""
    async with database_of(request).transaction() as connection:
        used = await service.redeem(
            connection, configuration_of(request), actor_of(request, principal), booking_id, body
        )
    return answer(used)
