"""A client's own data: what is kept, who looked, what was agreed to; correcting, asking, erasing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse, Response

from barberpro_app.client.schemas import ClientPatch
from barberpro_app.client.service import get_client, update_client
from barberpro_app.clinical_records import repository as clinical_repository
from barberpro_app.contact_channel.service import get_channels
from barberpro_app.identity.auth import require_signed_in
from barberpro_app.identity.principal import Principal
from barberpro_app.integration_processor.setup import is_set_up
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import AppError, NotFoundError
from barberpro_app.privacy_compliance import service
from barberpro_app.privacy_compliance.deadlines import KINDS
from barberpro_app.privacy_compliance.schemas import ConsentDraft, RequestDraft
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.privacy import view as privacy_view
from barberpro_app.web.site.drafts import draft
from barberpro_app.web.site.formatting import last_minute
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.problems import explain
from barberpro_app.web.site.rendering import Reader, page, reader_of, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_signed_in)])
Step = Callable[[Connection], Awaitable[None]]
HOME = "/mis-datos"
DONE = {"corregido": "mine_data.corrected", "pedido": "mine_data.asked", "consentimiento": "mine_data.agreed",
        "retirado": "mine_data.revoked"}  # fmt: skip
#: Services that keep something clinical: there is a record to copy.
CLINICAL = {"encrypted-notes-service", "odontogram-service", "treatment-plan-service"}


def own_id(principal: Principal) -> UUID:
    """The client who is signed in. Raises `NotFoundError` for the team, who have no such data."""
    if principal.client_id is None:
        raise NotFoundError
    return principal.client_id


def is_clinical(reader: Reader) -> bool:
    return not CLINICAL.isdisjoint(reader.app.services)


@router.get(HOME)
async def show(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    return await _page(request, reader)


async def _page(
    request: Request,
    reader: Reader,
    form: Form | None = None,
    error: AppError | None = None,
) -> Response:
    client_id, who = own_id(reader.principal), actor(request, reader.principal)
    async with reader.database.connection() as connection:
        requests = await service.list_requests(connection, who)
        consents = await service.list_consents(connection, reader.app, who, reader.locale)
        looks = await clinical_repository.accesses(connection, client_id, 100)
        client = await get_client(connection, who, client_id)
        channels = (await get_channels(connection, who, client_id)).channels
    shown = form or Form.empty(nombre=client.name, telefono=client.phone, version=client.version)
    in_force = {item.purpose for item in consents.items if item.revoked_at is None}
    notice = DONE.get(request.query_params.get("hecho", ""))
    kinds = [kind for kind in KINDS if kind != "clinical_copy" or is_clinical(reader)]
    return page(
        request, reader, "account/data.html",
        error.status if error else 422 if form is not None and form.problems else 200,
        requests=requests.items, last_minute=last_minute, consents=consents.items, rows=looks, client_name=client.name,
        whatsapp=next((item for item in channels if item.channel == "whatsapp"), None),
        whatsapp_offered=is_set_up(reader.site.settings)
        and "whatsapp-webhook" in reader.app.services,
        client=client, erasable=not reader.app.compliance.health_data,
        offers=[offer for offer in consents.offers if offer.purpose not in in_force],
        kinds=[(kind, reader.t(f"request.{kind}")) for kind in kinds],
        clinical=is_clinical(reader), plans="treatment-plan-service" in reader.app.services,
        form=shown, problem=explain(reader, error) if error else "",
        notice=reader.t(notice) if notice else "",
    )  # fmt: skip


@router.get(HOME + "/descargar")
async def download(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    """Everything kept about the person, as data."""
    client_id = own_id(reader.principal)
    async with reader.database.transaction() as connection:
        found = await service.personal_data(
            connection, reader.app, actor(request, reader.principal), client_id
        )
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": 'attachment; filename="mis-datos.json"',
    }
    return JSONResponse(found.model_dump(mode="json"), headers=headers)


@router.get(HOME + "/ver")
async def readable(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    """Everything kept about the person, to read and to print."""
    client_id = own_id(reader.principal)
    async with reader.database.transaction() as connection:
        found = await service.personal_data(
            connection, reader.app, actor(request, reader.principal), client_id
        )
    return page(
        request, reader, "account/everything.html", found=found,
        parts=privacy_view.parts(reader, found.data), clinical=is_clinical(reader),
    )  # fmt: skip


@router.post(HOME + "/corregir")
async def correct(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    """The person's own name and telephone; the e-mail address is how one signs in, and is asked for."""
    form = await submitted(request)
    client_id, who = own_id(reader.principal), actor(request, reader.principal)
    name = form.text("nombre", most=120)
    phone = form.phone("telefono", country=reader.app.country, required=False)
    if not form.ok:
        return await _page(request, reader, form)

    async def step(connection: Connection) -> None:
        patch = ClientPatch(version=form.version() or 1, name=name, phone=phone or None)
        await update_client(connection, who, client_id, patch)

    return await _do(request, reader, form, step, "corregido")


@router.post(HOME + "/borrar")
async def erase(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    """Erases at once what no law keeps, and shows what was decided; the session ends with it."""
    form = await submitted(request)
    own_id(reader.principal)
    if not form.flag("seguro"):
        form.refuse("seguro", "error.required")
        return await _page(request, reader, form)
    try:
        async with reader.database.transaction() as connection:
            who = actor(request, reader.principal)
            done = await service.erase_own(connection, reader.app, who)
    except AppError as error:
        if error.status != 409:
            raise
        return await _page(request, reader, form, error)
    return page(request, reader, "account/erased.html", item=done)


@router.post(HOME + "/pedido")
async def ask(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    own_id(reader.principal)
    values = {
        "kind": form.choice("que", KINDS),
        "detail": form.text("detalle", most=2000, required=False, lines=True),
    }
    new = draft(form, RequestDraft, values, {"kind": "que", "detail": "detalle"})
    if new is None:
        return await _page(request, reader, form)
    if new.kind == "rectification" and not new.detail:
        form.refuse("detalle", "request.say_what")
        return await _page(request, reader, form)

    async def step(connection: Connection) -> None:
        await service.ask(connection, reader.app, actor(request, reader.principal), new)

    return await _do(request, reader, form, step, "pedido")


@router.post(HOME + "/consentimiento")
async def agree(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    own_id(reader.principal)
    if not form.flag("acepto"):
        form.refuse("acepto", "error.required")
    values = {
        "purpose": form.raw("proposito"),
        "locale": reader.locale,
        "text_sha256": form.raw("huella"),
        "signed_name": form.text("firma", most=120),
    }
    new = draft(form, ConsentDraft, values, {"signed_name": "firma"})
    if new is None:
        return await _page(request, reader, form)

    async def step(connection: Connection) -> None:
        await service.give_consent(connection, reader.app, actor(request, reader.principal), new)

    return await _do(request, reader, form, step, "consentimiento")


@router.post(HOME + "/consentimiento/{consent_id}/retirar")
async def revoke(
    request: Request, consent_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    form = await submitted(request)

    async def step(connection: Connection) -> None:
        await service.revoke_consent(connection, actor(request, reader.principal), consent_id)

    return await _do(request, reader, form, step, "retirado")


async def _do(request: Request, reader: Reader, form: Form, step: Step, done: str) -> Response:
    try:
        async with reader.database.transaction() as connection:
            await step(connection)
    except AppError as error:
        if error.status not in {409, 422}:
            raise
        return await _page(request, reader, form, error)
    return see(f"{HOME}?hecho={done}")
