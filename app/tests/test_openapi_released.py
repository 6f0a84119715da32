"""The document of the API that a release carries is the one that its code would make."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from barberpro_app.application import whole_api
from barberpro_app.health.services import CONTAINED
from barberpro_app.openapi import part_of, released, written

MEND = "PYTHONPATH=app/src python -m barberpro_app openapi > app/src/barberpro_app/openapi.json"


@pytest.fixture(scope="module")
def whole() -> FastAPI:
    return whole_api()


def test_the_released_document_is_what_the_code_says(whole: FastAPI) -> None:
    assert json.loads(written(whole.openapi())) == released(), f"make it anew: {MEND}"
    assert set(CONTAINED) >= {"booking", "payment"}


def operations(document: dict[str, Any]) -> set[tuple[str, str]]:
    return {(path, method) for path, methods in document["paths"].items() for method in methods}


RELEASED = written(released())
ALL = sorted(operations(released()))


@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(chosen=st.sets(st.sampled_from(ALL), min_size=1, max_size=30))
def test_a_part_has_its_operations_and_every_schema_that_they_need(
    chosen: set[tuple[str, str]],
) -> None:
    document = released()
    part = json.loads(part_of(RELEASED, chosen, 'Uno "ñ"'))
    assert operations(part) == chosen
    for path, method in chosen:
        assert part["paths"][path][method] == document["paths"][path][method]
    assert part["info"] == {**document["info"], "title": 'Uno "ñ"'}
    text = json.dumps(part)
    for name in document["components"]["schemas"]:
        there = name in part["components"]["schemas"]
        assert there == (f'"#/components/schemas/{name}"' in text), name


def test_the_whole_of_it_is_a_part_of_it_too() -> None:
    document = released()
    whole = json.loads(part_of(RELEASED, set(ALL), "Booking API"))
    assert whole["paths"] == document["paths"]
    assert whole["components"].keys() == document["components"].keys()
    assert whole.keys() == document.keys()
    for name, schema in whole["components"]["schemas"].items():
        assert schema == document["components"]["schemas"][name]
