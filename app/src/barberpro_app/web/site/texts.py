"""The texts of the pages: one JSON catalogue per language, filled with the vertical's words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from barberpro_app.web.site import words

DEFAULT_LOCALE = "es-AR"
LOCALES = ("es-AR", "en")


@cache
def catalogue(locale: str) -> Mapping[str, str]:
    """Every text of a language by its key."""
    text = (
        files("barberpro_app.web").joinpath("texts", f"{locale}.json").read_text(encoding="utf-8")
    )
    loaded: dict[str, str] = json.loads(text)
    return loaded


class Translator:
    """Texts of one language in the words of one vertical. An unknown key is an error, not a blank."""

    def __init__(self, locale: str, given_words: Mapping[str, str]) -> None:
        self.locale = locale
        self._texts = catalogue(locale)
        self._words = words.fields(locale, given_words)

    def __call__(self, key: str, /, **values: object) -> str:
        return self._texts[key].format_map({**self._words, **values})

    def count(self, key: str, number: int, /, **values: object) -> str:
        """``key_one`` or ``key_other`` with ``{n}``."""
        return self(f"{key}_one" if number == 1 else f"{key}_other", n=number, **values)

    def has(self, key: str) -> bool:
        return key in self._texts

    def word(self, name: str) -> str:
        return self._words[name]


@dataclass(frozen=True)
class Problem:
    """What is wrong with what somebody typed: a key of the catalogue and its values."""

    key: str
    values: Mapping[str, object]


def problem(key: str, **values: object) -> Problem:
    return Problem(key, values)
