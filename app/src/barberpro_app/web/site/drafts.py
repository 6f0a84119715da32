"""What was typed, as the draft that a domain takes; what a draft refuses stands beside its field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from barberpro_app.web.site.forms import Form

Model = TypeVar("Model", bound=BaseModel)


def draft(
    form: Form, model: type[Model], values: Mapping[str, object], fields: Mapping[str, str]
) -> Model | None:
    """The draft of what was typed; what it refuses is noted at its field. `fields` maps the names
    of the draft to those of the form."""
    try:
        found = model.model_validate(values)
    except ValidationError as error:
        for item in error.errors(include_url=False, include_input=False):
            name = str(item["loc"][0]) if item["loc"] else ""
            form.refuse(fields.get(name, next(iter(fields.values()))), "error.invalid")
        return None
    return found if form.ok else None
