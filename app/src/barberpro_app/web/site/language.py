"""Which language a reader gets: their own choice (cookie), then what the browser asks, then the brand's."""

from __future__ import annotations

from collections.abc import Sequence

COOKIE = "idioma"
YEAR_SECONDS = 365 * 24 * 3600


def match(wanted: str, offered: Sequence[str]) -> str | None:
    """The offered locale for a language tag: exact, or of the same language."""
    tag = wanted.strip().lower()
    if not tag:
        return None
    for locale in offered:
        if locale.lower() == tag:
            return locale
    primary = tag.split("-", 1)[0]
    return next((locale for locale in offered if locale.lower().split("-", 1)[0] == primary), None)


def accepted(header: str) -> list[str]:
    """Language tags of an Accept-Language header (RFC 9110 §12.5.4), the most wanted first."""
    found: list[tuple[float, int, str]] = []
    for position, part in enumerate(header[:500].split(",")):
        tag, _, parameters = part.strip().partition(";")
        quality = 1.0
        name, _, value = parameters.strip().partition("=")
        if name.strip() == "q":
            try:
                quality = float(value)
            except ValueError:
                quality = 0.0
        if tag and quality > 0:
            found.append((-quality, position, tag.strip()))
    return [tag for _, _, tag in sorted(found)]


def choose(cookie: str | None, header: str, default: str, offered: Sequence[str]) -> str:
    """The locale to answer in."""
    for wanted in [cookie or "", *accepted(header)]:
        found = match(wanted, offered)
        if found is not None:
            return found
    return default
