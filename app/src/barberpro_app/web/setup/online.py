"""Taking payments online: the seller's keys of Mercado Pago, tried before they are kept."""

from __future__ import annotations

import asyncio
from importlib import import_module
from urllib.parse import urlsplit
from uuid import uuid4

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.identity.auth import require_role
from barberpro_app.payment.online import TOKEN, WEBHOOK_SECRET
from barberpro_app.payment.provider import ProviderError
from barberpro_app.vault import service as vault
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.parts.money import SECONDS, desk_for
from barberpro_app.web.setup.common import panel
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.rendering import Reader, reader_of, see, submitted

# Who has the keys can move money, so only an owner gives them.
router = APIRouter(include_in_schema=False, dependencies=[Depends(require_role("owner"))])
HOME = "/ajustes/cobros-en-linea"
FIELDS = {"token": TOKEN, "firma": WEBHOOK_SECRET}
_REFUSED = (401, 403)


@router.get(HOME)
async def show(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    return await _page(request, reader, Form.empty())


async def _page(request: Request, reader: Reader, form: Form) -> Response:
    for name in FIELDS:  # what was typed is never shown again
        form.values.pop(name, None)
    async with reader.database.connection() as connection:
        kept = await vault.kept_at(connection)
    online = desk_for(request, reader).online
    base = reader.app.public_url.rstrip("/")
    host = urlsplit(base).hostname or ""
    return panel(
        request, reader, "online", reader.t("online.title"), form=form,
        enabled=online.enabled, typed=kept.get(TOKEN), signed=online.webhook_secret is not None,
        address=f"{base}/webhooks/mercado-pago", reachable=not host.endswith("localhost"),
        labels={"token": reader.t("online.token"), "firma": reader.t("online.secret")},
    )  # fmt: skip


@router.post(HOME)
async def keep(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    values = {}
    for name, key in FIELDS.items():
        value = form.text(name, most=320, required=name == "token")
        if value and not vault.KEYS[key].fullmatch(value):
            form.refuse(name, f"online.format.{name}")
        elif value:
            values[key] = value
    if form.ok:
        await _try(reader, values[TOKEN], form)
    if not form.ok:
        return await _page(request, reader, form)
    secrets = reader.site.settings.secrets
    async with reader.database.transaction() as connection:
        await vault.keep(connection, secrets, actor(request, reader.principal), values)
    return await _reload(reader)


async def _try(reader: Reader, token: str, form: Form) -> None:
    """Asks for payments of nothing: whom the provider does not know, it refuses."""
    module = import_module("barberpro_app.payment.mercado_pago")
    seller = module.MercadoPago(token, reader.app.payments.mercado_pago_api)
    try:
        async with asyncio.timeout(SECONDS):
            await seller.payments_of(uuid4())
    except ProviderError as error:
        known = "online.refused" if error.status in _REFUSED else "online.unreachable"
        form.refuse("token", known)
    except TimeoutError:
        form.refuse("token", "online.unreachable")


async def _reload(reader: Reader) -> Response:
    """Counts here at once, and in other processes within seconds."""
    async with reader.database.connection() as connection:
        await vault.load(connection, reader.site.settings.secrets)
    return see(f"{HOME}?hecho=1")


@router.post(f"{HOME}/quitar")
async def remove(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    await submitted(request)
    async with reader.database.transaction() as connection:
        who = actor(request, reader.principal)
        for key in FIELDS.values():
            await vault.remove(connection, who, key)
    return await _reload(reader)
