"""A patient's copy of the own clinical record."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.clinical_records.persons import vault_of
from barberpro_app.identity.auth import require_signed_in
from barberpro_app.web.clinical.patients import copy_page
from barberpro_app.web.privacy.mine import HOME, own_id
from barberpro_app.web.site.rendering import Reader, reader_of

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_signed_in)])


@router.get(HOME + "/historia-clinica")
async def record(
    request: Request, formato: str = "", reader: Reader = Depends(reader_of)
) -> Response:
    """At once (the law gives 48 hours)."""
    client_id = own_id(reader.principal)
    vault_of(request)
    return await copy_page(request, reader, client_id, as_data=formato == "json")
