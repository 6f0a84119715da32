"""Whom to call and when: contacts, business hours and the maintenance window of the manual."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from barberpro.catalog.figures import Model, Text

ZONES = {"ART": "America/Argentina/Buenos_Aires"}
_WEEKDAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
_CLOCK = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_HOURS = re.compile(rf"({_CLOCK}) - ({_CLOCK}) ([A-Z]{{3,4}})", re.ASCII)
_WINDOW = re.compile(rf"({'|'.join(_WEEKDAYS)}) ({_CLOCK}) - ({_CLOCK}) ([A-Z]{{3,4}})", re.ASCII)


class Period(Model):
    """``start`` to ``end`` as local ``HH:MM`` in ``timezone``; ``weekday`` is ISO (1 is Monday)."""

    start: str
    end: str
    timezone: str
    weekday: int | None = None


def _period(text: str) -> Period | None:
    if match := _HOURS.fullmatch(text):
        start, end, zone = match.groups()
        weekday = None
    elif match := _WINDOW.fullmatch(text):
        day, start, end, zone = match.groups()
        weekday = _WEEKDAYS.index(day) + 1
    else:
        return None
    if start >= end or zone not in ZONES:
        return None
    return Period(start=start, end=end, timezone=ZONES[zone], weekday=weekday)


def _is_hours(text: str) -> str:
    period = _period(text)
    if period is None or period.weekday is not None:
        raise ValueError("expected hours like 09:00 - 18:00 ART")
    return text


def _is_window(text: str) -> str:
    period = _period(text)
    if period is None or period.weekday is None:
        raise ValueError("expected a window like Sundays 02:00 - 06:00 ART")
    return text


class EmergencyContacts(Model):
    """Manual, "Incident Response"."""

    technical_lead: Text
    devops_team: Text
    security_team: Text
    business_continuity: Text


class SupportChannels(Model):
    """Manual, "Support Channels"."""

    technical_support: Text
    devops_team: Text
    emergency_hotline: Text
    documentation_updates: Text


class BusinessHours(Model):
    """Manual, "Business Hours"; the texts are the manual's, the properties what they mean."""

    argentina_standard_time: Annotated[str, AfterValidator(_is_hours), Field(max_length=60)]
    emergency_support: Text
    planned_maintenance: Annotated[str, AfterValidator(_is_window), Field(max_length=60)]

    @property
    def attended(self) -> Period:
        period = _period(self.argentina_standard_time)
        assert period is not None  # _is_hours
        return period

    @property
    def maintenance_window(self) -> Period:
        period = _period(self.planned_maintenance)
        assert period is not None  # _is_window
        return period


class ContactPolicies(Model):
    """Sections about people and time."""

    emergency_contacts: EmergencyContacts
    support_channels: SupportChannels
    business_hours: BusinessHours
