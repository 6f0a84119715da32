"""The JSON API of the domains, in the order of its documentation."""

from __future__ import annotations

from fastapi import APIRouter

from barberpro_app.availability import endpoints as availability
from barberpro_app.booking import endpoints as booking
from barberpro_app.catalog import endpoints as catalog
from barberpro_app.client import endpoints as client
from barberpro_app.location import endpoints as location
from barberpro_app.policy import endpoints as policy
from barberpro_app.provider import endpoints as provider

ROUTERS: tuple[APIRouter, ...] = (
    availability.router,
    booking.router,
    catalog.router,
    provider.router,
    location.router,
    client.router,
    policy.router,
)
