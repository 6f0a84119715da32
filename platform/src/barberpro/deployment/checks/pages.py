"""Reads a served page as a browser would: its links, forms, fields and what it loads."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

LOADS = {
    "img": "src", "script": "src", "iframe": "src", "audio": "src", "video": "src", "embed": "src",
    "source": "src", "track": "src", "object": "data", "input": "src",
}  # fmt: skip
LOADING_LINKS = frozenset(
    {"stylesheet", "icon", "preload", "manifest", "modulepreload", "preconnect"}
)
CSS_URL = re.compile(r"""url\(\s*['"]?([^'")]+)|@import\s+['"]([^'"]+)""")


@dataclass(slots=True)
class Form:
    """``fields`` holds what a browser would send if nothing were touched; ``choices`` the values
    that a radio button, select or submit button of that name offers."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Link:
    href: str
    text: str


class Page(HTMLParser):
    """``url`` is where the page was served; every link in it is made absolute."""

    def __init__(self, url: str, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.url = url
        self.html = html
        self.links: list[Link] = []
        self.forms: list[Form] = []
        self.loads: list[str] = []
        self.inputs: list[dict[str, str]] = []
        self.language = ""
        self._form: Form | None = None
        self._anchor: tuple[str, list[str]] | None = None
        self._select: str | None = None
        self._style = False
        self._text: list[str] = []
        self.feed(html)
        self.close()

    @property
    def text(self) -> str:
        """What a reader sees, with blanks folded."""
        return " ".join(" ".join(self._text).split())

    def foreign(self) -> list[str]:
        """What the page makes the browser load from another origin than its own."""
        home = urlsplit(self.url)
        return sorted(
            {
                url
                for url in self.loads
                if (parts := urlsplit(url)).scheme in {"http", "https", "ws", "wss"}
                and (parts.scheme, parts.netloc) != (home.scheme, home.netloc)
            }
        )

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "html":
            self.language = values.get("lang", "")
        if tag == "a" and values.get("href"):
            self._anchor = (self._absolute(values["href"]), [values.get("aria-label", "")])
        if tag == "form":
            action = self._absolute(values.get("action") or self.url)
            self._form = Form(action, values.get("method", "get").lower())
            self.forms.append(self._form)
        self._style = tag == "style"
        self._loaded(tag, values)
        if tag in {"input", "select", "textarea", "button", "option"}:
            self._control(tag, values)

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._anchor:
            href, words = self._anchor
            self.links.append(Link(href, " ".join(" ".join(words).split())))
            self._anchor = None
        elif tag == "form":
            self._form = None
        elif tag == "select":
            self._select = None
        elif tag == "style":
            self._style = False

    def handle_data(self, data: str) -> None:
        if self._style:
            self._css(data)
            return
        self._text.append(data)
        if self._anchor:
            self._anchor[1].append(data)

    def _absolute(self, url: str) -> str:
        return urljoin(self.url, url.strip())

    def _loaded(self, tag: str, values: dict[str, str]) -> None:
        source = values.get(LOADS.get(tag, ""), "")
        if source:
            self.loads.append(self._absolute(source))
        for candidate in values.get("srcset", "").split(","):
            if candidate.strip():
                self.loads.append(self._absolute(candidate.split()[0]))
        if tag == "link" and LOADING_LINKS & set(values.get("rel", "").lower().split()):
            self.loads.append(self._absolute(values.get("href", "")))
        self._css(values.get("style", ""))

    def _css(self, text: str) -> None:
        for one, other in CSS_URL.findall(text):
            self.loads.append(self._absolute(one or other))

    def _control(self, tag: str, values: dict[str, str]) -> None:
        name = values.get("name", "")
        if tag == "input":
            self.inputs.append(values)
        form = self._form
        if tag == "select":
            self._select = name
        if form is None:
            return
        if tag == "option" and self._select:
            form.choices.setdefault(self._select, []).append(values.get("value", ""))
            if "selected" in values or self._select not in form.fields:
                form.fields[self._select] = values.get("value", "")
        if not name:
            return
        form.names.append(name)
        kind = values.get("type", "text" if tag == "input" else "submit").lower()
        if tag in {"input", "button"} and kind in {"radio", "submit", "checkbox"}:
            form.choices.setdefault(name, []).append(values.get("value", "on"))
            if kind != "submit" and "checked" in values:
                form.fields[name] = values.get("value", "on")
        elif tag in {"input", "textarea"}:
            form.fields[name] = values.get("value", "")
