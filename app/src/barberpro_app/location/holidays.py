"""Public holidays of the country, by the `holidays` library; the owner's overrides go before them.

Puentes and moved holidays are decreed year by year, so the library may not know them yet: that is
what the overrides are for. The library is loaded with the first question: it takes a quarter of a
second and 5 MB, which a process that answers none is spared.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from importlib import import_module
from typing import Any


@lru_cache(maxsize=64)
def public_holidays(country: str, year: int, language: str) -> Mapping[date, str]:
    """Day to name, for one year; names in the language where the library has it."""
    library: Any = import_module("holidays")
    supported = library.country_holidays(country).supported_languages
    spoken = next((known for known in supported if known.startswith(language[:2])), None)
    return dict(library.country_holidays(country, years=year, language=spoken))


def holiday_name(country: str, day: date, language: str) -> str | None:
    """The name of the public holiday of a day; None if it is not one."""
    return public_holidays(country, day.year, language).get(day)


def near(country: str, instant: datetime, language: str = "es") -> list[date]:
    """Holidays among the days that an instant can be in some zone: its UTC day and both beside."""
    middle = instant.date()
    days = (middle - timedelta(days=1), middle, middle + timedelta(days=1))
    return [day for day in days if holiday_name(country, day, language)]
