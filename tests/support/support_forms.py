"""Every form of every page, found by walking through them, and what somebody hostile would send by each.

A page is visited once for each shape of its address: keys, days, codes and signed parts count as the same.
"""

from __future__ import annotations

import random
import re
from collections import deque
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit
from uuid import UUID

import httpx
from support_accounts import ORIGIN
from support_whole_api import World

TOKEN = "form_token"
#: Ends the session, or all that the walker is: these are for tests of their own.
LAST = ("/salir", "/sign-out", "/mis-datos/borrar", "/sign-in/")
#: Looked at no deeper than this: the calendar of a business has no end.
MOST_PAGES = 220
_CHANGING = re.compile(
    r"[0-9a-f]{8}-[0-9a-f-]{27}|[A-Za-z0-9_-]{20,}|\d{4}-\d{2}-\d{2}[0-9T:+.Z-]*|\b[A-Z0-9]{8}\b|\d+"
)


@dataclass
class Field:
    """One field of a form: `values` are those that the page offers, the first what it shows."""

    name: str
    kind: str
    values: list[str] = field(default_factory=list)


@dataclass
class PageForm:
    """A form as a page shows it."""

    page: str
    action: str
    method: str
    multipart: bool
    fields: dict[str, Field] = field(default_factory=dict)

    @property
    def shape(self) -> str:
        return f"{shape_of(self.action)} {sorted(self.fields)}"

    def shown(self) -> dict[str, str]:
        """What would be sent if nothing was touched."""
        return {name: part.values[0] if part.values else "" for name, part in self.fields.items()}


