"""The business's own e-mail server: tried with one message before it is kept, used at once."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from importlib import import_module
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import ValidationError
from starlette.responses import Response

from barberpro_app.identity.auth import require_role
from barberpro_app.identity.staff import get_staff
from barberpro_app.kit import integrations
from barberpro_app.notification import repository as messages
from barberpro_app.settings import Mail, Secret
from barberpro_app.vault import service as vault
from barberpro_app.vault.mail import KEY, MailServer, in_force
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.setup.common import panel
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.rendering import Reader, reader_of, see, submitted

# Who sets the server reads what passes it, sign-in links too: only an owner does.
router = APIRouter(include_in_schema=False, dependencies=[Depends(require_role("owner"))])
HOME = "/ajustes/correo"
#: Where servers take mail of their users (RFC 8314, RFC 6409; 2525 is what many offer beside them).
PORTS = (587, 465, 2525)
_MOST_PASSWORD = 500
#: verdict of a trial -> the field that it is about
_FIELDS = {
    "no_host": "servidor", "private": "servidor", "closed": "puerto", "silent": "puerto",
    "not_smtp": "cifrado", "no_tls": "cifrado", "certificate": "servidor", "no_login": "usuario",
    "password": "clave", "sender": "remitente", "recipient": "remitente", "refused": "remitente",
    "later": "servidor",
}  # fmt: skip


@router.get(HOME)
async def show(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    return await _page(request, reader, None)


async def _page(request: Request, reader: Reader, form: Form | None) -> Response:
    server, t = in_force(reader.site.settings), reader.t
    typed = server if server is not None and server.typed else None
    shown = form or _form(reader, typed)
    shown.values.pop("clave", None)  # what was typed is never shown again
    async with reader.database.connection() as connection:
        kept = await vault.kept_at(connection)
    names = ("servidor", "puerto", "cifrado", "usuario", "clave", "remitente")
    return panel(
        request, reader, "mail", t("mail.title"), form=shown, server=server, typed=typed,
        since=kept.get(KEY), home=HOME, labels={name: t(f"mail.{name}") for name in names},
        ways=[("starttls", t("mail.way.starttls")), ("tls", t("mail.way.tls"))],
    )  # fmt: skip


def _form(reader: Reader, typed: MailServer | None) -> Form:
    if typed is None:
        sender = reader.app.brand.contact_email or None
        return Form.empty(puerto=587, cifrado="starttls", remitente=sender)
    mail = typed.mail
    return Form.empty(
        servidor=mail.host, puerto=mail.port, cifrado="tls" if mail.tls else "starttls",
        usuario=mail.username, remitente=mail.sender,
    )  # fmt: skip


@router.post(HOME)
async def keep(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    """A password that is left empty is the one that is kept, for the same server and user alone."""
    form = await submitted(request)
    server = _read(reader, form)
    if server is None or not form.ok:
        return await _page(request, reader, form)
    trial = await _try(reader, server)
    if trial.verdict != "ok":
        said = reader.t("mail.said", said=trial.said) if trial.said else ""
        form.refuse(_FIELDS[trial.verdict], f"mail.wrong.{trial.verdict}", said=said)
        return await _page(request, reader, form)
    server = replace(server, answered=trial.said)
    async with reader.database.transaction() as connection:
        who, secrets = actor(request, reader.principal), reader.site.settings.secrets
        await vault.keep(connection, secrets, who, {KEY: server.sealed()})
        await messages.hurry(connection)
        await integrations.note(connection, "mail")
    return await _reload(reader)


def _read(reader: Reader, form: Form) -> MailServer | None:
    own_network = reader.app.calendars.own_network
    host = form.text("servidor", most=200).lower()
    port = form.integer("puerto", least=1, most=65535)
    if form.ok and port not in PORTS and not own_network:
        form.refuse("puerto", "mail.wrong.port")
    way = form.choice("cifrado", ("starttls", "tls"))
    user = form.text("usuario", most=200, required=False)
    sender = form.email("remitente")
    password = _password(form)
    if not form.ok:
        return None
    try:
        mail = Mail.model_validate({
            "host": host, "port": port, "from": sender, "username": user,
            "starttls": way != "tls", "tls": way == "tls",
        })  # fmt: skip
    except ValidationError:
        form.refuse("servidor", "mail.wrong.no_host")
        return None
    if user and not password:
        password = _kept_password(reader, mail)
        if not password:
            form.refuse("clave", "error.required")
    secret = Secret(password) if user and password else None
    return MailServer(mail, secret, typed=True, own_network=own_network)


def _password(form: Form) -> str:
    typed = form.raw("clave").strip("\r\n")
    if len(typed) > _MOST_PASSWORD:
        form.refuse("clave", "error.too_long", most=_MOST_PASSWORD)
    if any(unicodedata.category(sign) in {"Cc", "Cf", "Cs"} for sign in typed):
        form.refuse("clave", "mail.wrong.signs")
    return typed


def _kept_password(reader: Reader, mail: Mail) -> str:
    """Never for another server: whoever changes the host would have the password sent there."""
    server = in_force(reader.site.settings)
    if server is None or not server.typed or server.password is None:
        return ""
    same = (server.mail.host, server.mail.username) == (mail.host, mail.username)
    return server.password.reveal() if same else ""


async def _try(reader: Reader, server: MailServer) -> Any:
    """To the owner who asks; the library is loaded only now."""
    module = import_module("barberpro_app.notification.trial")
    async with reader.database.connection() as connection:
        me = await get_staff(connection, UUID(reader.principal.id))
    t, brand = reader.t, reader.app.brand.name
    subject, text = t("mail.test.subject", name=brand), t("mail.test.text", name=brand)
    try:
        email = module.trial_message(server, me.email, subject, text)
    except ValueError:
        return module.Trial("sender")
    return await module.attempt(server, email)


@router.post(f"{HOME}/quitar")
async def remove(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    """Back to the operator's server, if there is one."""
    await submitted(request)
    async with reader.database.transaction() as connection:
        await vault.remove(connection, actor(request, reader.principal), KEY)
    return await _reload(reader)


async def _reload(reader: Reader) -> Response:
    """Counts here at once, and in other processes within seconds."""
    async with reader.database.connection() as connection:
        await vault.load(connection, reader.site.settings.secrets)
    return see(f"{HOME}?hecho=1")
