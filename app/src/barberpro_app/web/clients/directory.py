"""The clients of the business as the team keeps them: found, added, put into a file."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response, StreamingResponse

from barberpro_app.client import repository, service
from barberpro_app.client.listing import as_lines
from barberpro_app.client.schemas import ClientDraft
from barberpro_app.identity.auth import require_scope
from barberpro_app.kit.errors import AppError, InvalidRequestError, NotAllowedError
from barberpro_app.kit.routes import add_routes
from barberpro_app.provider.service import list_providers
from barberpro_app.web.clients.edit import client_values, form_page
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.site.forms import Form, clean, parse_key
from barberpro_app.web.site.rendering import Reader, page, reader_of, see, submitted

router = APIRouter(include_in_schema=False)
read = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("clients:read"))])
write = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("clients:write"))])
HOME = "/clientes"
PAGE = 30


@read.get(HOME)
async def search(
    request: Request,
    q: str = "",
    etiqueta: str = "",
    bloqueados: str = "",
    desde: str = "",
    reader: Reader = Depends(reader_of),
) -> Response:
    """By any part of name, e-mail or number; the same page with nothing typed shows everybody."""
    text, tag = clean(q)[:120], clean(etiqueta)[:30]
    blocked = True if bloqueados == "1" else None
    after = parse_key(desde)
    async with reader.database.connection() as connection:
        try:
            found = await service.search_clients(
                connection, text, str(after) if after else None, PAGE,
                tag=tag or None, blocked=blocked,
            )  # fmt: skip
        except InvalidRequestError:
            return see(HOME)
        tags = await repository.tags(connection)
        people = {item.id: item.name for item in await list_providers(connection)}
    asked = {"q": text, "etiqueta": tag, "bloqueados": "1" if blocked else ""}
    more = urlencode(
        {name: value for name, value in {**asked, "desde": found.next}.items() if value}
    )
    return page(
        request,
        reader,
        "clients/list.html",
        items=found.items,
        more=f"{HOME}?{more}" if found.next else "",
        first=after is None,
        q=text,
        tag=tag,
        blocked=bool(blocked),
        tags=tags,
        people=people,
        may_export=reader.principal.has_role("owner", "manager"),
    )


@write.get(HOME + "/nuevo")
async def new(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    return await form_page(request, reader, Form.empty(), None)


@write.post(HOME + "/nuevo")
async def add(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    values = client_values(reader, form)
    if not form.ok:
        return await form_page(request, reader, form, None)
    draft = ClientDraft.model_validate({**values, "locale": None})
    try:
        async with reader.database.transaction() as connection:
            if draft.email:
                words = service.words_of(draft.email)
                known = await repository.search(
                    connection, words, tag=None, blocked=None, after=None, limit=5
                )
                if any(row["email"] == draft.email for row in known):
                    form.refuse("email", "clients.known")
                    return await form_page(request, reader, form, None)
            made = await service.upsert_client(connection, actor(request, reader.principal), draft)
    except AppError as error:
        return await form_page(request, reader, form, None, error)
    return see(f"{HOME}/{made.id}?hecho=agregado")


@read.get(HOME + "/exportar.csv")
async def export(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    """Everybody with their contact, for a spreadsheet; owner and managers alone."""
    if not reader.principal.has_role("owner", "manager"):
        raise NotAllowedError
    t = reader.t
    heads = [t("details.name"), t("details.email"), t("details.phone"), t("clients.tags"),
             t("clients.since"), t("clients.last_visit"), t("clients.visits"),
             t("clients.blocked_tag")]  # fmt: skip
    who = actor(request, reader.principal)
    lines = as_lines(reader.database, who, heads, reader.fmt.zone)
    return StreamingResponse(
        lines,
        media_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": 'attachment; filename="clientes.csv"',
            "Cache-Control": "no-store",
        },
    )


add_routes(router, [read, write])
