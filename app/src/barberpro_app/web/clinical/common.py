"""What the pages of one patient share: the head with its tabs, and what was done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from barberpro_app.clinical_records import repository
from barberpro_app.kit.errors import AppError
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.problems import explain
from barberpro_app.web.site.rendering import Reader, page

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
