"""Every text is there in both languages, and every template names texts that exist."""

import json
import re
import string
from importlib.resources import files
from pathlib import Path

import pytest

from barberpro_app.web.site import texts, words
from barberpro_app.web.site.problems import SERVER_ERROR
from barberpro_app.web.site.texts import Translator

WEB = Path(str(files("barberpro_app.web")))
SPANISH, ENGLISH = texts.catalogue("es-AR"), texts.catalogue("en")
# What a text may take from the page beside the vertical's words.
GIVEN = {
    "brand", "cancel", "client", "code", "contact", "day", "duration", "email", "hour", "hours",
    "least", "location", "methods", "moment", "most", "n", "name", "policy", "provider",
    "reschedule", "url", "what", "zone",
    "calendar", "error", "said", "start", "until",
}  # fmt: skip

#: Of the pages of body data.
GIVEN |= {"change", "first", "first_day", "jurisdiction", "kcal", "last", "last_day", "licence",
          "part", "resting", "start", "unit", "version"}  # fmt: skip

#: Of the pages of classes.
GIVEN |= {"bookings", "capacity", "count", "sessions", "taken"}


def fields_of(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_catalogues_have_the_same_keys() -> None:
    assert set(SPANISH) == set(ENGLISH)
    assert SERVER_ERROR == 500


@pytest.mark.parametrize("locale", texts.LOCALES)
def test_catalogues_have_no_key_twice_and_no_blank(locale: str) -> None:
    raw = (WEB / "texts" / f"{locale}.json").read_text(encoding="utf-8")
    pairs = json.loads(raw, object_pairs_hook=list)
    assert len(pairs) == len(dict(pairs))
    assert all(value.strip() for _, value in pairs)


@pytest.mark.parametrize("locale", texts.LOCALES)
def test_texts_name_only_words_that_exist(locale: str) -> None:
    known = set(words.fields(locale, {})) | GIVEN
    for key, text in texts.catalogue(locale).items():
        assert fields_of(text) <= known, key


def test_both_languages_take_the_same_values() -> None:
    vocabulary = set(words.fields("es-AR", {}))
    for key, text in SPANISH.items():
        mine = fields_of(text) - vocabulary
        theirs = fields_of(ENGLISH[key]) - vocabulary
        assert mine == theirs, key


def test_every_text_that_a_page_names_exists() -> None:
    named: dict[str, str] = {}
    for path in [*WEB.rglob("*.html"), *WEB.rglob("*.py")]:
        for key in re.findall(r"""\bt\(\s*["']([a-z_.0-9]+)["']""", path.read_text("utf-8")):
            named[key] = path.name
    unknown = {key: where for key, where in named.items() if key not in SPANISH and key[-1] != "."}
    assert not unknown
    assert len(named) > 200


def test_every_refusal_has_words() -> None:
    """The codes of the domains' errors that a page may show."""
    source = "\n".join(path.read_text("utf-8") for path in WEB.parent.rglob("*.py"))
    codes = set(re.findall(r'^    code = "([a-z_]+)"$', source, re.MULTILINE))
    assert {"slot_taken", "hold_expired", "stale_version"} <= codes
    for code in ("slot_taken", "slot_unavailable", "not_offered", "hold_expired", "too_soon",
                 "too_far", "too_late_to_cancel", "too_late_to_reschedule", "not_changeable",
                 "stale_version", "staff_exists", "last_owner", "api_client_exists",
                 "hours_overlap", "message_not_failed"):  # fmt: skip
        assert code in codes
        assert f"code.{code}" in SPANISH


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"booking": "turno", "booking_gender": "m"}, "El turno quedó confirmado"),
        ({"booking": "sesión", "booking_gender": "f"}, "La sesión quedó confirmada"),
        ({"booking": "clase", "booking_gender": "f"}, "La clase quedó confirmada"),
    ],
)
def test_words_agree_in_gender(given: dict[str, str], expected: str) -> None:
    assert Translator("es-AR", given)("done.title") == expected


def test_english_articles_fit_the_word() -> None:
    assert words.fields("en", {"booking": "appointment"})["a_booking"] == "an appointment"
    assert words.fields("en", {"booking": "session"})["a_booking"] == "a session"


def test_a_value_is_never_read_as_a_text() -> None:
    assert "{the_booking}" in Translator("en", {})("details.known", name="{the_booking}")
