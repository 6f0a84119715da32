"""One site: the brand's settings, its templates, texts and files; and one page for one reader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import State
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse

from barberpro_app.brand.colours import hexadecimal, parse, readable_on
from barberpro_app.brand.schemas import BrandImage, EffectiveBrand
from barberpro_app.brand.service import applied, get_brand
from barberpro_app.identity.auth import Principal, current_principal
from barberpro_app.identity.forms import FORM_FIELD, FormTokens, remember_visitor
from barberpro_app.kit.database import Database
from barberpro_app.location.holidays import holiday_name
from barberpro_app.settings import AppConfiguration, Brand, Settings
from barberpro_app.web.site import language, rows, texts, theme
from barberpro_app.web.site.assets import Assets, icon
from barberpro_app.web.site.formatting import Formats
from barberpro_app.web.site.forms import Form, read
from barberpro_app.web.site.staff_nav import staff_links
from barberpro_app.web.site.texts import Problem, Translator

SEE_OTHER = 303
# Pages hold personal data or a form of one visitor: no cache keeps them.
PAGE_HEADERS = {"Cache-Control": "no-store", "Vary": "Accept-Language, Cookie, X-Fragment"}


@dataclass
class Site:
    """Everything that the pages of one deployment share; made once by the composition root."""

    settings: Settings
    database: Database
    environment: Environment
    assets: Assets
    translators: Mapping[str, Translator]
    brand_version: int = 0
    images: dict[str, BrandImage] = field(default_factory=dict)

    @property
    def locales(self) -> tuple[str, ...]:
        return tuple(self.translators)

    def use(self, brand: EffectiveBrand) -> None:
        """From now on every page shows this brand."""
        app = applied(self.settings.app, brand)
        self.settings = self.settings.model_copy(update={"app": app})
        self.assets = self.assets.renewed(_made(app.brand))
        self.images = {image.kind: image for image in brand.images}
        self.brand_version = brand.version

    def formats(self, locale: str) -> Formats:
        return Formats(locale, self.settings.app.currency, self.settings.app.zone)


@dataclass
class Reader:
    """Who reads this page, in which language."""

    site: Site
    principal: Principal
    locale: str
    t: Translator
    fmt: Formats

    @property
    def database(self) -> Database:
        return self.site.database

    @property
    def app(self) -> AppConfiguration:
        return self.site.settings.app

    def holiday(self, day: date, name: str) -> str:
        """A holiday's name in the reader's language; what the owner called it stays."""
        app = self.app
        if name != holiday_name(app.country, day, app.locale):
            return name
        return holiday_name(app.country, day, self.locale) or name


def create_site(settings: Settings, database: Database) -> Site:
    app = settings.app
    offered = [locale for locale in app.locales if locale in texts.LOCALES] or [
        texts.DEFAULT_LOCALE
    ]
    if app.locale in offered:
        offered.sort(key=lambda locale: locale != app.locale)
    translators = {locale: Translator(locale, app.words.get(locale, {})) for locale in offered}
    return Site(settings, database, _environment(), Assets(_made(app.brand)), translators)


@cache
def _environment() -> Environment:
    """Nothing in it is of one deployment, so each template is compiled once per process."""
    environment = Environment(
        loader=FileSystemLoader(str(files("barberpro_app.web").joinpath("templates"))),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals["staff_links"] = staff_links
    return environment


def _made(brand: Brand) -> dict[str, str]:
    """The files that are made: of the brand, and the rows of the agenda."""
    primary = parse(brand.primary_color)
    return {
        "theme.css": theme.stylesheet(brand.primary_color, brand.accent_color),
        "rows.css": rows.stylesheet(),
        "icon.svg": icon(brand.name, hexadecimal(primary), hexadecimal(readable_on(primary))),
    }


async def follow_brand(state: State, database: Database | None = None) -> None:
    """Takes over what the owner changed of the brand, in this process or in another; read from
    `database`, or from that of the pages.

    Raises `UnavailableError`.
    """
    site: Site = state.site
    async with (database or site.database).connection() as connection:
        brand = await get_brand(connection, state.deployed_brand)
    if brand.version != site.brand_version:
        site.use(brand)
        state.settings = site.settings


def site_of(request: Request) -> Site:
    site: Site = request.app.state.site
    return site


def locale_of(request: Request) -> str:
    site = site_of(request)
    return language.choose(
        request.cookies.get(language.COOKIE),
        request.headers.get("accept-language", ""),
        site.locales[0],
        site.locales,
    )


async def reader_of(request: Request) -> Reader:
    """Dependency of every page."""
    return reader_for(request, await current_principal(request))


def reader_for(request: Request, principal: Principal) -> Reader:
    site = site_of(request)
    locale = locale_of(request)
    return Reader(site, principal, locale, site.translators[locale], site.formats(locale))


def page(
    request: Request, reader: Reader, template: str, status: int = 200, /, **context: Any
) -> HTMLResponse:
    """A page in the reader's language."""
    tokens: FormTokens = request.app.state.form_tokens
    body = reader.site.environment.get_template(template).render(
        request=request,
        reader=reader,
        principal=reader.principal,
        lang=reader.locale,
        t=reader.t,
        fmt=reader.fmt,
        app=reader.site.settings.app,
        brand=reader.site.settings.app.brand,
        asset=reader.site.assets.url,
        brand_images=reader.site.images,
        path=request.url.path,
        form_token=tokens.token(request),
        fragment=request.headers.get("x-fragment", ""),
        **{"form": Form.empty(), **context},
    )
    response = HTMLResponse(body, status_code=status, headers=PAGE_HEADERS)
    remember_visitor(request, response)
    return response


async def submitted(request: Request) -> Form:
    """The form of this request, if it was shown to this visitor. Raises `CrossSiteRequestError`."""
    form = await read(request)
    tokens: FormTokens = request.app.state.form_tokens
    tokens.check(request, form.raw(FORM_FIELD))
    return form


def see(address: str) -> RedirectResponse:
    """To the page that shows what a form did, so that reloading does not send it again."""
    return RedirectResponse(address, SEE_OTHER, headers={"Cache-Control": "no-store"})


def say(reader: Reader, problem: Problem) -> str:
    """A problem in the reader's language."""
    return reader.t(problem.key, **problem.values)
