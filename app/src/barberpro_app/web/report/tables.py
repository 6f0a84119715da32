"""The numbers of a report as tables: for the page, and for a spreadsheet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from barberpro_app.kit import spreadsheet
from barberpro_app.report.schemas import Report
from barberpro_app.web.parts.booking_view import in_language
from barberpro_app.web.site.rendering import Reader


@dataclass(frozen=True)
class Cell:
    """What the page shows and what the file has."""

    shown: str
    raw: str


#: Units of columns, for the file alone: the page says them with each number.
_MINUTES, _PERCENT = {"opened", "booked"}, {"share", "missed_share"}
_MONEY = {"earned", "received", "returned", "fees"}


@dataclass(frozen=True)
class Table:
    """One table; `key` is the name of its file."""

    key: str
    title: str
    columns: Sequence[str]
    headings: Sequence[str]  # of the file
    rows: list[Sequence[Cell]]

    def file(self) -> bytes:
        return spreadsheet.sheet(self.headings, [[cell.raw for cell in row] for row in self.rows])


class Sheets:
    """Makes the tables of one report for one reader."""

    def __init__(self, reader: Reader, report: Report) -> None:
        self.reader, self.report = reader, report
        self._separator = "," if reader.locale.startswith("es") else "."

    def every(self) -> dict[str, Table]:
        """By key, in the order of the page; those of money where payments are kept."""
        makers: list[Callable[[], Table]] = [
            self.providers, self.hours, self.attendance, self.clients,
        ]  # fmt: skip
        if self.report.revenue is not None:
            makers += [self.earned, self.services, self.means]
        return {table.key: table for table in (make() for make in makers)}

    def _table(self, key: str, columns: Sequence[str], rows: list[Sequence[Cell]]) -> Table:
        t = self.reader.t
        shown = [t(f"report.column.{name}") for name in columns]
        units = [self._unit(name) for name in columns]
        headings = [
            f"{name} ({unit})" if unit else name for name, unit in zip(shown, units, strict=True)
        ]
        return Table(key, t(f"report.{key}"), shown, headings, rows)

    def _unit(self, column: str) -> str:
        if column in _MINUTES:
            return "min"
        if column in _PERCENT:
            return "%"
        return self.reader.app.currency if column in _MONEY else ""

    def _text(self, value: str) -> Cell:
        return Cell(value, spreadsheet.text(value))

    def _count(self, value: int) -> Cell:
        return Cell(self.reader.fmt.number(value), str(value))

    def _minutes(self, value: int) -> Cell:
        return Cell(self.reader.fmt.duration(value), str(value))

    def _money(self, centavos: int) -> Cell:
        raw = spreadsheet.number(centavos, 2, self._separator)
        return Cell(self.reader.fmt.money(centavos), raw)

    def _share(self, part: int, whole: int) -> Cell:
        """In percent, to a tenth; of nothing there is none."""
        if not whole:
            return Cell("–", "")
        tenths = round(1000 * part / whole)
        raw = spreadsheet.number(tenths, 1, self._separator)
        return Cell(f"{raw}\u00a0%", raw)

    def _day(self, day: date) -> Cell:
        """The part that begins on a day."""
        return Cell(self.part_name(day), day.isoformat())

    def part_name(self, day: date) -> str:
        fmt, grain = self.reader.fmt, self.report.grain
        if grain == "month":
            return fmt.month_name(day)
        if grain == "week":
            return self.reader.t("report.week_of", day=fmt.short_day(day))
        return fmt.day(day)

    def providers(self) -> Table:
        rows = [
            (self._text(item.name), self._minutes(item.opened_minutes),
             self._minutes(item.booked_minutes),
             self._share(item.booked_minutes, item.opened_minutes))
            for item in self.report.occupancy.providers
        ]  # fmt: skip
        return self._table("ocupacion", ("provider", "opened", "booked", "share"), [*rows])

    def hours(self) -> Table:
        rows = [
            (self._text(self.reader.fmt.weekday_name(item.weekday)),
             Cell(f"{item.hour:02d}:00", f"{item.hour:02d}:00"),
             self._minutes(item.opened_minutes), self._minutes(item.booked_minutes),
             self._share(item.booked_minutes, item.opened_minutes))
            for item in self.report.occupancy.hours
        ]  # fmt: skip
        columns = ("weekday", "hour", "opened", "booked", "share")
        return self._table("horarios", columns, [*rows])

    def attendance(self) -> Table:
        rows = [
            (self._day(item.first_day), self._count(item.came), self._count(item.missed),
             self._share(item.missed, item.came + item.missed))
            for item in self.report.attendance.items
        ]  # fmt: skip
        return self._table("ausencias", ("from", "came", "missed", "missed_share"), [*rows])

    def clients(self) -> Table:
        rows = [
            (self._day(item.first_day), self._count(item.new), self._count(item.returning))
            for item in self.report.clients.items
        ]
        return self._table("clientes", ("from", "new", "returning"), [*rows])

    def earned(self) -> Table:
        assert self.report.revenue is not None
        rows = [(self._day(item.first_day), self._money(item.centavos))
                for item in self.report.revenue.items]  # fmt: skip
        return self._table("ingresos", ("from", "earned"), [*rows])

    def services(self) -> Table:
        assert self.report.revenue is not None
        rows = [(self._text(self.service_name(item.kind, item.name)), self._money(item.centavos))
                for item in self.report.revenue.services]  # fmt: skip
        return self._table("servicios", ("service", "earned"), [*rows])

    def service_name(self, kind: str, name: dict[str, str]) -> str:
        reader = self.reader
        found = in_language(name, reader.locale, reader.app.locale)
        return found or reader.t(
            "report.kind.other" if kind == "booking" else f"report.kind.{kind}"
        )

    def means(self) -> Table:
        assert self.report.revenue is not None
        rows = [
            (self._text(self.account_name(item.account)), self._money(item.received_centavos),
             self._money(item.returned_centavos), self._money(item.fees_centavos))
            for item in self.report.revenue.means
        ]  # fmt: skip
        return self._table("medios", ("means", "received", "returned", "fees"), [*rows])

    def account_name(self, account: str) -> str:
        key = f"report.account.{account}"
        return self.reader.t(key) if self.reader.t.has(key) else account
