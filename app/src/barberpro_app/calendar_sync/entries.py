"""What a provider's calendar shows of a booking: as much as the provider asked for, never more.

Where the business keeps health data a calendar elsewhere gets nothing but "busy": who sees it is not
ours to decide, and "session with a psychologist" says something about a person (Ley 25.326 arts. 2, 7).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

from barberpro_app.notification.calendar import Event
from barberpro_app.settings import AppConfiguration

Detail = Literal["busy", "service", "full"]
DETAILS: tuple[Detail, ...] = ("busy", "service", "full")


def permitted(app: AppConfiguration) -> tuple[Detail, ...]:
    """How much may be shown in this business."""
    return DETAILS[:1] if app.compliance.health_data else DETAILS


class Entries:
    """Makes events of rows of `calendar_entry`."""

    def __init__(self, app: AppConfiguration) -> None:
        self._app = app
        self.host = urlsplit(app.public_url).hostname or "localhost"
        word = app.words.get(app.locale, {}).get("booking", "turno")
        self._word = word[:1].upper() + word[1:]

    def event(self, row: Mapping[str, Any], detail: str) -> Event:
        shown = detail if detail in permitted(self._app) else "busy"
        site = self._app.public_url.rstrip("/")
        is_session = row["capacity"] is not None
        address = f"{site}/agenda" if is_session else f"{site}/agenda/reserva/{row['subject_id']}"
        place = ", ".join(part for part in (row["location"], row["address"]) if part)
        return Event(
            uid=f"{row['subject_id']}@{self.host}",
            sequence=row["version"],
            starts_at=row["starts_at"],
            ends_at=row["ends_at"],
            stamp=row["updated_at"],
            summary=self._summary(row, shown),
            description=self._description(row, shown, address),
            location=place if shown != "busy" else "",
            url=address,
        )

    def _summary(self, row: Mapping[str, Any], shown: str) -> str:
        if shown == "busy":
            return self._word
        names: Mapping[str, str] = row["service"]
        service = names.get(self._app.locale) or next(iter(names.values()), self._word)
        if row["capacity"] is not None:  # a group's session
            return f"{service} · {row['taken']}/{row['capacity']}"
        return f"{service} · {row['client']}" if shown == "full" and row["client"] else service

    def _description(self, row: Mapping[str, Any], shown: str, address: str) -> str:
        phone = row["phone"] if shown == "full" else ""
        return "\n".join(part for part in (row["code"], phone, address) if part)
