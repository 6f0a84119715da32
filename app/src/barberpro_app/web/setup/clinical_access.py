"""Who of the team may see clinical records, and who entered one by exception."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.clinical_records import access, repository
from barberpro_app.clinical_records.access import LEVELS
from barberpro_app.identity.auth import require_role
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.setup.common import panel
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.rendering import Reader, reader_of, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_role("owner"))])
HOME = "/ajustes/historias-clinicas"


@router.get(HOME)
async def every(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    return await _page(request, reader)


async def _page(request: Request, reader: Reader, form: Form | None = None) -> Response:
    async with reader.database.connection() as connection:
        team = await repository.grants(connection)
        entries = await repository.emergencies(connection, 100)
    return panel(
        request, reader, "clinical_access", reader.t("grant.title"), form=form, team=team,
        entries=entries, levels=[(level, reader.t(f"grant.{level}")) for level in LEVELS],
    )  # fmt: skip


@router.post(HOME + "/{staff_id}")
async def grant(request: Request, staff_id: UUID, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    level = form.choice("nivel", LEVELS)
    if not form.ok:
        return await _page(request, reader, form)
    async with reader.database.transaction() as connection:
        who = actor(request, reader.principal)
        await access.set_grant(connection, who, staff_id, level, all_patients=form.flag("todos"))
    return see(f"{HOME}?hecho=1")
