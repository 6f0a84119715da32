"""The API's own description, with the scope that each operation needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from threading import Lock
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from barberpro_app.identity.auth import PUBLIC_SCOPES, ScopeRequirement


def describe_scopes(app: FastAPI, routers: Iterable[APIRouter]) -> None:
    """From now on `app.openapi()` names, for each operation of the routers, its scope;
    what is public needs no token either."""
    needs = {
        (route.path, method.lower()): scope
        for router in routers
        for route in router.routes
        if isinstance(route, APIRoute)
        for scope in _scopes(route.dependant)
        for method in route.methods or ()
    }
    generate = app.openapi
    made: list[dict[str, Any]] = []
    making = Lock()

    def openapi() -> dict[str, Any]:
        """Made once, by whichever thread asks first; takes half a second."""
        with making:
            if not made:
                schema = generate()
                for (path, method), scope in needs.items():
                    without: list[dict[str, list[str]]] = [{}] if scope in PUBLIC_SCOPES else []
                    schema["paths"][path][method]["security"] = [*without, {"oauth2": [scope]}]
                made.append(schema)
        return made[0]

    app.openapi = openapi  # type: ignore[method-assign]


def _scopes(dependant: Dependant) -> Iterator[str]:
    if isinstance(dependant.call, ScopeRequirement):
        yield dependant.call.scope
    for part in dependant.dependencies:
        yield from _scopes(part)
