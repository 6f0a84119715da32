"""The app's pages for tests: the real application on a real database, used as a browser would."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from support_app import CONFIGURATION, AppHome
from support_postgres import TestServer

from barberpro_app.application import create_application
from barberpro_app.identity.repository import Subject
from barberpro_app.identity.service import make_link
from barberpro_app.settings import Settings, load_settings

ORIGIN = str(CONFIGURATION["public_url"])


@dataclass
class HtmlForm:
    """One form of a page with the values that its fields show."""

    action: str
    method: str
    values: dict[str, list[str]] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class _Reading(HTMLParser):
    """Collects forms, links, headings, the language and the text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[HtmlForm] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.headings: list[str] = []
        self.lang = ""
        self.inline: list[str] = []
        self.text: list[str] = []
        self._form: HtmlForm | None = None
        self._select = ""
        self._area = ""
        self._heading = False
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        at = {name: value or "" for name, value in attrs}
        if tag == "html":
            self.lang = at.get("lang", "")
        if "id" in at:
            self.ids.append(at["id"])
        self.inline += [name for name in at if name.startswith("on") or name == "style"]
        if tag in {"style"} or (tag == "script" and "src" not in at):
            self.inline.append(tag)
        if tag in {"style", "script", "title"}:
            self._silent += 1
        if tag == "a" and "href" in at:
            self.links.append(at["href"])
        if tag == "h1":
            self._heading = True
            self.headings.append("")
        self._field(tag, at)

    def _field(self, tag: str, at: dict[str, str]) -> None:
        if tag == "form":
            self._form = HtmlForm(at.get("action", ""), at.get("method", "get"))
            self.forms.append(self._form)
        form = self._form
        if form is None:
            return
        name = at.get("name", "")
        if tag == "input" and name:
            chooses = at.get("type") in {"radio", "checkbox"}
            if not chooses or "checked" in at:
                form.values.setdefault(name, []).append(at.get("value", ""))
        elif tag == "button" and name:
            form.buttons.append((name, at.get("value", "")))
        elif tag == "select":
            self._select = name
        elif (tag == "option" and self._select and "selected" in at) or (
            tag == "option" and self._select and self._select not in form.values
        ):
            form.values[self._select] = [at.get("value", "")]
        elif tag == "textarea":
            self._area = name
            form.values[name] = [""]

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._area = ""
        elif tag == "h1":
            self._heading = False
        elif tag in {"style", "script", "title"}:
            self._silent -= 1

    def handle_data(self, data: str) -> None:
        if self._heading:
            self.headings[-1] += data
        if self._area and self._form is not None:
            self._form.values[self._area][0] += data
        if not self._silent:
            self.text.append(data)


class Page:
    """An answer, read as HTML."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.status = response.status_code
        self.html = response.text
        reading = _Reading()
        reading.feed(self.html)
        self.forms, self.links, self.lang = reading.forms, reading.links, reading.lang
        self.ids, self.headings, self.inline = reading.ids, reading.headings, reading.inline
        self.text = " ".join(" ".join(reading.text).split())

    @property
    def path(self) -> str:
        return self.response.url.raw_path.decode()

    def form(self, action: str) -> HtmlForm:
        """The first form whose action has this in it."""
        return next(form for form in self.forms if action in form.action and form.method == "post")

    def link(self, part: str) -> str:
        return next(link for link in self.links if part in link)


class Browser:
    """A client of the application that keeps cookies, follows redirects and sends forms."""

    def __init__(self, application: FastAPI, **headers: str) -> None:
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=application),
            base_url=ORIGIN,
            follow_redirects=True,
            headers={"accept": "text/html", "accept-language": "es-AR", **headers},
        )

    async def get(self, path: str) -> Page:
        return Page(await self.client.get(path))

    async def post(self, path: str, **values: Any) -> Page:
        headers = {"origin": ORIGIN, "sec-fetch-site": "same-origin"}
        return Page(await self.client.post(path, data=values, headers=headers))

    async def send(self, page: Page, form: HtmlForm, **values: Any) -> Page:
        """Sends a form of a page with some fields filled in, as a browser would."""
        return await self.post(form.action or page.path, **{**form.values, **values})

    async def sign_in(self, application: FastAPI, subject: Subject) -> Page:
        """By a one-time link, with its page and its button."""
        database = application.state.database
        async with database.transaction() as connection:
            link = await make_link(connection, ORIGIN, subject)
        page = await self.get(link.url.removeprefix(ORIGIN))
        return await self.send(page, page.form("/sign-in/"))


_TEMPLATES: dict[Path, str] = {}


def _template(server: TestServer, folder: Path) -> str:
    """A database with schema and first data, made once per server and copied by each test."""
    if server.folder not in _TEMPLATES:
        name = f"template_{uuid.uuid4().hex[:12]}"
        server.execute(f"CREATE DATABASE {name}")
        AppHome.make(folder / "template", server.url(name)).prepare()
        _TEMPLATES[server.folder] = name
    return _TEMPLATES[server.folder]


@contextmanager
def deployment(folder: Path, server: TestServer, **changes: Any) -> Iterator[Settings]:
    """A prepared deployment with a database of its own, dropped afterwards."""
    template, name = _template(server, folder), f"w_{uuid.uuid4().hex[:12]}"
    server.copy(template, name)
    try:
        yield load_settings(AppHome.make(folder, server.url(name), **changes).environment)
    finally:
        server.drop(name)


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[FastAPI]:
    """The application with its database open."""
    application = create_application(settings)
    async with application.router.lifespan_context(application):
        yield application


def use(settings: Settings, steps: Callable[[FastAPI], Awaitable[None]]) -> None:
    """Runs the steps of a test against the application."""

    async def run() -> None:
        async with running(settings) as application:
            await steps(application)

    asyncio.run(run())


def first_slot(page: Page) -> str:
    """The first free hour on a page of hours."""
    for form in page.forms:
        for name, value in form.buttons:
            if name == "inicio":
                return value
    raise AssertionError(f"no free hour on {page.path}: {page.text[:500]}")


def token_of(path: str) -> str:
    """The signed part of an address."""
    match = re.search(r"[A-Za-z0-9_-]{43}", path)
    assert match is not None, path
    return match[0]
