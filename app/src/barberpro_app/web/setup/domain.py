"""The business's own domain: which records to write, and whether the DNS has them."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.identity.auth import require_role
from barberpro_app.kit import clock
from barberpro_app.own_domain import service
from barberpro_app.own_domain.lookup import Resolver
from barberpro_app.own_domain.service import DomainNameError
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.setup.common import panel
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.rendering import Reader, reader_of, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_role("owner"))])
HOME = "/ajustes/dominio"
_KINDS = {"pointing": "good", "elsewhere": "warn", "absent": "warn", "unanswered": "warn"}


def _resolver(request: Request) -> Resolver:
    """The machine's own, or one that was given to this application."""
    given: Resolver | None = getattr(request.app.state, "resolver", None)
    return given or Resolver()


@router.get(HOME)
async def show(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    return await _page(request, reader, None)


async def _page(request: Request, reader: Reader, form: Form | None) -> Response:
    async with reader.database.connection() as connection:
        own = await service.get_domain(connection)
    host = service.host_of(reader.app.public_url)
    records = await service.wanted(_resolver(request), own.name, host) if own.name else []
    state = own.found.state if own.found else ""
    return panel(
        request, reader, "domain", reader.t("domain.title"), form=form or Form.empty(dominio=own.name),
        own=own, host=host, records=records, state=state, kind=_KINDS.get(state, ""),
        used=bool(own.name) and own.name == host, address=reader.app.public_url,
        labels={"dominio": reader.t("domain.name")},
    )  # fmt: skip


@router.post(HOME)
async def choose(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    typed = form.text("dominio", most=300, required=False)
    name = ""
    try:
        name = service.normal(typed) if typed else ""
    except DomainNameError:
        form.refuse("dominio", "domain.wrong")
    if not form.ok:
        return await _page(request, reader, form)
    async with reader.database.transaction() as connection:
        await service.set_domain(connection, actor(request, reader.principal), name)
    return see(f"{HOME}?hecho=1")


@router.post(f"{HOME}/comprobar")
async def check(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    """Asks the DNS now."""
    await submitted(request)
    async with reader.database.connection() as connection:
        own = await service.get_domain(connection)
    if own.name:
        host = service.host_of(reader.app.public_url)
        found = await service.look(_resolver(request), own.name, host)
        async with reader.database.connection() as connection:
            await service.keep_found(connection, own.name, found, clock.now())
    return see(HOME)