class Reading(HTMLParser):
    """Forms, links, ids and notices of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.page = page
        self.forms: list[PageForm] = []
        self.links: list[str] = []
        self.marks: list[str] = []
        self._form: PageForm | None = None
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        at = {name: value or "" for name, value in attrs}
        if at.get("id", "").endswith("-error") or at.get("role") == "alert":
            self.marks.append(at.get("id") or "alert")
        if tag == "a" and "href" in at:
            self.links.append(at["href"])
        elif tag == "form":
            action = at.get("action") or self.page
            self._form = PageForm(self.page, urljoin(self.page, action), at.get("method", "get").lower(),
                                  "multipart" in at.get("enctype", ""))  # fmt: skip
            self.forms.append(self._form)
        elif self._form is not None:
            self._part(tag, at)

    def _part(self, tag: str, at: dict[str, str]) -> None:
        assert self._form is not None
        name = at.get("name", "")
        if tag == "option" and self._select:
            value = at.get("value", "")
            known = self._form.fields[self._select].values
            known.insert(0, value) if "selected" in at else known.append(value)
        elif tag in {"input", "select", "textarea", "button"} and name:
            found = self._form.fields.setdefault(name, Field(name, at.get("type", tag)))
            if tag == "select":
                self._select = name
            elif tag != "textarea":
                found.values.append(at.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = ""


def shape_of(address: str) -> str:
    """The address without what changes from one thing to the next."""
    parts = urlsplit(address)
    query = sorted({name for name, _ in parse_qsl(parts.query, keep_blank_values=True)})
    return _CHANGING.sub("*", parts.path) + ("?" + "&".join(query) if query else "")


@dataclass
class Walker:
    """Somebody who walks through all pages and keeps their forms."""

    world: World
    who: str
    draw: random.Random
    forms: dict[str, PageForm] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    sent: int = 0
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        own = self.world.headers[self.who].get("Cookie", "")
        cookie = "; ".join([own, *(f"{n}={v}" for n, v in self.cookies.items())]).strip("; ")
        headers = {"Accept": "text/html", "Accept-Language": "es-AR", "Origin": ORIGIN,
                   "Sec-Fetch-Site": "same-origin", "Cookie": cookie, **options.pop("headers", {})}  # fmt: skip
        answer = self.world.caller.request(method, path, headers=headers, **options)
        self.cookies.update(dict(answer.cookies.items()))
        self.world.caller.client.cookies.clear()
        if answer.status_code >= 500:
            self.faults.append(
                f"{self.who} {method} {path} {str(options)[:300]}: {answer.status_code}"
            )
        return answer

    def walk(self, *starts: str) -> None:
        """Breadth first, from these pages on."""
        waiting = deque(starts)
        while waiting and len(self.seen) < MOST_PAGES:
            address = waiting.popleft()
            shape = shape_of(address)
            if shape in self.seen or any(part in address for part in LAST):
                continue
            self.seen.add(shape)
            answer = self.ask("GET", address)
            if answer.status_code in {302, 303, 307}:
                waiting.append(urljoin(address, answer.headers["location"]).removeprefix(ORIGIN))
            if not answer.headers.get("content-type", "").startswith("text/html"):
                continue
            reading = read(answer, address)
            for form in reading.forms:
                self.forms.setdefault(form.shape, form)
            waiting.extend(link for link in map(lambda to, at=address: urljoin(at, to), reading.links)
                           if link.startswith("/") and not link.startswith("//"))  # fmt: skip

    def attack(self, form: PageForm, most: int) -> None:
        """So many hostile sendings of a form, drawn; a refusal says so in the page."""
        for values in attacks(form, self.draw, most):
            self.sent += 1
            action = urlsplit(form.action)
            address = action.path + (f"?{action.query}" if action.query else "")
            if form.method == "get":
                query = urlencode(values, errors="surrogatepass")
                answer = self.ask("GET", f"{action.path}?{query}")
            elif form.multipart:
                files = {name: ("foto.png", b"\x89PNG\r\n\x1a\n" + values[name].encode("utf-8", "replace"))
                         for name, part in form.fields.items() if part.kind == "file" and name in values}  # fmt: skip
                data = {
                    n: v.encode("utf-8", "replace") for n, v in values.items() if n not in files
                }
                answer = self.ask("POST", address, data=data, files=files or {"_": ("a", b"")})
            else:
                body = urlencode(values, errors="surrogatepass")
                kind = "application/x-www-form-urlencoded"
                answer = self.ask("POST", address, content=body, headers={"Content-Type": kind})
            self._judge(form, values, answer)

    def _judge(self, form: PageForm, values: dict[str, str], answer: httpx.Response) -> None:
        """Who sent something wrong is told in the page, where the form is still to be had."""
        if answer.status_code == 422 and form.method == "post":
            page = read(answer, form.page)
            there = form.shape in {one.shape for one in page.forms}
            if there and not page.marks:
                told = {name: value[:20] for name, value in values.items() if name != TOKEN}
                self.faults.append(f"{self.who} {form.action} {told}: refused without a word")


def read(answer: httpx.Response, page: str) -> Reading:
    reading = Reading(page)
    reading.feed(answer.text)
    return reading


NASTY = (
    "", " ", "x" * 4000, "\x00\x07\x1b", "\u202egnirts", "\ud800", "<script>alert(1)</script>",
    "'\"; DROP TABLE booking; --", "{{7*7}}", "-1", "0", "99999999999999999999", "1e309", "NaN",
    "1,5", "0,001", "2026-02-30", "9999-12-31", "0001-01-01", "24:00", "25:61", "2026-10-18T00:30",
    "00000000-0000-0000-0000-000000000000", "not-a-key", "🦷" * 300, "../../etc/passwd", "%00", "\r\nX: y",
    "٣", "１２", "null", "[]", "on",
)  # fmt: skip


def attacks(form: PageForm, draw: random.Random, most: int) -> list[dict[str, str]]:
    """All empty, nothing at all, all too long; then one field after the other, the rest as it was."""
    shown = form.shown()
    token = {TOKEN: shown[TOKEN]} if TOKEN in shown else {}
    rest = [name for name in shown if name != TOKEN]
    found = [dict.fromkeys(rest, "") | token, token, dict.fromkeys(rest, "x" * 3000) | token]
    for name in rest:
        wanted = [*draw.sample(NASTY, 3), str(UUID(int=draw.getrandbits(128)))]
        found += [{**shown, name: value} for value in wanted]
    head, tail = found[:3], found[3:]
    draw.shuffle(tail)
    return head + tail[: max(0, most - len(head))]
