"""The brand: what it is called, its colours with their contrast, its logo, how it looks."""

from __future__ import annotations

import re

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse, Response

from barberpro_app.brand import service
from barberpro_app.brand.colours import AA_TEXT, hexadecimal, nearest_readable, on_page, parse
from barberpro_app.brand.images import LARGEST_FILE, LogoRefusedError
from barberpro_app.brand.schemas import BrandPatch, EffectiveBrand
from barberpro_app.brand.service import UnreadableColourError
from barberpro_app.identity.auth import require_scope
from barberpro_app.kit.errors import AppError, NotFoundError
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.setup.common import panel
from barberpro_app.web.site import theme
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.rendering import Reader, follow_brand, reader_of, see, submitted
from barberpro_app.web.site.uploads import submitted_files

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("settings:read"))])
WRITES = [Depends(require_scope("settings:write"))]
HOME = "/ajustes/marca"
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
FIELDS = {"nombre": "brand.name", "lema": "brand.tagline", "principal": "brand.primary",
          "acento": "brand.accent", "email": "details.email", "telefono": "details.phone",
          "logo": "brand.logo"}  # fmt: skip


@router.get(HOME)
async def show(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    return await brand_page(request, reader)


async def current(request: Request, reader: Reader) -> EffectiveBrand:
    """What holds now, also if another process changed it a moment ago."""
    async with reader.database.connection() as connection:
        return await service.get_brand(connection, request.app.state.deployed_brand)


async def brand_page(
    request: Request, reader: Reader, form: Form | None = None, error: AppError | None = None
) -> Response:
    brand = await current(request, reader)
    shown = form if form is not None and form.values.get("principal") else None
    if shown is None:
        problems = form.problems if form else {}
        shown = Form.empty(
            nombre=brand.name, lema=brand.tagline, principal=brand.primary_color,
            acento=brand.accent_color, email=brand.contact_email, telefono=brand.contact_phone,
            version=brand.version,
        )  # fmt: skip
        shown.problems = problems
    primary, accent = _colours(shown.raw("principal"), shown.raw("acento"), brand)
    return panel(
        request, reader, "brand", reader.t("brand.title"), form=shown, error=error,
        effective=brand, labels={name: reader.t(key) for name, key in FIELDS.items()},
        primary=primary, accent=accent, verdict=verdict(reader, primary),
        writes=reader.principal.has_scope("settings:write"),
    )  # fmt: skip


def _colours(primary: str, accent: str, brand: EffectiveBrand) -> tuple[str, str]:
    return (
        primary if _COLOUR.fullmatch(primary) else brand.primary_color,
        accent if _COLOUR.fullmatch(accent) else brand.accent_color,
    )


def verdict(reader: Reader, primary: str) -> dict[str, object]:
    """Whether text in this colour can be read, and the nearest colour that can."""
    ratio = on_page(parse(primary))
    good = ratio >= AA_TEXT
    nearest = hexadecimal(nearest_readable(parse(primary)))
    number = f"{ratio:.1f}".replace(".", "," if reader.locale.startswith("es") else ".")
    return {
        "good": good,
        "text": reader.t("brand.readable" if good else "brand.unreadable", n=number),
        "nearest": "" if good else nearest,
        "use": "" if good else reader.t("brand.use", what=nearest),
    }


@router.get(HOME + "/vista.css")
async def preview(principal: str = "", acento: str = "") -> Response:
    """The colours of the two boxes that show how it will look."""
    if not (_COLOUR.fullmatch(principal) and _COLOUR.fullmatch(acento)):
        raise NotFoundError
    return Response(theme.preview(principal, acento), media_type="text/css")


@router.get(HOME + "/contraste")
async def judge(principal: str = "", reader: Reader = Depends(reader_of)) -> Response:
    if not _COLOUR.fullmatch(principal):
        raise NotFoundError
    return JSONResponse(verdict(reader, principal))


@router.post(HOME, dependencies=WRITES)
async def change(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    if _COLOUR.fullmatch(form.raw("usar")):
        form.values["principal"] = [form.raw("usar")]
    refused = await save(request, reader, form)
    if refused is not None or not form.ok:
        return await brand_page(request, reader, form, refused)
    return see(f"{HOME}?hecho=1")


async def save(request: Request, reader: Reader, form: Form) -> AppError | None:
    """Keeps what was typed. What is wrong with a field is noted in the form; what else was refused
    is given back."""
    values = {
        "version": form.version() or 0,
        "name": form.text("nombre", most=120),
        "tagline": form.text("lema", most=200, required=False),
        "primary_color": form.text("principal", most=7),
        "accent_color": form.text("acento", most=7),
        "contact_email": form.email("email", required=False),
        "contact_phone": form.text("telefono", most=40, required=False),
    }
    for name, key in (("principal", "primary_color"), ("acento", "accent_color")):
        if not _COLOUR.fullmatch(str(values[key])):
            form.refuse(name, "brand.not_a_colour")
    if not form.ok:
        return None
    try:
        async with reader.database.transaction() as connection:
            await service.change_brand(
                connection, request.app.state.deployed_brand,
                actor(request, reader.principal), BrandPatch.model_validate(values),
            )  # fmt: skip
    except UnreadableColourError as error:
        ratio = f"{error.ratio:.1f}".replace(".", ",")
        form.refuse("principal", "brand.unreadable", n=ratio)
        return None
    except AppError as error:
        return error
    await follow_brand(request.app.state)
    return None


@router.post(HOME + "/logo", dependencies=WRITES)
async def logo(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    form, files = await submitted_files(request, "logo", largest=LARGEST_FILE)
    problems = Form({})
    if form.flag("quitar"):
        async with reader.database.transaction() as connection:
            await service.remove_logo(connection, actor(request, reader.principal))
    elif not files["logo"]:
        problems.refuse("logo", "brand.no_file")
    else:
        await _take(request, reader, files["logo"], problems)
    if not problems.ok:
        return await brand_page(request, reader, problems)
    await follow_brand(request.app.state)
    return see(f"{HOME}?hecho=1")


async def _take(request: Request, reader: Reader, content: bytes, form: Form) -> None:
    try:
        async with reader.database.transaction() as connection:
            await service.change_logo(connection, actor(request, reader.principal), content)
    except LogoRefusedError as error:
        form.refuse("logo", f"code.{error.code}")
