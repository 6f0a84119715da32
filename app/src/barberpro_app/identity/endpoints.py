"""Staff users and "who am I" in the JSON API."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Depends, Request

from barberpro_app.audit.trail import Actor
from barberpro_app.edge import READING, WRITING
from barberpro_app.identity import staff
from barberpro_app.identity.auth import Principal, current_principal, require_scope
from barberpro_app.identity.schemas import Me, Staff, StaffPage, StaffPatch, StaffRequest
from barberpro_app.identity.staff import StaffDraft
from barberpro_app.kit.database import Database
from barberpro_app.kit.requests import request_id_of

router = APIRouter(prefix="/api/v1", tags=["staff"])


def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


def _actor(request: Request, principal: Principal) -> Actor:
    return Actor(principal, request_id_of(request.scope))


@router.get("/me", responses=READING, summary="Who am I?")
async def me(principal: Principal = Depends(current_principal)) -> Me:
    """The API client or the signed-in person; anonymous without either."""
    return Me.of(principal)


@router.get("/staff", responses=READING, summary="Who works here")
async def list_staff(
    request: Request, _: Principal = Depends(require_scope("settings:read"))
) -> StaffPage:
    """Everybody with an account, by name."""
    async with _database(request).connection() as connection:
        users = await staff.list_staff(connection)
    return StaffPage(items=[Staff.of(user) for user in users])


@router.get("/staff/{staff_id}", responses=READING, summary="One staff user")
async def get_staff(
    request: Request, staff_id: UUID, _: Principal = Depends(require_scope("settings:read"))
) -> Staff:
    async with _database(request).connection() as connection:
        return Staff.of(await staff.get_staff(connection, staff_id))


@router.post("/staff", responses=WRITING, status_code=201, summary="Give somebody an account")
async def add_staff(
    request: Request,
    body: StaffRequest,
    principal: Principal = Depends(require_scope("settings:write")),
) -> Staff:
    """The person signs in with a link sent to the address. Only an owner makes owners."""
    draft = StaffDraft(body.email, body.name, body.role, body.provider_id)
    async with _database(request).transaction() as connection:
        return Staff.of(await staff.add_staff(connection, _actor(request, principal), draft))


@router.patch("/staff/{staff_id}", responses=WRITING, summary="Change a staff user")
async def change_staff(
    request: Request,
    staff_id: UUID,
    body: StaffPatch,
    principal: Principal = Depends(require_scope("settings:write")),
) -> Staff:
    """A change of role, address or `active` ends the person's sessions."""
    async with _database(request).transaction() as connection:
        user = await staff.change_staff(
            connection, _actor(request, principal), staff_id, body.changes(), body.version
        )
    return Staff.of(user)


@router.delete(
    "/staff/{staff_id}", responses=WRITING, status_code=204, summary="Remove a staff user"
)
async def remove_staff(
    request: Request,
    staff_id: UUID,
    principal: Principal = Depends(require_scope("settings:write")),
) -> None:
    """The account goes; what the person did stays in the audit trail."""
    async with _database(request).transaction() as connection:
        await staff.remove_staff(connection, _actor(request, principal), staff_id)
