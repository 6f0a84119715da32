"""Bookings as iCalendar objects (RFC 5545), for the client's and the provider's own calendars.

Instants are UTC, so no time zone definition is needed; UID stays the same and SEQUENCE grows with
the booking's version, so a later file replaces the event of an earlier one (§3.8.7.4).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

_LINE_OCTETS = 75


@dataclass(frozen=True, slots=True)
class Event:
    """What the calendar shows. `starts_at` and `ends_at` have an offset."""

    uid: str
    sequence: int
    starts_at: datetime
    ends_at: datetime
    stamp: datetime
    summary: str
    description: str
    location: str
    url: str
    cancelled: bool = False


def render_event(event: Event, product: str) -> str:
    """A message's file with CRLF line ends. `product` names who made it (PRODID)."""
    method = f"METHOD:{'CANCEL' if event.cancelled else 'PUBLISH'}"
    return _calendar(product, [method], [event])


def render_events(events: Sequence[Event], product: str) -> str:
    """A message's file of several events, at least one, of which all or none are cancelled."""
    method = f"METHOD:{'CANCEL' if events[0].cancelled else 'PUBLISH'}"
    return _calendar(product, [method], events)


def render_object(event: Event, product: str) -> str:
    """The same to be kept on a calendar server, where there is no METHOD (RFC 4791 §4.1)."""
    return _calendar(product, [], [event])


def render_feed(events: Iterable[Event], product: str, name: str) -> str:
    """A calendar to subscribe to; RFC 7986 says its name and how often to look."""
    head = [
        "METHOD:PUBLISH",
        f"NAME:{_text(name)}",
        f"X-WR-CALNAME:{_text(name)}",
        "REFRESH-INTERVAL;VALUE=DURATION:PT15M",
        "X-PUBLISHED-TTL:PT15M",
    ]
    return _calendar(product, head, events)


def _calendar(product: str, head: Iterable[str], events: Iterable[Event]) -> str:
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:-//{_text(product)}//ES",
        "CALSCALE:GREGORIAN",
        *head,
    ]
    for event in events:
        lines += _event(event)
    lines.append("END:VCALENDAR")
    return "".join(_folded(line) for line in lines)


def _event(event: Event) -> list[str]:
    return [
        "BEGIN:VEVENT",
        f"UID:{_text(event.uid)}",
        f"SEQUENCE:{event.sequence}",
        f"DTSTAMP:{_instant(event.stamp)}",
        f"DTSTART:{_instant(event.starts_at)}",
        f"DTEND:{_instant(event.ends_at)}",
        f"SUMMARY:{_text(event.summary)}",
        f"DESCRIPTION:{_text(event.description)}",
        f"LOCATION:{_text(event.location)}",
        f"URL:{event.url}",
        f"STATUS:{'CANCELLED' if event.cancelled else 'CONFIRMED'}",
        "TRANSP:OPAQUE",
        "END:VEVENT",
    ]


def _instant(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _text(value: str) -> str:
    """TEXT of §3.3.11: separators escaped, line ends written as \\n, no other control character."""
    escaped = value.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    escaped = escaped.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\\n")
    return "".join(sign for sign in escaped if sign == "\t" or sign.isprintable())


def _folded(line: str) -> str:
    """Lines of at most 75 octets, continued after a space, never inside a character (§3.1)."""
    parts, part, size = [], "", 0
    for sign in line:
        octets = len(sign.encode())
        if size + octets > _LINE_OCTETS:
            parts.append(part)
            part, size = " ", 1
        part += sign
        size += octets
    parts.append(part)
    return "\r\n".join(parts) + "\r\n"
