"""Signing in by e-mail link, without a password, for clients and for the team."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.identity import signin
from barberpro_app.identity.errors import LinkInvalidError
from barberpro_app.identity.service import safe_path
from barberpro_app.web.parts.team import HOME
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.rendering import Reader, page, reader_of, see, submitted

router = APIRouter(include_in_schema=False)


@router.get("/entrar")
async def sign_in(
    request: Request, volver: str = "", equipo: str = "", reader: Reader = Depends(reader_of)
) -> Response:
    return page(
        request,
        reader,
        "account/sign_in.html",
        back=safe_path(volver),
        team=equipo == "1",
        form=Form.empty(),
    )


@router.post("/entrar")
async def send_link(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    """Says the same whether the address is known or not."""
    form = await submitted(request)
    email = form.email("email")
    team = form.flag("equipo")
    back = safe_path(form.raw("volver"))
    if not form.ok:
        return page(request, reader, "account/sign_in.html", 422, back=back, team=team, form=form)
    target = back or (HOME if team else "/mis-reservas")
    await signin.ask_for_link(request, email, next_path=target, locale=reader.locale)
    return see("/entrar/correo")


@router.get("/entrar/correo")
async def check_mail(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    return page(request, reader, "account/check_mail.html")


@router.get("/sign-in/{token}")
async def confirm(request: Request, token: str, reader: Reader = Depends(reader_of)) -> Response:
    """A button, so that a mail scanner that follows the link does not use it up."""
    if not await signin.link_is_open(request, token):
        raise LinkInvalidError
    return page(request, reader, "account/confirm.html", action=f"/sign-in/{token}")


@router.post("/sign-in/{token}")
async def redeem(request: Request, token: str) -> Response:
    await submitted(request)
    session = await signin.redeem(request, token)
    home = HOME if session.principal.is_staff else "/mis-reservas"
    answer = see(session.next_path or home)
    signin.start_session(answer, session)
    return answer


@router.post("/salir")
async def sign_out(request: Request) -> Response:
    await submitted(request)
    answer = see("/")
    await signin.sign_out(request, answer)
    return answer
