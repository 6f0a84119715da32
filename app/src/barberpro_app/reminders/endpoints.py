"""The JSON API of reminders and of when messages may go."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from barberpro_app.edge import API, READING, WRITING, actor_of, answer, database_of, no_content
from barberpro_app.identity.auth import require_scope
from barberpro_app.identity.principal import Principal
from barberpro_app.reminders import service
from barberpro_app.reminders.schemas import (
    MessagePreferences,
    MessagePreferencesChange,
    ReminderRuleDraft,
    ReminderRulePatch,
    ReminderRules,
)

router = APIRouter(prefix=f"{API}/settings", tags=["messages"])

Reader = Annotated[Principal, Depends(require_scope("settings:read"))]
Writer = Annotated[Principal, Depends(require_scope("settings:write"))]


@router.get("/reminders", response_model=ReminderRules, responses=READING)
async def list_rules(request: Request, _principal: Reader) -> Response:
    """When clients are reminded."""
    async with database_of(request).connection() as connection:
        return answer(ReminderRules(items=await service.list_rules(connection)))


@router.post("/reminders", response_model=ReminderRules, status_code=201, responses=WRITING)
async def add_rule(request: Request, principal: Writer, body: ReminderRuleDraft) -> Response:
    """Remind clients at one more time."""
    async with database_of(request).transaction() as connection:
        await service.add_rule(connection, actor_of(request, principal), body)
        rules = ReminderRules(items=await service.list_rules(connection))
    return answer(rules, 201)


@router.patch("/reminders/{rule_id}", response_model=ReminderRules, responses=WRITING)
async def change_rule(
    request: Request, rule_id: UUID, principal: Writer, body: ReminderRulePatch
) -> Response:
    """Turn a rule on or off."""
    async with database_of(request).transaction() as connection:
        await service.change_rule(connection, actor_of(request, principal), rule_id, body)
        rules = ReminderRules(items=await service.list_rules(connection))
    return answer(rules)


@router.delete("/reminders/{rule_id}", status_code=204, responses=READING)
async def remove_rule(request: Request, rule_id: UUID, principal: Writer) -> Response:
    """Remove a rule."""
    async with database_of(request).transaction() as connection:
        await service.remove_rule(connection, actor_of(request, principal), rule_id)
    return no_content()


@router.get("/messages", response_model=MessagePreferences, responses=READING)
async def get_preferences(request: Request, _principal: Reader) -> Response:
    """Quiet hours, and whether WhatsApp is used."""
    async with database_of(request).connection() as connection:
        return answer(await service.get_preferences(connection))


@router.put("/messages", response_model=MessagePreferences, responses=WRITING)
async def change_preferences(
    request: Request, principal: Writer, body: MessagePreferencesChange
) -> Response:
    """Set quiet hours, and whether WhatsApp is used."""
    async with database_of(request).transaction() as connection:
        changed = await service.change_preferences(connection, actor_of(request, principal), body)
    return answer(changed)
