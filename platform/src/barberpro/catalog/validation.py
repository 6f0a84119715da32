"""Plain values to models, and pydantic's errors to problems in an operator's words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from barberpro.catalog.documents import Value
from barberpro.catalog.problems import Mark, Path, Problem, dotted, shorten

M = TypeVar("M", bound=BaseModel)
Locate = Callable[[Path], Mark]

_OPENING = re.compile(r"Value error, (?:expected )?|\w+ should (?:be|have) ")
_EXPECTED = {
    "string_type": "text (in quotes if it looks like a number)",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "a mapping of keys",
    "model_type": "a mapping of keys",
    "none_required": "nothing",
}


def validate(model: type[M], value: Value, locate: Locate) -> tuple[M | None, list[Problem]]:
    """The model, or what is wrong; ``locate`` gives the line of a path within ``value``."""
    try:
        return model.model_validate(value), []
    except ValidationError as error:
        found = error.errors(include_url=False)
        return None, [
            _problem(model, value, details, locate)
            for details in found
            if not _follows(details, found)
        ]


def _follows(details: ErrorDetails, found: list[ErrorDetails]) -> bool:
    """Whether a list only seems too short because of the faults in its items."""
    loc = details["loc"]
    return details["type"] == "too_short" and any(
        len(other["loc"]) > len(loc) and other["loc"][: len(loc)] == loc for other in found
    )


def _problem(
    model: type[BaseModel], value: Value, details: ErrorDetails, locate: Locate
) -> Problem:
    kind, path = details["type"], _real_path(value, details["loc"])
    if kind == "missing":
        key = str(details["loc"][-1])
        return Problem(locate(path), dotted((*path, key)), "found nothing, expected this key")
    if kind == "extra_forbidden":
        known = expected_keys(model, path[:-1])
        near = get_close_matches(str(path[-1]), known, n=1) if path else []
        hint = f"did you mean {near[0]}? " if near else ""
        return Problem(
            locate(path),
            dotted(path),
            f"found an unknown key, {hint}expected one of: {', '.join(known)}",
        )
    expected = _EXPECTED.get(kind) or _reworded(details)
    return Problem(
        locate(path), dotted(path), f"found {describe(details['input'])}, expected {expected}"
    )


def _reworded(details: ErrorDetails) -> str:
    """Pydantic's sentence without its subject: what was expected."""
    if details["type"] == "string_pattern_mismatch":
        return f"text that matches {details.get('ctx', {}).get('pattern', '')}"
    message = details["msg"]
    found = _OPENING.match(message)
    return message[found.end() :] if found else message[:1].lower() + message[1:]


def _real_path(value: object, loc: tuple[int | str, ...]) -> Path:
    """The part of pydantic's location that exists in the data (it also names branches of unions)."""
    path: list[int | str] = []
    for key in loc:
        if isinstance(value, Mapping):
            inside = key in value
        else:
            inside = isinstance(value, tuple) and isinstance(key, int) and key < len(value)
        if not inside:
            continue
        value = value[key]  # type: ignore[index]
        path.append(key)
    return tuple(path)


def describe(value: object) -> str:
    """A value in the words of YAML."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    if isinstance(value, str):
        return f"the text {shorten(value)!r}"
    return "a list" if isinstance(value, tuple) else "a mapping"


def expected_keys(model: type[BaseModel], path: Path) -> list[str]:
    """The keys that the data may have at ``path``."""
    current: object = model
    for key in path:
        current = _child(current, key)
    found = next(_models(current), None)
    return sorted(info.alias or name for name, info in found.model_fields.items()) if found else []


def _child(annotation: object, key: int | str) -> object:
    for model in _models(annotation):
        for name, info in model.model_fields.items():
            if key in (name, info.alias):
                return info.annotation
    for part in _parts(annotation):
        if get_origin(part) in (dict, tuple):
            arguments = get_args(part)
            return arguments[1] if get_origin(part) is dict else arguments[0]
    return None


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    for part in _parts(annotation):
        if isinstance(part, type) and issubclass(part, BaseModel):
            yield part


def _parts(annotation: Any) -> Iterator[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _parts(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        for part in get_args(annotation):
            yield from _parts(part)
    else:
        yield annotation
