"""Money, days and hours as the reader writes them: "$ 12.000", "martes 24 de noviembre", "15:30"."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import phonenumbers
from babel.dates import format_date
from babel.numbers import format_decimal

SYMBOLS = {"ARS": "$", "USD": "US$", "EUR": "€"}
NO_BREAK = "\u00a0"
NOON, EVENING = 12, 18  # hours of the clock at which the afternoon and the evening begin
DAY_PARTS = ("morning", "afternoon", "evening")


@dataclass(frozen=True)
class Formats:
    """Formats of one reader: their language, the brand's currency and zone."""

    locale: str  # BCP 47: es-AR, en
    currency: str
    zone: ZoneInfo

    @property
    def _babel(self) -> str:
        return self.locale.replace("-", "_")

    def money(self, centavos: int) -> str:
        """Integer centavos as money; the cents are shown only where there are some."""
        pattern = "#,##0" if centavos % 100 == 0 else "#,##0.00"
        number = format_decimal(abs(centavos) / 100, format=pattern, locale=self._babel)
        sign = "-" if centavos < 0 else ""
        return f"{sign}{SYMBOLS.get(self.currency, self.currency)}{NO_BREAK}{number}"

    def number(self, value: int) -> str:
        """A count: "12.345" / "12,345"."""
        return format_decimal(value, locale=self._babel)

    def local(self, instant: datetime, zone: str | None = None) -> datetime:
        return instant.astimezone(ZoneInfo(zone) if zone else self.zone)

    def instant(self, day: date, hour: time) -> datetime:
        """The instant (UTC) of a wall-clock time in the brand's zone."""
        return datetime.combine(day, hour, self.zone).astimezone(UTC)

    def today(self, now: datetime) -> date:
        return self.local(now).date()

    def hour(self, instant: datetime, zone: str | None = None) -> str:
        """24-hour clock, in both languages."""
        return self.local(instant, zone).strftime("%H:%M")

    def day(self, day: date) -> str:
        """ "martes 24 de noviembre" / "Tuesday, November 24"."""
        spanish = self.locale.startswith("es")
        pattern = "EEEE d 'de' MMMM" if spanish else "EEEE, MMMM d"
        return format_date(day, pattern, locale=self._babel)

    def days(self, first: date, last: date) -> str:
        """ "23 al 29 de noviembre" / "November 23 – 29"; both months where there are two."""
        one = (first.year, first.month) == (last.year, last.month)
        if self.locale.startswith("es"):
            start = str(first.day) if one else format_date(first, "d 'de' MMMM", locale=self._babel)
            end = format_date(last, "d 'de' MMMM", locale=self._babel)
            return f"{start} al {end}"
        end = str(last.day) if one else format_date(last, "MMMM d", locale=self._babel)
        return f"{format_date(first, 'MMMM d', locale=self._babel)} \u2013 {end}"

    def long_day(self, day: date) -> str:
        spanish = self.locale.startswith("es")
        pattern = "EEEE d 'de' MMMM 'de' y" if spanish else "EEEE, MMMM d, y"
        return format_date(day, pattern, locale=self._babel)

    def short_day(self, day: date) -> str:
        """ "24 nov 2026" / "Nov 24, 2026"."""
        pattern = "d MMM y" if self.locale.startswith("es") else "MMM d, y"
        return format_date(day, pattern, locale=self._babel)

    def phone(self, number: str) -> str:
        """ "+54 9 11 2345-6789"; what is no number in E.164 stays as it was typed."""
        try:
            parsed = phonenumbers.parse(number)
        except phonenumbers.NumberParseException:
            return number
        return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)

    def weekday(self, day: date) -> str:
        return format_date(day, "EEE", locale=self._babel).rstrip(".")

    def weekday_name(self, number: int) -> str:
        """Name of an ISO weekday: 1 is Monday."""
        return format_date(date(2024, 1, number), "EEEE", locale=self._babel)

    def month(self, day: date) -> str:
        return format_date(day, "MMM", locale=self._babel).rstrip(".")

    def month_alone(self, day: date) -> str:
        return format_date(day, "LLLL", locale=self._babel)

    def month_name(self, day: date) -> str:
        return format_date(day, "LLLL y", locale=self._babel)

    def moment(self, instant: datetime, zone: str | None = None) -> str:
        """ "martes 24 de noviembre, 15:30"."""
        return f"{self.day(self.local(instant, zone).date())}, {self.hour(instant, zone)}"

    def stamp(self, instant: datetime) -> str:
        """Day and time in digits, for logs and tables: 24/11/2026 15:30."""
        local = self.local(instant)
        return (
            f"{local:%d/%m/%Y %H:%M}" if self.locale.startswith("es") else f"{local:%Y-%m-%d %H:%M}"
        )

    def duration(self, minutes: int) -> str:
        hours, rest = divmod(minutes, 60)
        parts = ([f"{hours}{NO_BREAK}h"] if hours else []) + (
            [f"{rest}{NO_BREAK}min"] if rest or not hours else []
        )
        return NO_BREAK.join(parts)

    def day_part(self, instant: datetime, zone: str | None = None) -> str:
        hour = self.local(instant, zone).hour
        return DAY_PARTS[(hour >= NOON) + (hour >= EVENING)]


def start_of(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a day in a zone."""
    return datetime.combine(day, datetime.min.time(), zone)


def days_from(first: date, count: int) -> list[date]:
    return [first + timedelta(days=offset) for offset in range(count)]


def last_minute(due: datetime) -> datetime:
    """The last minute of a deadline: one that ends at midnight is of the day before."""
    return due - timedelta(minutes=1)
