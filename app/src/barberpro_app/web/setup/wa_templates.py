"""The texts that Meta has to approve: sent from here, with what became of each."""

from __future__ import annotations

from collections import Counter
from importlib import import_module
from typing import Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.identity.auth import require_role
from barberpro_app.integration_processor import template_account as account
from barberpro_app.integration_processor.setup import is_set_up
from barberpro_app.vault import service as vault
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.setup.common import panel
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.rendering import Reader, reader_of, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_role("owner"))])
HOME = "/ajustes/plantillas"
_WRONG = {
    "account": "templates.refused.account", "other": "templates.refused.other",
    "token": "whatsapp.refused.token", "away": "whatsapp.unreachable",
}  # fmt: skip
#: What Meta calls each state -> how it is shown; any other word of theirs is shown as it is.
KNOWN = (
    "approved",
    "pending",
    "in_appeal",
    "rejected",
    "paused",
    "disabled",
    "refused",
    "not_sent",
)
REASONS = ("INVALID_FORMAT", "TAG_CONTENT_MISMATCH", "PROMOTIONAL", "INCORRECT_CATEGORY",
           "ABUSIVE_CONTENT", "SCAM")  # fmt: skip


def _store() -> Any:
    """Its libraries are loaded only where the page is asked for."""
    return import_module("barberpro_app.integration_processor.template_store")


@router.get(HOME)
async def show(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    return await _page(request, reader, Form.empty())


async def _page(request: Request, reader: Reader, form: Form) -> Response:
    settings, t = reader.site.settings, reader.t
    known = settings.secrets.optional(account.ACCOUNT)
    if known is not None and "cuenta" not in form.values:
        form.values["cuenta"] = [known.reveal()]
    async with reader.database.connection() as connection:
        items = await _store().states(connection, neutral=_neutral(reader))
    counted = Counter("approved" if item.is_good else "other" for item in items)
    errors = sorted({item.error for item in items if item.error})
    return panel(
        request, reader, "wa_templates", t("templates.title"), form=form, home=HOME,
        connected=is_set_up(settings), account=known is not None, items=items, known=KNOWN,
        reasons=REASONS, good=counted["approved"], errors=errors,
        on_the_way=sum(item.wanted for item in items),
        looked_at=max((item.looked_at for item in items if item.looked_at), default=None),
        labels={"cuenta": t("templates.account")},
    )  # fmt: skip


def _neutral(reader: Reader) -> bool:
    return reader.app.compliance.health_data


@router.post(HOME)
async def connect(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    """The business account, tried with Meta: its number has to be ours."""
    form = await submitted(request)
    settings = reader.site.settings
    value = form.text("cuenta", most=40)
    if value and not vault.KEYS[account.ACCOUNT].fullmatch(value):
        form.refuse("cuenta", "templates.format")
    if form.ok and not is_set_up(settings):
        form.refuse("cuenta", "templates.first")
    if form.ok:
        verdict = await account.look(settings, value)
        if verdict != "ok":
            form.refuse("cuenta", _WRONG[verdict])
    if not form.ok:
        return await _page(request, reader, form)
    before = settings.secrets.optional(account.ACCOUNT)
    async with reader.database.transaction() as connection:
        who = actor(request, reader.principal)
        await vault.keep(connection, settings.secrets, who, {account.ACCOUNT: value})
        if before is not None and before.reveal() != value:
            await _store().forget(connection)
        await _store().look_now(connection, neutral=_neutral(reader))
    async with reader.database.connection() as connection:
        await vault.load(connection, settings.secrets)
    return see(f"{HOME}?hecho=1")


@router.post(f"{HOME}/mandar")
async def send(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    """The worker sends them within seconds."""
    await submitted(request)
    async with reader.database.transaction() as connection:
        await _store().want(connection, actor(request, reader.principal), neutral=_neutral(reader))
    return see(HOME)


@router.post(f"{HOME}/mirar")
async def look(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    await submitted(request)
    async with reader.database.transaction() as connection:
        await _store().look_now(connection, neutral=_neutral(reader))
    return see(f"{HOME}?mirando=1")
