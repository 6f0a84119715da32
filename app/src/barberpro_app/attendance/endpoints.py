"""The JSON API of check-in, missed bookings and the rules about them."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from barberpro_app.attendance import service
from barberpro_app.attendance.schemas import (
    AttendanceRules,
    AttendanceRulesChange,
    Forgiveness,
    Score,
)
from barberpro_app.booking.schemas import Booking
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

router = APIRouter(prefix=API, tags=["attendance"])

ClientReader = Annotated[Principal, Depends(require_scope("clients:read"))]
ClientWriter = Annotated[Principal, Depends(require_scope("clients:write"))]
Booker = Annotated[Principal, Depends(ClientOrScope("bookings:write"))]
SettingsReader = Annotated[Principal, Depends(require_scope("settings:read"))]
SettingsWriter = Annotated[Principal, Depends(require_scope("settings:write"))]


@router.post("/bookings/{booking_id}/check-in", response_model=Booking, responses=WRITING)
async def check_in(request: Request, principal: Booker, booking_id: UUID) -> Response:
    """The client is here; safe to repeat. Clients do so shortly before the start."""
    async with database_of(request).connection() as connection:
        actor = actor_of(request, principal)
        return answer(await service.check_in(connection, actor, booking_id))


@router.post("/bookings/{booking_id}/forgive", status_code=204, responses=WRITING)
async def forgive(
    request: Request, principal: ClientWriter, booking_id: UUID, body: Forgiveness
) -> Response:
    """A missed booking counts against its client no more; safe to repeat."""
    async with database_of(request).connection() as connection:
        await service.forgive(connection, actor_of(request, principal), booking_id, body)
    return no_content()


@router.get("/clients/{client_id}/attendance", response_model=Score, responses=READING)
async def score(request: Request, _principal: ClientReader, client_id: UUID) -> Response:
    """How reliably a client comes, with the bookings that were missed."""
    async with database_of(request).connection() as connection:
        return answer(await service.score(connection, client_id))


@router.get("/settings/attendance", response_model=AttendanceRules, responses=READING)
async def get_rules(request: Request, _principal: SettingsReader) -> Response:
    """What follows from missed bookings, and when clients check in by themselves."""
    async with database_of(request).connection() as connection:
        return answer(await service.get_rules(connection))


@router.put("/settings/attendance", response_model=AttendanceRules, responses=WRITING)
async def change_rules(
    request: Request, principal: SettingsWriter, body: AttendanceRulesChange
) -> Response:
    """Set what follows from missed bookings, and when clients check in by themselves."""
    async with database_of(request).transaction() as connection:
        changed = await service.change_rules(connection, actor_of(request, principal), body)
    return answer(changed)
