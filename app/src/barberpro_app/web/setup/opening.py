"""The first steps of a new business: what there is, where to change it, what is still missing."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.identity.auth import require_role
from barberpro_app.kit import qr
from barberpro_app.opening import service
from barberpro_app.opening.schemas import Answer, Facts, Opening
from barberpro_app.settings import WHATSAPP_SECRETS
from barberpro_app.vault.mail import in_force
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.parts.money import desk_for
from barberpro_app.web.setup.common import panel
from barberpro_app.web.setup.poster import address_of
from barberpro_app.web.site.rendering import Reader, reader_of, see, submitted

router = APIRouter(
    include_in_schema=False, dependencies=[Depends(require_role("owner", "manager"))]
)
HOME = "/ajustes/primeros-pasos"
#: Set while the steps are being walked, so that each page of the settings leads back to them.
COOKIE = "pasos"
_DAY_SECONDS = 86_400
#: Where each step is looked at and changed: address and key of its name.
PLACES: dict[str, tuple[tuple[str, str], ...]] = {
    "business": (("/ajustes/marca", "opening.go.name"), ("/ajustes/sedes", "opening.go.places")),
    "team": (
        ("/ajustes/profesionales", "opening.go.team"),
        ("/ajustes/feriados", "holidays.title"),
    ),
    "services": (("/ajustes/servicios", "opening.go.services"),),
    "money": (
        ("/ajustes/cobros-en-linea", "opening.go.online"),
        ("/ajustes/precios", "opening.go.deposits"),
    ),
    "messages": (
        ("/ajustes/correo", "mail.title"),
        ("/ajustes/recordatorios", "reminders.title"),
    ),
    "look": (("/ajustes/marca", "opening.go.look"),),
    "open": (("/ajustes/cartel", "poster.title"),),
}

#: Of these only an owner sees anything.
OWNERS = {"/ajustes/cobros-en-linea", "/ajustes/correo"}


@dataclass(frozen=True)
class Card:
    """One step: what there is, what is missing, where to go."""

    key: str
    title: str
    says: str
    missing: list[str]
    links: list[tuple[str, str]]
    answer: str
    current: bool


@router.get(HOME)
async def show(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    async with reader.database.connection() as connection:
        opening = await service.get_opening(connection, reader.app)
        facts = await service.get_facts(connection)
    cards = [
        _card(request, reader, opening, facts, step, step == opening.next) for step in opening.steps
    ]
    address = address_of(reader)
    answer = panel(
        request, reader, "opening", reader.t("opening.title"), cards=cards, opening=opening,
        address=address, code=qr.svg(address, reader.t("poster.code")),
    )  # fmt: skip
    if opening.ended:
        answer.delete_cookie(COOKIE, path="/ajustes")
    else:
        answer.set_cookie(
            COOKIE, "1", max_age=_DAY_SECONDS, path="/ajustes", secure=True, httponly=True,
            samesite="lax",
        )  # fmt: skip
    return answer


def _card(
    request: Request, reader: Reader, opening: Opening, facts: Facts, step: str, current: bool
) -> Card:
    t = reader.t
    says, missing = _state(request, reader, facts, step)
    return Card(
        step,
        t(f"opening.{step}"),
        says,
        missing,
        [
            (address, t(name))
            for address, name in PLACES[step]
            if (address not in OWNERS or reader.principal.has_role("owner"))
            and (address != "/ajustes/correo" or "notification" in reader.app.services)
        ],
        opening.answers.get(step, ""),
        current,
    )


def _state(request: Request, reader: Reader, facts: Facts, step: str) -> tuple[str, list[str]]:
    """The step's state as a sentence, and what is missing."""
    t, brand = reader.t, reader.app.brand
    if step == "business":
        contact = " · ".join(p for p in (brand.contact_phone, brand.contact_email) if p)
        gaps = [] if contact else [t("opening.missing.contact")]
        if facts.without_address:
            gaps.append(t("opening.missing.address"))
        return t("opening.says.business", name=brand.name, contact=contact or "–"), gaps
    if step == "team":
        gaps = [t("opening.missing.hours", n=facts.without_hours)] if facts.without_hours else []
        return t("opening.says.team", n=facts.providers, count=facts.locations), gaps
    if step == "services":
        gaps = [t("opening.missing.given", n=facts.not_given)] if facts.not_given else []
        if not facts.services:
            gaps.append(t("opening.missing.services"))
        what = reader.fmt.money(facts.cheapest_centavos)
        return t("opening.says.services", n=facts.services, what=what), gaps
    if step == "money":
        online = t("money.online_on" if desk_for(request, reader).online.enabled
                   else "opening.says.money_off")  # fmt: skip
        return f"{online} {t('opening.says.deposits', n=facts.deposits)}", []
    if step == "messages":
        return _messages(reader)
    if step == "look":
        return t(
            "opening.says.logo" if "logo" in reader.site.images else "opening.says.no_logo"
        ), []
    return t("opening.says.open"), []


def _messages(reader: Reader) -> tuple[str, list[str]]:
    t, secrets = reader.t, reader.site.settings.secrets
    if in_force(reader.site.settings) is None:
        return t("opening.says.no_mail"), [t("opening.missing.mail")]
    by_whatsapp = "whatsapp-webhook" in reader.app.services and all(
        secrets.optional(name) for name in WHATSAPP_SECRETS
    )
    return t("opening.says.whatsapp" if by_whatsapp else "opening.says.mail"), []


@router.post(HOME + "/{step}")
async def answer(request: Request, step: str, reader: Reader = Depends(reader_of)) -> Response:
    """A step is fine or for later; `terminar` ends them all, `otra-vez` begins anew."""
    form = await submitted(request)
    async with reader.database.transaction() as connection:
        who = actor(request, reader.principal)
        if step == "terminar":
            await service.end(connection, who)
            return see("/ajustes?hecho=1")
        if step == "otra-vez":
            await service.begin_again(connection, who)
            return see(HOME)
        given: Answer = "skipped" if form.raw("respuesta") == "saltar" else "done"
        await service.answer_step(connection, reader.app, who, step, given)
    return see(f"{HOME}?listo=1" if step == "open" and given == "done" else HOME)
