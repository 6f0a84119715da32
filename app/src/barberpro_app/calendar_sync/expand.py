"""Reads one iCalendar object (RFC 5545): when it keeps somebody busy, within a window.

Recurrences come from `recurring_ical_events`. A day without hours is the whole local day; times
without a zone are read in the window's zone. Transparent, cancelled and declined events keep nobody
busy.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

import icalendar
import recurring_ical_events

from barberpro_app.calendar_sync.peers import OutsideEvent, Period, Window

MOST_PERIODS = 2000
#: More than one repetition an hour is nobody's appointment, and would take for ever to write out.
_TOO_OFTEN = {"SECONDLY", "MINUTELY"}
_OWN_UID = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})@(.{1,255})")


def own_subject(uid: str, host: str) -> UUID | None:
    """The booking of an event that this deployment wrote."""
    found = _OWN_UID.fullmatch(uid)
    return UUID(found[1]) if found and found[2] == host else None


def read(source: str, etag: str, content: str, window: Window, host: str) -> OutsideEvent:
    """Never raises for what may be in a calendar: what cannot be read says so."""
    try:
        calendar = icalendar.Calendar.from_ical(content)
        events = calendar.walk("VEVENT")
        uid = str(events[0].get("UID", "")) if events else ""
        ours = own_subject(uid, host)
        periods = _periods(calendar, events, window)
    except Exception:  # noqa: BLE001 - whatever a stranger's calendar holds must not stop the others
        return OutsideEvent(source, etag, readable=False)
    return OutsideEvent(source, etag, uid, tuple(periods), ours)


def _periods(calendar: Any, events: Iterable[Any], window: Window) -> list[Period]:
    for event in events:
        _check_rules(event)
    query = recurring_ical_events.of(calendar)
    found: set[Period] = set()
    for occurrence in query.between(window.start.astimezone(UTC), window.end.astimezone(UTC)):
        period = _period(occurrence, window)
        if period is not None:
            found.add(period)
        if len(found) > MOST_PERIODS:
            raise ValueError("too many repetitions")
    return sorted(found)


def _check_rules(event: Any) -> None:
    """Raises `ValueError` for a rule that repeats more than 24 times a day."""
    rules = event.get("RRULE", [])
    for rule in rules if isinstance(rules, list) else [rules]:
        times = 1
        for name in ("BYHOUR", "BYMINUTE", "BYSECOND"):
            times *= len(rule.get(name, [])) or 1
        if times > 24 or _TOO_OFTEN.intersection(str(part) for part in rule.get("FREQ", [])):
            raise ValueError("repeats too often")


def _period(event: Any, window: Window) -> Period | None:
    if str(event.get("STATUS", "")).upper() == "CANCELLED":
        return None
    if str(event.get("TRANSP", "")).upper() == "TRANSPARENT":
        return None
    start = _instant(event["DTSTART"].dt, window)
    end = _instant(event["DTEND"].dt, window) if "DTEND" in event else start
    return (start, end) if start < end else None


def _instant(value: date | datetime, window: Window) -> datetime:
    if not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if value.tzinfo is None:
        value = value.replace(tzinfo=window.zone)
    return value.astimezone(UTC)
