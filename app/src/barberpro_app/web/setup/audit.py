"""The audit trail, to read."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.audit.repository import Filter
from barberpro_app.audit.service import list_events
from barberpro_app.identity.auth import require_scope
from barberpro_app.web.setup.audit_words import entry
from barberpro_app.web.setup.common import panel
from barberpro_app.web.site.forms import parse_key
from barberpro_app.web.site.rendering import Reader, reader_of

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("audit:read"))])
HOME = "/ajustes/auditoria"


@router.get(HOME)
async def every(
    request: Request, despues: str = "", reader: Reader = Depends(reader_of)
) -> Response:
    async with reader.database.connection() as connection:
        found = await list_events(connection, Filter(after=parse_key(despues)))
    return panel(
        request,
        reader,
        "audit",
        reader.t("audit.title"),
        entries=[entry(reader, event) for event in found.items],
        more=f"{HOME}?despues={found.next}" if found.next else "",
    )
