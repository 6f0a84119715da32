"""The JSON API of reports."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from barberpro_app.edge import API, READING, answer, configuration_of
from barberpro_app.identity.auth import require_scope
from barberpro_app.identity.principal import Principal
from barberpro_app.kit.replica import read
from barberpro_app.report import service
from barberpro_app.report.schemas import Report, Span

router = APIRouter(prefix=f"{API}/reports", tags=["reports"])
Reader = Annotated[Principal, Depends(require_scope("settings:read"))]


@router.get("/overview", response_model=Report, responses=READING)
async def overview(
    request: Request, _principal: Reader, query: Annotated[Span, Query()]
) -> Response:
    """How full, who came, what was earned and who is new, from day to day."""
    app = configuration_of(request)
    return answer(
        await read(request, lambda connection: service.make_report(connection, app, query))
    )
