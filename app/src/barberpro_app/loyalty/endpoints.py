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
    configuration_of,
    database_of,
    no_content,
)
from barberpro_app.identity.auth import require_scope
from barberpro_app.identity.principal import Principal
from barberpro_app.kit.errors import NotAllowedError, NotFoundError
from barberpro_app.loyalty import service
from barberpro_app.loyalty.schemas import (
    Cards,
    Level,
    LevelDraft,
    Levels,
    Redeemed,
    RedeemRequest,
    Rule,
    RuleDraft,
    Rules,
    RuleSwitch,
    Stamp,
    StampDraft,
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


@router.get("/loyalty/levels", response_model=Levels, responses=READING)
async def list_levels(request: Request, _principal: Reader) -> Response:
    """The levels of regular clients."""
    async with database_of(request).connection() as connection:
        return answer(await service.levels(connection))


@router.post("/loyalty/levels", response_model=Level, status_code=201, responses=WRITING)
async def add_level(request: Request, draft: LevelDraft, principal: Writer) -> Response:
    """A new level, for visits completed from now on."""
    async with database_of(request).transaction() as connection:
        made = await service.add_level(connection, actor_of(request, principal), draft)
    return answer(made, 201)


@router.delete("/loyalty/levels/{level_id}", status_code=204, responses=WRITING)
async def remove_level(request: Request, level_id: UUID, principal: Writer) -> Response:
    """Remove a level; stamps that it gave stay good."""
    async with database_of(request).transaction() as connection:
        await service.remove_level(connection, actor_of(request, principal), level_id)
    return no_content()


@router.get("/clients/{client_id}/loyalty-cards", response_model=Cards, responses=READING)
async def cards(
    request: Request,
    client_id: UUID,
    principal: Annotated[Principal, Depends(ClientOrScope("clients:read"))],
) -> Response:
    """The cards and the level of a client; clients see their own."""
    if principal.kind == "client" and principal.client_id != client_id:
        raise NotFoundError
    async with database_of(request).connection() as connection:
        return answer(await service.cards(connection, client_id))


@router.post(
    "/clients/{client_id}/loyalty-stamps",
    response_model=Stamp,
    status_code=201,
    responses=WRITING,
)
async def give(request: Request, client_id: UUID, draft: StampDraft, principal: Desk) -> Response:
    """Give a stamp without a visit in the agenda, and say why; for the front desk."""
    if principal.own_agenda_only:
        raise NotAllowedError
    async with database_of(request).transaction() as connection:
        actor, app = actor_of(request, principal), configuration_of(request)
        given = await service.give(connection, app, actor, client_id, draft)
    return answer(given, 201)


@router.delete("/clients/{client_id}/loyalty-stamps/{stamp_id}", status_code=204, responses=WRITING)
async def take_back(request: Request, client_id: UUID, stamp_id: UUID, principal: Desk) -> Response:
    """Take back a stamp that was given by hand and is not spent; for the front desk."""
    if principal.own_agenda_only:
        raise NotAllowedError
    async with database_of(request).transaction() as connection:
        await service.take_back(connection, actor_of(request, principal), client_id, stamp_id)
    return no_content()


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
