"""The JSON API of prices: quotes for everybody, rules for who may change the catalogue."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from barberpro_app.edge import (
    API,
    PUBLIC,
    READING,
    WRITING,
    actor_of,
    answer,
    configuration_of,
    database_of,
    no_content,
)
from barberpro_app.identity.auth import current_principal, require_scope
from barberpro_app.identity.principal import Principal
from barberpro_app.pricing import service
from barberpro_app.pricing.repository import Table
from barberpro_app.pricing.schemas import (
    DepositRule,
    DepositRuleDraft,
    DepositRules,
    PriceRule,
    PriceRuleDraft,
    PriceRules,
    Quote,
    QuoteRequest,
    RuleSwitch,
)

router = APIRouter(prefix=API, tags=["money"])
Reader = Annotated[Principal, Depends(require_scope("settings:read"))]
Writer = Annotated[Principal, Depends(require_scope("catalog:write"))]


@router.get("/quote", response_model=Quote, responses=PUBLIC)
async def quote(
    request: Request,
    query: Annotated[QuoteRequest, Query()],
    principal: Annotated[Principal, Depends(current_principal)],
) -> Response:
    """What a booking would cost, and what of it has to be paid ahead."""
    async with database_of(request).connection() as connection:
        found = await service.quote(
            connection, configuration_of(request), query, principal.client_id
        )
    return answer(found)


@router.get("/price-rules", response_model=PriceRules, responses=READING)
async def price_rules(request: Request, _principal: Reader) -> Response:
    """The rules of prices."""
    async with database_of(request).connection() as connection:
        return answer(PriceRules(items=await service.price_rules(connection)))


@router.post("/price-rules", status_code=201, response_model=PriceRule, responses=WRITING)
async def add_price_rule(request: Request, principal: Writer, body: PriceRuleDraft) -> Response:
    """Add a rule of price; it counts from now on."""
    async with database_of(request).transaction() as connection:
        made = await service.add_price_rule(connection, actor_of(request, principal), body)
    return answer(made, 201)


@router.get("/deposit-rules", response_model=DepositRules, responses=READING)
async def deposit_rules(request: Request, _principal: Reader) -> Response:
    """The rules of deposits."""
    async with database_of(request).connection() as connection:
        return answer(DepositRules(items=await service.deposit_rules(connection)))


@router.post("/deposit-rules", status_code=201, response_model=DepositRule, responses=WRITING)
async def add_deposit_rule(request: Request, principal: Writer, body: DepositRuleDraft) -> Response:
    """Add a rule of deposits; it counts from now on."""
    async with database_of(request).transaction() as connection:
        made = await service.add_deposit_rule(connection, actor_of(request, principal), body)
    return answer(made, 201)


@router.post("/price-rules/{rule_id}/switch", status_code=204, responses=WRITING)
async def switch_price_rule(
    request: Request, principal: Writer, rule_id: UUID, body: RuleSwitch
) -> Response:
    """Put a rule of price to use, or out of it."""
    return await _switch(request, principal, "price_rule", rule_id, body)


@router.post("/deposit-rules/{rule_id}/switch", status_code=204, responses=WRITING)
async def switch_deposit_rule(
    request: Request, principal: Writer, rule_id: UUID, body: RuleSwitch
) -> Response:
    """Put a rule of deposits to use, or out of it."""
    return await _switch(request, principal, "deposit_rule", rule_id, body)


async def _switch(
    request: Request, principal: Principal, table: Table, rule_id: UUID, body: RuleSwitch
) -> Response:
    async with database_of(request).transaction() as connection:
        await service.switch_rule(connection, actor_of(request, principal), table, rule_id, body)
    return no_content()


@router.delete("/price-rules/{rule_id}", status_code=204, responses=WRITING)
async def remove_price_rule(request: Request, principal: Writer, rule_id: UUID) -> Response:
    """Remove a rule of price; bookings made keep theirs."""
    return await _remove(request, principal, "price_rule", rule_id)


@router.delete("/deposit-rules/{rule_id}", status_code=204, responses=WRITING)
async def remove_deposit_rule(request: Request, principal: Writer, rule_id: UUID) -> Response:
    """Remove a rule of deposits; bookings made keep theirs."""
    return await _remove(request, principal, "deposit_rule", rule_id)


async def _remove(request: Request, principal: Principal, table: Table, rule_id: UUID) -> Response:
    async with database_of(request).transaction() as connection:
        await service.remove_rule(connection, actor_of(request, principal), table, rule_id)
    return no_content()
