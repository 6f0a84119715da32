"""The API's own description, with the scope that each operation needs.

It is made when a release is, for all services, and kept beside this module (`openapi.json`, by
`python -m barberpro_app openapi`); what a deployment shows is the part of its own services. Making it
in each serving process would cost each a second and 22 MB.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from importlib.resources import files
from typing import Any

from fastapi import APIRouter, FastAPI, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from barberpro_app.identity.auth import PUBLIC_SCOPES, ScopeRequirement

Document = dict[str, Any]
_REFERENCE = "#/components/schemas/"


def describe(app: FastAPI, routers: Iterable[APIRouter]) -> None:
    """`app.openapi()` then names, for each operation of the routers, its scope; what is public needs
    no token either. `/openapi.json` answers with the release's document, cut to these operations."""
    operations = list(_operations(routers))
    generate = app.openapi

    def openapi() -> Document:
        schema = generate()
        for path, method, scope in operations:
            if scope is not None:
                without: list[dict[str, list[str]]] = [{}] if scope in PUBLIC_SCOPES else []
                schema["paths"][path][method]["security"] = [*without, {"oauth2": [scope]}]
        return schema

    app.openapi = openapi  # type: ignore[method-assign]
    made: list[bytes] = []

    @app.get("/openapi.json", include_in_schema=False)
    def document() -> Response:
        if not made:
            shown = {(path, method) for path, method, _ in operations}
            made.append(_bytes(part_of(released(), shown, app.title)))
        return Response(made[0], media_type="application/json")


def released() -> Document:
    """The document of all services of this release."""
    text = files("barberpro_app").joinpath("openapi.json").read_text(encoding="utf-8")
    document: Document = json.loads(text)
    return document


def part_of(document: Document, shown: set[tuple[str, str]], title: str) -> Document:
    """The document with these operations (path, method) alone, and the schemas that they use."""
    paths = {
        path: kept
        for path, methods in document["paths"].items()
        if (kept := {name: value for name, value in methods.items() if (path, name) in shown})
    }
    components = document["components"]
    used = _used(paths, components["schemas"])
    schemas = {name: value for name, value in components["schemas"].items() if name in used}
    info = {**document["info"], "title": title}
    return {**document, "info": info, "paths": paths,
            "components": {**components, "schemas": schemas}}  # fmt: skip


def written(document: Document) -> str:
    """One line for each operation and each schema, so that a change is seen where it is."""
    return _lines(document, 3) + "\n"


def _lines(value: Any, depth: int) -> str:
    """JSON whose objects down to `depth` have a line for each member."""
    if not depth or not isinstance(value, dict) or not value:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    members = (f"{json.dumps(name)}:{_lines(value[name], depth - 1)}" for name in sorted(value))
    return "{\n" + ",\n".join(members) + "\n}"


def _bytes(document: Document) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _used(paths: Document, schemas: Document) -> set[str]:
    """Names of schemas that the paths refer to, themselves or through others."""
    found: set[str] = set()
    waiting = list(_references(paths))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(_references(schemas[name]))
    return found


def _references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, part in value.items():
            if (key == "$ref" and isinstance(part, str)) or (
                isinstance(part, str) and part.startswith(_REFERENCE)
            ):
                yield part.removeprefix(_REFERENCE)
            else:
                yield from _references(part)
    elif isinstance(value, list):
        for part in value:
            yield from _references(part)


def _operations(routers: Iterable[APIRouter]) -> Iterator[tuple[str, str, str | None]]:
    """Path, method in lower case, and the scope that it needs, if any."""
    for router in routers:
        for route in router.routes:
            if isinstance(route, APIRoute) and route.include_in_schema:
                scope = next(_scopes(route.dependant), None)
                for method in route.methods or ():
                    yield route.path, method.lower(), scope


def _scopes(dependant: Dependant) -> Iterator[str]:
    if isinstance(dependant.call, ScopeRequirement):
        yield dependant.call.scope
    for part in dependant.dependencies:
        yield from _scopes(part)
