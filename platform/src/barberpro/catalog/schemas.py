"""JSON Schemas (draft 2020-12) of the catalog's files, made from the models, for editors.

``scripts/catalog_schemas.py`` writes them to ``catalog/schemas``; a test says when they are old.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel, JsonValue

from barberpro.catalog.controls import Control
from barberpro.catalog.places import Market, Provider, Region
from barberpro.catalog.policies import Policies
from barberpro.catalog.verticals import Seed, Vertical, Words

Schema = dict[str, JsonValue]

_REDEFINES: Schema = {
    "type": "array",
    "items": {"type": "string"},
    "uniqueItems": True,
    "description": "Entries of this file that an earlier catalog folder defines and this one replaces.",
}


def file_schemas() -> Iterator[tuple[str, Schema]]:
    """Name and schema of each kind of file; the name is that of the file in ``catalog/schemas``."""
    yield _file("vertical", "verticals/<id>/vertical.yaml", _model(Vertical))
    yield _file("words", "verticals/<id>/words.yaml", _model(Words))
    yield _file("seed", "verticals/<id>/seed.yaml", _model(Seed))
    yield _file("provider", "providers/<id>.yaml", _model(Provider))
    yield _file("markets", "markets.yaml", _keyed("^[a-z][a-z0-9]*_market$", _model(Market)))
    regions = _nested(_model(Region), "^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$")
    yield _file("regions", "regions.yaml", _keyed("^[a-z][a-z0-9]*_regions$", regions))
    controls = _nested(_model(Control), "^[A-Z0-9]+(?:-[A-Z0-9]+)*$")
    yield _file("controls", "controls/<name>.yaml", _keyed("^controls$", controls))
    policies = _model(Policies)
    del policies["required"]  # a file holds any of the sections
    yield _file("policies", "policies/<name>.yaml", policies)


def _model(model: type[BaseModel]) -> Schema:
    """The model's schema; markets, regions and controls take their id from the key above them."""
    schema: Schema = model.model_json_schema(by_alias=True)
    properties = schema["properties"]
    assert isinstance(properties, dict)
    properties.pop("id", None)
    return schema


def _keyed(pattern: str, value: Schema) -> Schema:
    """A mapping whose keys follow ``pattern``; definitions move to the root."""
    definitions = value.pop("$defs", None)
    schema: Schema = {
        "type": "object",
        "patternProperties": {pattern: value},
        "additionalProperties": False,
    }
    return schema if definitions is None else {"$defs": definitions, **schema}


def _nested(value: Schema, names: str) -> Schema:
    """A mapping from names to values of one kind."""
    definitions = value.pop("$defs", None)
    schema: Schema = {
        "type": "object",
        "propertyNames": {"pattern": names},
        "additionalProperties": value,
    }
    return schema if definitions is None else {"$defs": definitions, **schema}


def _file(name: str, place: str, schema: Schema) -> tuple[str, Schema]:
    properties = schema.get("properties", {})
    assert isinstance(properties, dict)
    head: Schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"BarberPro catalog: {place}",
    }
    return f"{name}.json", {
        **head,
        **{key: value for key, value in schema.items() if key != "title"},
        "properties": {**properties, "redefines": _REDEFINES},
    }
