"""What people asked about their data, with deadlines; an owner or manager answers."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.identity.auth import require_role
from barberpro_app.kit.errors import AppError
from barberpro_app.privacy_compliance import service
from barberpro_app.privacy_compliance.schemas import Decision
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.setup.common import panel
from barberpro_app.web.site.drafts import draft
from barberpro_app.web.site.formatting import last_minute
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.rendering import Reader, reader_of, see, submitted

router = APIRouter(
    include_in_schema=False, dependencies=[Depends(require_role("owner", "manager"))]
)
HOME = "/ajustes/datos-personales"


@router.get(HOME)
async def every(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    return await _page(request, reader)


async def _page(
    request: Request, reader: Reader, form: Form | None = None, error: AppError | None = None
) -> Response:
    async with reader.database.connection() as connection:
        found = await service.list_requests(connection, actor(request, reader.principal))
    return panel(
        request, reader, "data_requests", reader.t("request.title"), form=form, error=error,
        items=found.items, last_minute=last_minute,
    )  # fmt: skip


@router.post(HOME + "/{request_id}")
async def decide(
    request: Request, request_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    form = await submitted(request)
    values = {
        "state": form.choice("respuesta", ("done", "refused")),
        "answer": form.text("motivo", most=2000, required=False, lines=True),
        "version": form.version(),
    }
    given = draft(form, Decision, values, {"state": "respuesta"})
    if given is None:
        return await _page(request, reader, form)
    if given.state == "refused" and not given.answer:
        form.refuse("motivo", "error.required")
        return await _page(request, reader, form)
    try:
        async with reader.database.transaction() as connection:
            who = actor(request, reader.principal)
            await service.decide(connection, reader.app, who, request_id, given)
    except AppError as error:
        if error.status not in {409, 422}:
            raise
        return await _page(request, reader, form, error)
    return see(f"{HOME}?hecho=1")
