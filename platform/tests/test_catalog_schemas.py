"""The JSON Schemas are current, and every file of data follows the one that its first line names."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import jsonschema_rs
import pytest
import yaml

from barberpro.catalog.entries import file_kind
from barberpro.catalog.schemas import file_schemas

CATALOG = Path(__file__).resolve().parents[2] / "catalog"
VETERINARY = Path(__file__).parent / "catalog_veterinary"
FILES = [
    *sorted(CATALOG.rglob("*.yaml")),
    *sorted(VETERINARY.rglob("*.yaml")),
]
COMMENT = re.compile(r"# yaml-language-server: \$schema=(\S+)\n")


def validator(kind: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(dict(file_schemas())[f"{kind}.json"])


def test_the_schemas_are_current() -> None:
    stored = {
        path.name: json.loads(path.read_text(encoding="utf-8"))
        for path in (CATALOG / "schemas").glob("*.json")
    }
    assert stored == dict(file_schemas()), "run python scripts/catalog_schemas.py"


@pytest.mark.parametrize(
    "path", FILES, ids=lambda path: path.relative_to(CATALOG.parent).as_posix()
)
def test_each_file_follows_the_schema_that_it_names(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    named = COMMENT.match(text)
    assert named is not None
    schema = Path(os.path.normpath(path.parent / named[1]))
    assert schema == CATALOG / "schemas" / f"{file_kind(path.as_posix())}.json"
    found = [error.message for error in validator(schema.stem).iter_errors(yaml.safe_load(text))]
    assert found == []


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("vertical", "vertical: x"),
        ("vertical", "colour: red"),
        ("words", "es-AR: {booking: turno}"),
        ("seed", "schema_version: 2"),
        ("provider", "provider: x\nkind: rented"),
        ("markets", "small: {}"),
        ("markets", "small_market: {cpu_cores: many}"),
        ("regions", "argentina_regions: {central: {latency_target: 80}}"),
        ("controls", "controls: {x: {}}"),
        ("controls", "laws: {}"),
        ("policies", "cost_alerts: {x: {threshold: 5}}"),
        ("policies", "cost_alert: {}"),
        ("policies", "redefines: cost_alerts"),
    ],
)
def test_an_editor_sees_mistakes(kind: str, text: str) -> None:
    assert not validator(kind).is_valid(yaml.safe_load(text))
