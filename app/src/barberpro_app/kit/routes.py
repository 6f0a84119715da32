"""Puts the routes of routers into an application as they are.

FastAPI's own `include_router` makes each route a second time, because it may be given a prefix or
dependencies. Ours have these in the routers themselves, so the second copy would cost each serving
process 20 MB and each request a walk through both.
"""

from __future__ import annotations

from collections.abc import Iterable

from fastapi import APIRouter, FastAPI


def add_routes(target: FastAPI | APIRouter, routers: Iterable[APIRouter]) -> None:
    """In this order; the first route that matches a request answers it."""
    router = target.router if isinstance(target, FastAPI) else target
    for part in routers:
        router.routes.extend(part.routes)
