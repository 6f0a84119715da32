"""A booking as messages tell it, in the reader's language and the booking's own time zone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from babel.dates import format_date
from babel.numbers import format_decimal

from barberpro_app.kit.links import BookingLinks
from barberpro_app.settings import AppConfiguration

_SYMBOLS = {"ARS": "$", "USD": "US$", "EUR": "€"}


class BookingValues:
    """Values for templates; where the vertical itself is sensitive, what it is about is left out."""

    def __init__(self, app: AppConfiguration, links: BookingLinks) -> None:
        self._app = app
        self._links = links
        self._shown = not app.compliance.health_data

    def booking(self, booking: Mapping[str, Any], locale: str) -> dict[str, Any]:
        """Of a document of `booking_document`. Raises `KeyError`, `ValueError` for another one."""
        starts = datetime.fromisoformat(booking["starts_at"]).astimezone(ZoneInfo(booking["zone"]))
        names: Mapping[str, str] = booking["service"]["name"]
        service = names.get(locale) or next(iter(names.values()), "")
        shown = self._shown
        return {
            "day": f"{_day(starts, locale)}, {starts:%H:%M}",
            "when": f"{_day(starts, locale)}, {starts:%H:%M}",
            "name": booking["client"]["name"],
            "service": service if shown else "",
            "provider": booking["provider"]["name"] if shown else "",
            "location": booking["location"]["name"] if shown else "",
            "place": _place(booking["location"]) if shown else "",
            "price": self._money(booking["price_centavos"], locale) if shown else "",
            "code": booking["code"],
            "until": self._until(booking),
            "url": self._links.url(UUID(booking["id"])),
            "answer_by": self._moment(booking.get("hold_expires_at"), booking["zone"], locale),
            "reason": (booking.get("cancel_reason") or "") if shown else "",
        }

    @staticmethod
    def _until(booking: Mapping[str, Any]) -> str:
        """The clock until which a hold is kept."""
        expires = booking.get("hold_expires_at")
        if not expires:
            return ""
        moment = datetime.fromisoformat(expires).astimezone(ZoneInfo(booking["zone"]))
        return f"{moment:%d/%m %H:%M}"

    def series(self, payload: Mapping[str, Any], locale: str) -> dict[str, Any]:
        """Of a message about several bookings: the first, and every day. Raises as `booking`."""
        dates = [self.booking(item, locale)["when"] for item in payload["bookings"]]
        return {**self.booking(payload, locale), "dates": dates}

    def waiting(self, payload: Mapping[str, Any], locale: str) -> dict[str, Any]:
        """Of a place on the waiting list."""
        names: Mapping[str, str] = payload["service"]["name"]
        service = names.get(locale) or next(iter(names.values()), "")
        return {
            "name": payload["name"],
            "service": service if self._shown else "",
            "position": payload["position"] or 0,
            "first": _day(datetime.fromisoformat(payload["first_day"]), locale),
            "last": _day(datetime.fromisoformat(payload["last_day"]), locale),
            "url": self._links.waiting_url(UUID(payload["id"])),
        }

    def team(self, payload: Mapping[str, Any], locale: str) -> dict[str, Any]:
        """Of what a client did, for the team: where health is concerned the hour and a link alone."""
        names: Mapping[str, str] = payload["service"]["name"]
        shown, zone = self._shown, payload["zone"]
        return {
            "day": self._moment(payload["starts_at"], zone, locale),
            "was": self._moment(payload.get("from"), zone, locale),
            "name": payload["name"] or "" if shown else "",
            "service": names.get(locale) or next(iter(names.values()), "") if shown else "",
            "provider": payload["provider"] if shown else "",
            "location": payload["location"] if shown else "",
            "more": payload["more"],
            "repeats": payload["repeats"],
            "by": payload.get("by", ""),
            "answer_by": self._moment(payload.get("answer_by"), zone, locale),
            "url": f"{self._app.public_url.rstrip('/')}/agenda/reserva/{UUID(payload['id'])}",
        }

    def gap(self, payload: Mapping[str, Any], locale: str) -> dict[str, Any]:
        """Of a day of a series that has no booking."""
        day = datetime.fromisoformat(payload["day"])
        return {"name": payload["name"], "day": _day(day, locale)}

    def _moment(self, instant: str | None, zone: str, locale: str) -> str:
        """The local day and hour; nothing of nothing."""
        if not instant:
            return ""
        local = datetime.fromisoformat(instant).astimezone(ZoneInfo(zone))
        return f"{_day(local, locale)}, {local:%H:%M}"

    def _money(self, centavos: int, locale: str) -> str:
        pattern = "#,##0" if centavos % 100 == 0 else "#,##0.00"
        number = format_decimal(centavos / 100, format=pattern, locale=locale.replace("-", "_"))
        return f"{_SYMBOLS.get(self._app.currency, self._app.currency)} {number}"


def _day(moment: datetime, locale: str) -> str:
    """ "martes 24 de noviembre" / "Tuesday, November 24"."""
    pattern = "EEEE d 'de' MMMM" if locale.startswith("es") else "EEEE, MMMM d"
    return format_date(moment.date(), pattern, locale=locale.replace("-", "_"))


def _place(location: Mapping[str, Any]) -> str:
    """What it is called and where it is, on one line."""
    parts = (location["name"], *str(location.get("address") or "").split("\n"))
    return ", ".join(part.strip() for part in parts if part.strip())
