"""The JSON API of free times; public."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from barberpro_app.availability.schemas import Availability, AvailabilityQuery, VisitQuery
from barberpro_app.availability.service import free_times
from barberpro_app.availability.visits import free_visits
from barberpro_app.edge import API, PUBLIC, PublicScope, answer, configuration_of
from barberpro_app.kit.replica import read

router = APIRouter(
    prefix=API, tags=["availability"], dependencies=[Depends(PublicScope("availability:read"))]
)


@router.get("/availability", response_model=Availability, responses=PUBLIC)
async def availability(request: Request, query: Annotated[AvailabilityQuery, Query()]) -> Response:
    """When a service can be booked, and with whom."""
    app = configuration_of(request)
    found = await read(request, lambda connection: free_times(connection, app, query))
    return answer(found)


@router.get("/availability/visits", response_model=Availability, responses=PUBLIC)
async def visits(request: Request, query: Annotated[VisitQuery, Query()]) -> Response:
    """When several services can be booked one after the other; `provider_ids` of a time has who
    gives each of them."""
    app = configuration_of(request)
    found = await read(request, lambda connection: free_visits(connection, app, query))
    return answer(found)
