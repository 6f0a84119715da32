"""The API's own description, with the scope that each operation needs.

It is made when a release is, for all services, and kept beside this module (`openapi.json`, by
`python -m barberpro_app openapi`); what a deployment shows is the part of its own services. Making it
in each serving process would cost each a second and 22 MB.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable, Iterator
from importlib.resources import files
from typing import Any, Union

from fastapi import APIRouter, FastAPI, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from barberpro_app.identity.auth import PUBLIC_SCOPES, ScopeRequirement

Document = dict[str, Any]
#: A member is the text of its value, or has members of its own.
Branch = Union[str, "dict[str, Branch]"]
_REFERENCE = re.compile(r'"#/components/schemas/([^"]+)"')


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
    packed: list[bytes] = []

    @app.get("/openapi.json", include_in_schema=False)
    def document() -> Response:
        if not packed:
            shown = {(path, method) for path, method, _ in operations}
            packed.append(zlib.compress(part_of(_released(), shown, app.title).encode()))
        return Response(zlib.decompress(packed[0]), media_type="application/json")


def released() -> Document:
    """The document of all services of this release."""
    document: Document = json.loads(_released())
    return document


def _released() -> str:
    return files("barberpro_app").joinpath("openapi.json").read_text(encoding="utf-8")


def part_of(text: str, shown: set[tuple[str, str]], title: str) -> str:
    """The document with these operations (path, method) alone, and the schemas that they use.

    `text` is as `written` gives it. Its operations and schemas are kept as the lines they are: read
    as objects they would leave a serving process 8 MB larger for good.
    """
    document = _tree(text)
    paths: dict[str, Branch] = {}
    for path, methods in _members(document["paths"]).items():
        kept = {name: at for name, at in _members(methods).items() if (path, name) in shown}
        if kept:
            paths[path] = kept
    components = _members(document["components"])
    schemas = _members(components["schemas"])
    used = _used(paths, schemas)
    components["schemas"] = {name: value for name, value in schemas.items() if name in used}
    _members(document["info"])["title"] = json.dumps(title, ensure_ascii=False)
    return _joined({**document, "paths": paths})


def _tree(text: str) -> dict[str, Branch]:
    """Objects down to the depth of `written`; what is deeper stays the text that it is."""
    root: dict[str, Branch] = {}
    inside = [root]
    read = json.JSONDecoder().raw_decode
    for line in text.splitlines()[1:-1]:
        if line[0] == "}":
            inside.pop()
            continue
        name, end = read(line)
        if line.endswith(":{"):
            made: dict[str, Branch] = {}
            inside[-1][name] = made
            inside.append(made)
        else:
            inside[-1][name] = line[end + 1 :].removesuffix(",")
    return root


def _members(branch: Branch) -> dict[str, Branch]:
    if isinstance(branch, str):
        raise TypeError("an object on one line where one with lines of its own is expected")
    return branch


def _joined(branch: Branch) -> str:
    if isinstance(branch, str):
        return branch
    members = (f"{json.dumps(name)}:{_joined(value)}" for name, value in branch.items())
    return "{" + ",".join(members) + "}"


def written(document: Document) -> str:
    """One line for each operation and each schema, so that a change is seen where it is."""
    return _lines(document, 3) + "\n"


def _lines(value: Any, depth: int) -> str:
    """JSON whose objects down to `depth` have a line for each member."""
    if not depth or not isinstance(value, dict) or not value:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    members = (f"{json.dumps(name)}:{_lines(value[name], depth - 1)}" for name in sorted(value))
    return "{\n" + ",\n".join(members) + "\n}"


def _used(paths: dict[str, Branch], schemas: dict[str, Branch]) -> set[str]:
    """Names of schemas that the paths refer to, themselves or through others."""
    found: set[str] = set()
    waiting = set(_REFERENCE.findall(_joined(paths)))
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting.update(set(_REFERENCE.findall(_joined(schemas[name]))) - found)
    return found


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
