"""Locations and holidays."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field

from barberpro_app.kit.schemas import Answer, Key, Line, Name, Request, Version


def _known_zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError("not a zone of the IANA time zone database")
    return value


Zone = Annotated[str, Field(max_length=64), AfterValidator(_known_zone)]
LocationPhone = Annotated[Line, Field(max_length=40)]


class Location(Answer):
    """A place of the business; `zone` is its IANA time zone."""

    id: UUID
    key: str
    name: str
    address: str
    phone: str
    zone: str
    active: bool
    sort: int
    version: int


class LocationList(Answer):
    """Locations in the order of the business."""

    items: list[Location]


class LocationDraft(Request):
    """A new location; without a zone, in the deployment's."""

    key: Key
    name: Name
    address: Line = ""
    phone: LocationPhone = ""
    zone: Zone | None = None
    sort: Annotated[int, Field(ge=0, le=1_000_000)] = 0


class LocationPatch(Request):
    """What to change of a location that was read at `version`."""

    version: Version
    name: Name | None = None
    address: Line | None = None
    phone: LocationPhone | None = None
    zone: Zone | None = None
    active: bool | None = None
    sort: Annotated[int, Field(ge=0, le=1_000_000)] | None = None


class Holiday(Answer):
    """A day that is a public holiday or that the owner decided about."""

    day: date
    name: str
    open: bool
    overridden: bool


class HolidayList(Answer):
    """The holidays of a year, in order."""

    items: list[Holiday]


class HolidayChoice(Request):
    """The owner's word on a day: open or closed, whatever the calendar says."""

    open: bool
    name: Annotated[Line, Field(max_length=120)] = ""
