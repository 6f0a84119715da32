"""Values for formats of an OpenAPI document, for as long as one test needs them.

schemathesis keeps formats for the whole process: what one test leaves there, the next one draws from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy, none, one_of
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.specs.openapi.formats import STRING_FORMATS, unregister_string_format

UNNAMED = none()


@contextmanager
def formats(strategies: dict[str, SearchStrategy[str]]) -> Iterator[None]:
    """``strategies`` by the format's name, such as ``uuid``."""
    before = {name: STRING_FORMATS[name] for name in strategies if name in STRING_FORMATS}
    for name, strategy in strategies.items():
        schemathesis.openapi.format(name, strategy)
    try:
        yield
    finally:
        for name in strategies:
            unregister_string_format(name)
        for name, strategy in before.items():
            schemathesis.openapi.format(name, strategy)


#: Not `positive_data_acceptance`: a schema cannot say all that is refused (two fields that exclude
#: each other, an hour when nobody works).
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def try_operations(
    document: dict[str, Any],
    tags: set[str],
    send: Callable[[Any, Any], Any],
    *,
    examples: int,
    who: SearchStrategy[Any] = UNNAMED,
) -> int:
    """Every operation with one of ``tags``, as `try_operation` does. Returns how many there were."""
    tried = 0
    for operation in read(document).values():
        if tags.intersection(operation.tags or ()):
            tried += 1
            try_operation(operation, send, examples=examples, who=who)
    return tried


def read(document: dict[str, Any]) -> dict[tuple[str, str], Any]:
    """schemathesis' operations of a document, by path and method."""
    results = schemathesis.openapi.from_dict(document).get_all_operations()
    found: list[Any] = [result.ok() for result in results]
    return {(operation.path, operation.method): operation for operation in found}


def try_operation(
    operation: Any,
    send: Callable[[Any, Any], Any],
    *,
    examples: int,
    who: SearchStrategy[Any] = UNNAMED,
) -> None:
    """One operation, with inputs that its schema allows and that it does not, the same ones each
    time; ``send(case, who)`` gives the answer. The first that fails ends it: a second try would meet
    what the first one left."""
    cases = one_of(
        operation.as_strategy(GenerationMode.POSITIVE),
        operation.as_strategy(GenerationMode.POSITIVE),
        operation.as_strategy(GenerationMode.NEGATIVE),
    )

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases, who)
    def conforms(case: Any, sender: Any) -> None:
        case.validate_response(schemathesis.Response.from_any(send(case, sender)), checks=CHECKS)

    conforms()
