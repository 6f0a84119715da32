"""The JSON API of bookings: thin; who may touch what is decided in the service."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from barberpro_app.booking import service
from barberpro_app.booking.schemas import (
    Agenda,
    Booking,
    BookingPage,
    BookingSearch,
    BookRequest,
    CancelRequest,
    ConfirmRequest,
    HoldRequest,
    RescheduleRequest,
    StatusRequest,
)
from barberpro_app.edge import (
    API,
    READING,
    WRITING,
    ClientOrScope,
    IdempotencyHeader,
    actor_of,
    answer,
    configuration_of,
    database_of,
    key_of,
)
from barberpro_app.identity.auth import require_scope
from barberpro_app.identity.principal import Principal
from barberpro_app.kit.schemas import Day

router = APIRouter(prefix=API, tags=["bookings"])

Reader = Annotated[Principal, Depends(ClientOrScope("bookings:read"))]
Writer = Annotated[Principal, Depends(ClientOrScope("bookings:write"))]
StaffReader = Annotated[Principal, Depends(require_scope("bookings:read"))]
StaffWriter = Annotated[Principal, Depends(require_scope("bookings:write"))]


@router.post("/holds", status_code=201, response_model=Booking, responses=WRITING)
async def hold(
    request: Request, principal: Writer, body: HoldRequest, key: IdempotencyHeader = None
) -> Response:
    """Keep a time for a few minutes, with a provider or with whoever is free."""
    stored = key_of(principal, key, "hold", body)
    async with database_of(request).connection() as connection:
        booking = await service.hold(
            connection, configuration_of(request), actor_of(request, principal), body, stored
        )
    return answer(booking, 201)


@router.post("/holds/{booking_id}/confirm", response_model=Booking, responses=WRITING)
async def confirm(
    request: Request,
    principal: Writer,
    booking_id: UUID,
    body: ConfirmRequest,
    key: IdempotencyHeader = None,
) -> Response:
    """Turn a hold into a booking."""
    stored = key_of(principal, key, f"confirm {booking_id}", body)
    actor = actor_of(request, principal)
    async with database_of(request).connection() as connection:
        booking = await service.confirm(
            connection, configuration_of(request), actor, booking_id, body, stored
        )
    return answer(booking)


@router.post("/holds/{booking_id}/extend", response_model=Booking, responses=WRITING)
async def extend(request: Request, principal: Writer, booking_id: UUID) -> Response:
    """Start the time of a hold again, once."""
    async with database_of(request).connection() as connection:
        booking = await service.extend_hold(
            connection, configuration_of(request), actor_of(request, principal), booking_id
        )
    return answer(booking)


@router.post("/bookings", status_code=201, response_model=Booking, responses=WRITING)
async def book(
    request: Request, principal: Writer, body: BookRequest, key: IdempotencyHeader = None
) -> Response:
    """Book a time at once."""
    stored = key_of(principal, key, "book", body)
    async with database_of(request).connection() as connection:
        booking = await service.book(
            connection, configuration_of(request), actor_of(request, principal), body, stored
        )
    return answer(booking, 201)


@router.get("/bookings", response_model=BookingPage, responses=READING)
async def search(
    request: Request, principal: Reader, query: Annotated[BookingSearch, Query()]
) -> Response:
    """Bookings, earliest first; a client gets the own ones, a provider the own agenda."""
    wanted = service.BookingQuery(
        client_id=query.client_id,
        provider_id=query.provider_id,
        location_id=query.location_id,
        session_id=query.session_id,
        statuses=tuple(query.status) or None,
        starts_from=query.starts_from,
        starts_before=query.starts_before,
        after=query.after,
        limit=query.limit,
    )
    async with database_of(request).connection() as connection:
        page = await service.search(connection, actor_of(request, principal), wanted)
    return answer(page)


@router.get("/bookings/{booking_id}", response_model=Booking, responses=READING)
async def get(request: Request, principal: Reader, booking_id: UUID) -> Response:
    """One booking or hold."""
    async with database_of(request).connection() as connection:
        booking = await service.get(connection, actor_of(request, principal), booking_id)
    return answer(booking)


@router.post("/bookings/{booking_id}/reschedule", response_model=Booking, responses=WRITING)
async def reschedule(
    request: Request,
    principal: Writer,
    booking_id: UUID,
    body: RescheduleRequest,
    key: IdempotencyHeader = None,
) -> Response:
    """Move a confirmed booking to another time, or to another provider."""
    stored = key_of(principal, key, f"reschedule {booking_id}", body)
    actor = actor_of(request, principal)
    async with database_of(request).connection() as connection:
        booking = await service.reschedule(
            connection, configuration_of(request), actor, booking_id, body, stored
        )
    return answer(booking)


@router.post("/bookings/{booking_id}/cancel", response_model=Booking, responses=WRITING)
async def cancel(
    request: Request, principal: Writer, booking_id: UUID, body: CancelRequest
) -> Response:
    """Cancel a booking or release a hold; a cancelled one is answered as it is."""
    actor = actor_of(request, principal)
    async with database_of(request).connection() as connection:
        booking = await service.cancel(
            connection, configuration_of(request), actor, booking_id, body
        )
    return answer(booking)


@router.post("/bookings/{booking_id}/status", response_model=Booking, responses=WRITING)
async def set_status(
    request: Request, principal: StaffWriter, booking_id: UUID, body: StatusRequest
) -> Response:
    """Say what happened: arrived, completed, no_show; `confirmed` takes a cancelled one back."""
    async with database_of(request).connection() as connection:
        booking = await service.set_status(
            connection, actor_of(request, principal), booking_id, body
        )
    return answer(booking)


@router.get("/agenda", response_model=Agenda, responses=READING)
async def agenda(
    request: Request,
    principal: StaffReader,
    day: Day,
    provider_id: UUID | None = None,
    location_id: UUID | None = None,
) -> Response:
    """One local day's bookings, of a provider, of a location, or all."""
    async with database_of(request).connection() as connection:
        found = await service.agenda(
            connection,
            actor_of(request, principal),
            day,
            provider_id=provider_id,
            location_id=location_id,
        )
    return answer(found)
