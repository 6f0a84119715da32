"""Two records of one person: suggested, compared side by side, made one after asking."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.client import history, merging, service
from barberpro_app.client.schemas import Client, MergeRequest, NotSame
from barberpro_app.identity.auth import require_scope
from barberpro_app.kit.errors import AppError
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.site.forms import Form, parse_key
from barberpro_app.web.site.problems import explain
from barberpro_app.web.site.rendering import Reader, page, reader_of, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("clients:write"))])
HOME = "/clientes"
SIDES = ("kept", "gone")
#: field of the form -> part of the record
FIELDS = {"nombre": "name", "email": "email", "telefono": "phone"}


@router.get(HOME + "/repetidos")
async def suggestions(
    request: Request, hecho: str = "", reader: Reader = Depends(reader_of)
) -> Response:
    async with reader.database.connection() as connection:
        found = await merging.suggest_pairs(connection)
    notice = reader.t("clients.were_told_apart") if hecho else ""
    return page(request, reader, "clients/pairs.html", items=found.items, notice=notice)


@router.get(HOME + "/{client_id}/unir")
async def compare(
    request: Request,
    client_id: UUID,
    con: str = "",
    q: str = "",
    reader: Reader = Depends(reader_of),
) -> Response:
    """Side by side with another record; without one, the record is looked for."""
    other_id = parse_key(con)
    if other_id is None:
        return await _find(request, reader, client_id, q)
    return await _compare(request, reader, client_id, other_id, Form.empty())


async def _find(request: Request, reader: Reader, client_id: UUID, q: str) -> Response:
    async with reader.database.connection() as connection:
        who = actor(request, reader.principal)
        client = await service.get_client(connection, who, client_id)
        alike = (await merging.suggest_for(connection, who, client_id)).items
        others = [item.other for item in alike]
        if q.strip():
            others = (await service.search_clients(connection, q[:120], limit=20)).items
    return page(
        request,
        reader,
        "clients/find_other.html",
        client=client,
        items=[item for item in others if item.id != client.id],
        q=q[:120],
    )


async def _compare(
    request: Request,
    reader: Reader,
    client_id: UUID,
    other_id: UUID,
    form: Form,
    error: AppError | None = None,
) -> Response:
    async with reader.database.connection() as connection:
        who = actor(request, reader.principal)
        kept = await service.get_client(connection, who, client_id)
        gone = await service.get_client(connection, who, other_id)
        if kept.id == gone.id:
            return see(f"{HOME}/{kept.id}")
        excluded = await merging.excluded(connection, kept.id, gone.id)
        totals = [
            (await history.client_history(connection, who, item.id)).totals for item in (kept, gone)
        ]
    return page(
        request,
        reader,
        "clients/merge.html",
        error.status if error else 422 if form.problems else 200,
        kept=kept,
        gone=gone,
        totals=totals,
        fields=_fields(reader, kept, gone),
        excluded=excluded,
        two_emails=bool(kept.email and gone.email),
        form=form,
        problem=explain(reader, error) if error else "",
        turned=error is not None and error.code == "merge_clinical",
    )


def _fields(reader: Reader, kept: Client, gone: Client) -> list[tuple[str, str, str, str]]:
    """What differs: field, label, the one value, the other."""
    labels = {"nombre": "details.name", "email": "details.email", "telefono": "details.phone"}
    found = []
    for name, part in FIELDS.items():
        one, other = getattr(kept, part) or "", getattr(gone, part) or ""
        if one and other and one != other:
            found.append((name, reader.t(labels[name]), one, other))
    return found


@router.post(HOME + "/{client_id}/unir")
async def merge(request: Request, client_id: UUID, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    other_id = form.key("con")
    if other_id is None:
        return see(f"{HOME}/{client_id}/unir")
    if not form.flag("seguro"):
        form.refuse("seguro", "clients.sure_needed")
    choices: dict[str, object] = {
        part: form.choice(name, SIDES) for name, part in FIELDS.items() if form.raw(name)
    }
    if form.raw("exclusivo"):
        choices["exclusive"] = form.choice("exclusivo", SIDES)
    if not form.ok:
        return await _compare(request, reader, client_id, other_id, form)
    asked = MergeRequest.model_validate(
        {
            "other_id": other_id,
            "version": form.version() or 1,
            "other_version": Form({"version": form.several("otra_version")}).version() or 1,
            "choices": {**choices, "signs_in": form.flag("ambos")},
        }
    )
    try:
        async with reader.database.transaction() as connection:
            who = actor(request, reader.principal)
            await merging.merge_clients(connection, who, client_id, asked)
    except AppError as error:
        if error.status not in (409, 422):
            raise
        return await _compare(request, reader, client_id, other_id, form, error)
    return see(f"{HOME}/{client_id}?hecho=unido")


@router.post(HOME + "/{client_id}/distintos")
async def tell_apart(
    request: Request, client_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    form = await submitted(request)
    other_id = form.key("con")
    if other_id is None:
        return see(f"{HOME}/repetidos")
    async with reader.database.transaction() as connection:
        who = actor(request, reader.principal)
        await merging.tell_apart(connection, who, client_id, NotSame(other_id=other_id))
    return see(f"{HOME}/repetidos?hecho=1")
