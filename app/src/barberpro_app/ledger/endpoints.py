"""The JSON API of the books: read only; entries are written by what moves money."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from barberpro_app.edge import API, READING, answer, database_of
from barberpro_app.identity.auth import require_scope
from barberpro_app.identity.principal import Principal
from barberpro_app.ledger import service
from barberpro_app.ledger.schemas import EntryPage, EntrySearch, TrialBalance

router = APIRouter(prefix=f"{API}/ledger", tags=["money"])
Reader = Annotated[Principal, Depends(require_scope("settings:read"))]


@router.get("/trial-balance", response_model=TrialBalance, responses=READING)
async def trial_balance(request: Request, _principal: Reader) -> Response:
    """Every account that moved; `difference` is 0 in each currency, or the books are wrong."""
    async with database_of(request).connection() as connection:
        return answer(await service.trial_balance(connection))


@router.get("/entries", response_model=EntryPage, responses=READING)
async def entries(
    request: Request, _principal: Reader, query: Annotated[EntrySearch, Query()]
) -> Response:
    """Entries with their lines, newest first."""
    async with database_of(request).connection() as connection:
        return answer(await service.entries(connection, query))
