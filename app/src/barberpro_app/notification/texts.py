"""What messages say: Jinja2 templates per language, in the words of the vertical.

A template is plain text with five marks at the start of a line: `# ` the subject and heading, `- `
a detail, `> label | address` a button, `~ ` small print. The HTML part is made from the same lines;
`= what` is the place of the QR code there, with what it says for who does not see it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from barberpro_app.brand.colours import BLACK, hexadecimal, nearest_readable, parse
from barberpro_app.settings import Brand

DEFAULT_LOCALE = "es-AR"
LOCALES = ("es-AR", "en")
_WORDS: dict[str, dict[str, str]] = {
    "es-AR": {"booking": "turno", "provider": "profesional", "service": "servicio",
              "location": "sede", "booking_gender": "m", "provider_gender": "m"},
    "en": {"booking": "appointment", "provider": "provider", "service": "service",
           "location": "location"},
}  # fmt: skip
#: Where the vertical itself is sensitive, not even its own word for a booking is said.
_NEUTRAL: dict[str, dict[str, str]] = {
    "es-AR": {"booking": "reserva", "booking_gender": "f"},
    "en": {"booking": "booking"},
}
_SUBJECT, _DETAIL, _BUTTON, _SMALL, _PICTURE = "# ", "- ", "> ", "~ ", "= "
#: How the HTML part names the picture of the QR code (RFC 2392).
PICTURE = "code"


@dataclass(frozen=True, slots=True)
class Rendered:
    """One message in one language."""

    subject: str
    text: str
    html: str


def match_locale(wanted: str | None, default: str) -> str:
    """The language that we have texts in for a wanted one."""
    for tag in (wanted or "", default):
        for locale in LOCALES:
            if tag.lower() == locale.lower() or tag.lower()[:2] == locale[:2]:
                return locale
    return DEFAULT_LOCALE


class Texts:
    """The texts of one deployment. `words` is app.json's; `neutral` hides what it is about, and
    with it whose `brand` it is."""

    def __init__(
        self, words: Mapping[str, Mapping[str, str]], *, neutral: bool, brand: Brand | None = None
    ) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(str(files(__package__) / "templates")),
            undefined=StrictUndefined,
            autoescape=False,  # noqa: S701 - plain text; `_html` escapes each line of it
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._layout = Environment(
            loader=FileSystemLoader(str(files(__package__) / "templates")),
            undefined=StrictUndefined,
            autoescape=True,
            auto_reload=False,
        ).get_template("layout.html")
        self._brand = "" if brand is None or neutral else brand.name
        colour = BLACK if brand is None or neutral else parse(brand.primary_color)
        self._colour = hexadecimal(nearest_readable(colour))
        self._words = {
            locale: {
                **_WORDS[locale],
                **words.get(locale, {}),
                **(_NEUTRAL[locale] if neutral else {}),
            }
            for locale in LOCALES
        }

    def words(self, locale: str) -> dict[str, str]:
        return self._words[locale]

    def render(self, kind: str, locale: str, values: Mapping[str, Any]) -> Rendered:
        """Raises `jinja2.TemplateNotFound` for an unknown kind."""
        words = self._words[locale]
        source = self._environment.get_template(f"{locale}/{kind}.txt").render(
            word=words,
            o="a" if words.get("booking_gender") == "f" else "o",
            **{key: _one_line(value) for key, value in values.items()},
        )
        lines = [line.rstrip() for line in source.strip().splitlines()]
        subject = lines[0].removeprefix(_SUBJECT)
        return Rendered(subject, _plain(lines[1:]), self._html(locale, subject, lines[1:]))

    def _html(self, locale: str, subject: str, lines: list[str]) -> str:
        return self._layout.render(
            lang=locale, subject=subject, brand=self._brand, colour=self._colour,
            blocks=[_block(line) for line in lines if line],
        )  # fmt: skip


def _one_line(value: Any) -> Any:
    """A value cannot begin a line of its own, so it cannot pretend to be a mark."""
    return " ".join(value.split()) if isinstance(value, str) else value


def _plain(lines: list[str]) -> str:
    out: list[str] = []
    for line in lines:
        if out and out[-1] and line.startswith((_BUTTON, _SMALL)):
            out.append("")  # the lines before may come from a file of their own
        if line.startswith(_BUTTON):
            label, _, address = line.removeprefix(_BUTTON).rpartition(" | ")
            out.append(f"{label}:\n{address}")
        elif not line.startswith(_PICTURE) and (line or (out and out[-1])):
            out.append(line.removeprefix(_SMALL))
    return "\n".join(out).strip() + "\n"


def _block(line: str) -> Markup:
    if line.startswith(_BUTTON):
        label, _, address = line.removeprefix(_BUTTON).rpartition(" | ")
        return Markup('<p><a class="button" href="{}">{}</a></p>').format(address, label)
    if line.startswith(_DETAIL):
        label, _, value = line.removeprefix(_DETAIL).partition(": ")
        return Markup('<p class="detail"><b>{}:</b> {}</p>').format(label, value)
    if line.startswith(_PICTURE):
        picture = Markup('<p><img src="cid:{}" width="170" height="170" alt="{}"></p>')
        return picture.format(PICTURE, line.removeprefix(_PICTURE))
    if line.startswith(_SMALL):
        return Markup("<p><small>{}</small></p>").format(line.removeprefix(_SMALL))
    return Markup("<p>{}</p>").format(escape(line))
