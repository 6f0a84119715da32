"""The JSON API of requests and of the rules for them."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from barberpro_app.approval import service
from barberpro_app.approval.schemas import (
    ApprovalRule,
    ApprovalRuleDraft,
    ApprovalRules,
    Decision,
)
from barberpro_app.booking.schemas import Booking
from barberpro_app.edge import (
    API,
    READING,
    WRITING,
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

router = APIRouter(prefix=API, tags=["approval"])

Decider = Annotated[Principal, Depends(require_scope("bookings:write"))]
Reader = Annotated[Principal, Depends(require_scope("bookings:read"))]
Writer = Annotated[Principal, Depends(require_scope("catalog:write"))]


@router.post("/bookings/{booking_id}/decision", response_model=Booking, responses=WRITING)
async def decide(
    request: Request,
    principal: Decider,
    booking_id: UUID,
    body: Decision,
    key: IdempotencyHeader = None,
) -> Response:
    """Say yes or no to a request; of a visit, to all of it."""
    stored = key_of(principal, key, f"decide {booking_id}", body)
    actor = actor_of(request, principal)
    async with database_of(request).connection() as connection:
        booking = await service.decide(
            connection, configuration_of(request), actor, booking_id, body, stored
        )
    return answer(booking)


@router.get("/approval-rules", response_model=ApprovalRules, responses=READING)
async def list_rules(request: Request, _principal: Reader) -> Response:
    """Which bookings wait for a yes."""
    async with database_of(request).connection() as connection:
        return answer(ApprovalRules(items=await service.list_rules(connection)))


@router.post("/approval-rules", status_code=201, response_model=ApprovalRule, responses=WRITING)
async def add_rule(request: Request, principal: Writer, body: ApprovalRuleDraft) -> Response:
    """Add a rule of approval; it counts from now on."""
    async with database_of(request).transaction() as connection:
        made = await service.add_rule(connection, actor_of(request, principal), body)
    return answer(made, 201)


@router.delete("/approval-rules/{rule_id}", status_code=204, responses=WRITING)
async def remove_rule(request: Request, principal: Writer, rule_id: UUID) -> Response:
    """Remove a rule of approval; what was asked for already still waits."""
    async with database_of(request).transaction() as connection:
        await service.remove_rule(connection, actor_of(request, principal), rule_id)
    return no_content()
