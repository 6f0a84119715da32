"""What the pages of one patient share: the head with its tabs, and reading forms into drafts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.responses import Response

from barberpro_app.clinical_records import repository
from barberpro_app.kit.errors import AppError
from barberpro_app.web.forms import Form
from barberpro_app.web.problems import explain
from barberpro_app.web.rendering import Reader, page

Model = TypeVar("Model", bound=BaseModel)
DONE = {
    "guardado": "clinical.saved",
    "corregido": "clinical.corrected",
    "borrado": "clinical.removed",
    "ofrecido": "plan.offered_done",
    "firmado": "plan.accepted_done",
}
_TABS = (
    ("", "clinical.tab.record", ""),
    ("/notas", "clinical.tab.notes", "encrypted-notes-service"),
    ("/odontograma", "clinical.tab.chart", "odontogram-service"),
    ("/tratamiento", "clinical.tab.plans", "treatment-plan-service"),
    ("/grabaciones", "clinical.tab.recordings", "session-recording-service"),
    ("/accesos", "clinical.tab.log", ""),
)


@dataclass(frozen=True)
class Head:
    """Whose pages these are, and which there are."""

    id: UUID
    name: str
    tabs: list[tuple[str, str]]


def last_minute(due: datetime) -> datetime:
    """The last minute of a deadline: one that ends at midnight is of the day before."""
    return due - timedelta(minutes=1)


async def head_of(reader: Reader, client_id: UUID) -> Head:
    """For a page whose access was asked for already."""
    async with reader.database.connection() as connection:
        name = await repository.client_name(connection, client_id)
    home = f"/pacientes/{client_id}"
    enabled = reader.app.services
    return Head(
        client_id,
        name,
        [(home + path, reader.t(key)) for path, key, needs in _TABS
         if not needs or needs in enabled],
    )  # fmt: skip


async def patient_page(
    request: Request,
    reader: Reader,
    client_id: UUID,
    template: str,
    *,
    form: Form | None = None,
    error: AppError | None = None,
    **context: Any,
) -> Response:
    """A page of a patient; `error` is a refused change, told above what was typed."""
    status = error.status if error else 422 if form is not None and form.problems else 200
    notice = DONE.get(request.query_params.get("hecho", ""))
    return page(
        request,
        reader,
        f"clinical/{template}.html",
        status,
        head=await head_of(reader, client_id),
        form=form or Form.empty(),
        problem=explain(reader, error) if error else "",
        notice=reader.t(notice) if notice else "",
        **context,
    )


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
