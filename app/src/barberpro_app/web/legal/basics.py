"""Static files, the choice of language, and the pages that the law asks for."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.identity.service import safe_path
from barberpro_app.kit.errors import NotFoundError
from barberpro_app.web.parts import offer
from barberpro_app.web.parts.policies import cancellation_sentence
from barberpro_app.web.site import language
from barberpro_app.web.site.rendering import Reader, follow_brand, page, reader_of, see, site_of

router = APIRouter(include_in_schema=False)
PRIVACY = ("who", "what", "health", "body", "must", "whom", "rights", "legend", "cookies")
#: Services that keep data of the body, with consent alone.
BODY_DATA = {"progress-tracking-service", "biometric-integration-service", "nutrition-service"}
TERMS = ("book", "change", "price", "regret", "contact")


@dataclass(frozen=True)
class Part:
    """One heading with its paragraph."""

    title: str
    text: str


@router.get("/static/{name}")
async def static(request: Request, name: str) -> Response:
    path, accepted = f"/static/{name}", request.headers.get("accept-encoding", "")
    found = site_of(request).assets.respond(path, accepted)
    if found is None:  # another process may have heard of a new brand before this one
        await follow_brand(request.app.state)
        found = site_of(request).assets.respond(path, accepted)
    if found is None:
        raise NotFoundError
    return found


@router.get("/favicon.ico")
async def favicon(request: Request) -> Response:
    site = site_of(request)
    drawn = site.images.get("icon")
    return see(f"/marca/{drawn.name}" if drawn else site.assets.url("icon.svg"))


@router.get("/idioma/{locale}")
async def set_language(request: Request, locale: str, volver: str = "/") -> Response:
    """Remembers the reader's language and goes back to where they were."""
    if locale not in site_of(request).locales:
        raise NotFoundError
    answer = see(safe_path(volver) or "/")
    answer.set_cookie(
        language.COOKIE,
        locale,
        max_age=language.YEAR_SECONDS,
        path="/",
        secure=True,
        httponly=True,
        samesite="lax",
    )
    return answer


@router.get("/privacidad")
async def privacy(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    """What Ley 25.326 art. 6 asks to tell, with the legend of Res. AAIP 14/2018."""
    health = reader.app.compliance.health_data
    body = not BODY_DATA.isdisjoint(reader.app.services)
    shown = {"health": health, "body": body}
    names = [name for name in PRIVACY if shown.get(name, True)]
    return await _legal(request, reader, "privacy", names)


@router.get("/terminos")
async def terms(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    return await _legal(request, reader, "terms", list(TERMS))


async def _legal(request: Request, reader: Reader, subject: str, names: list[str]) -> Response:
    brand = reader.app.brand
    contact = ", ".join(part for part in (brand.contact_email, brand.contact_phone) if part)
    values = {"brand": brand.name, "contact": contact or brand.name}
    if subject == "terms":
        async with reader.database.connection() as connection:
            policies = await offer.policies(connection, reader)
        values["policy"] = cancellation_sentence(reader, policies)
    parts = [
        Part(reader.t(f"{subject}.{name}.title"), reader.t(f"{subject}.{name}.text", **values))
        for name in names
    ]
    return page(request, reader, "legal/page.html", subject=subject, parts=parts)
