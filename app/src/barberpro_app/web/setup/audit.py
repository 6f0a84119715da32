"""The audit trail, to read."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.audit.repository import Filter
from barberpro_app.audit.service import AuditEvent, list_events
from barberpro_app.identity.auth import require_scope
from barberpro_app.web.setup.common import ListPage, Row, list_panel
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
    t = reader.t
    what = ListPage(
        t("audit.title"),
        (t("audit.when"), t("audit.who"), t("audit.what"), t("audit.on"), t("audit.changes")),
        [_row(reader, event) for event in found.items],
        lead=t("audit.lead"),
        more=f"{HOME}?despues={found.next}" if found.next else "",
    )
    return list_panel(request, reader, what)


def _row(reader: Reader, event: AuditEvent) -> Row:
    named = event.actor_name if event.actor_kind in {"staff", "api"} else ""
    who = named or reader.t(f"actor.{event.actor_kind}")
    on = f"{event.object_kind} {event.object_id[-12:]}".strip()
    return Row((reader.fmt.stamp(event.at), who, event.action, on, _changes(event)))


def _changes(event: AuditEvent) -> str:
    """What changed, without the keys of other things: they say nothing to a reader."""
    return ", ".join(
        f"{name}: {value}"
        for name, value in event.changes.items()
        if not name.endswith("_id") and value is not None
    )
