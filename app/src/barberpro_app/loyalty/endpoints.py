"""The JSON API of loyalty."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from barberpro_app.edge import (
    API,
    READING,
    WRITING,
    ClientOrScope,
    actor_of,
    answer,
    database_of,
    no_content,
)
from barberpro_app.identity.auth import require_scope
from barberpro_app.identity.principal import Principal
from barberpro_app.kit.errors import NotAllowedError, NotFoundError
from barberpro_app.loyalty import service
from barberpro_app.loyalty.schemas import (
    Cards,
    Redeemed,
    RedeemRequest,
    Rule,
    RuleDraft,
    Rules,
    RuleSwitch,
)

router = APIRouter(prefix=API, tags=["loyalty"])
Reader = Annotated[Principal, Depends(require_scope("settings:read"))]
Writer = Annotated[Principal, Depends(require_scope("settings:write"))]
Desk = Annotated[Principal, Depends(require_scope("bookings:write"))]


@router.get("/loyalty/rules", response_model=Rules, responses=READING)
async def list_rules(request: Request, _principal: Reader) -> Response:
    """The rules of the loyalty programme."""
    async with database_of(request).connection() as connection:
        return answer(await service.rules(connection))


@router.post("/loyalty/rules", response_model=Rule, status_code=201, responses=WRITING)
async def add_rule(request: Request, draft: RuleDraft, principal: Writer) -> Response:
    """A new rule, for visits completed from now on."""
    async with database_of(request).transaction() as connection:
        made = await service.add_rule(connection, actor_of(request, principal), draft)
    return answer(made, 201)


@router.put("/loyalty/rules/{rule_id}", status_code=204, responses=WRITING)
async def switch_rule(
    request: Request, rule_id: UUID, switch: RuleSwitch, principal: Writer
) -> Response:
    """End a rule, or start it again."""
    async with database_of(request).transaction() as connection:
        await service.switch_rule(connection, actor_of(request, principal), rule_id, switch)
    return no_content()


@router.get("/clients/{client_id}/loyalty-cards", response_model=Cards, responses=READING)
async def cards(
    request: Request,
    client_id: UUID,
    principal: Annotated[Principal, Depends(ClientOrScope("clients:read"))],
) -> Response:
    """The cards of a client; clients see their own."""
    if principal.kind == "client" and principal.client_id != client_id:
        raise NotFoundError
    async with database_of(request).connection() as connection:
        return answer(await service.cards(connection, client_id))


@router.post(
    "/bookings/{booking_id}/loyalty-reward",
    response_model=Redeemed,
    status_code=201,
    responses=WRITING,
)
async def redeem(
    request: Request, booking_id: UUID, wish: RedeemRequest, principal: Desk
) -> Response:
    """Spend a full card on a booking; the front desk does this, not the client nor a provider."""
    if principal.own_agenda_only:
        raise NotAllowedError
    async with database_of(request).transaction() as connection:
        discount = await service.redeem(
            connection, actor_of(request, principal), wish.rule_id, booking_id
        )
    return answer(Redeemed(discount_centavos=discount), 201)
