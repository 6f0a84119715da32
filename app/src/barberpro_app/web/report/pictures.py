"""What the report's pictures show of its figures, with the sentence that says the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from babel.numbers import format_compact_decimal

from barberpro_app.report.schemas import Report
from barberpro_app.web.report.charts import Columns, Heat, Value, columns, heat
from barberpro_app.web.report.tables import Sheets
from barberpro_app.web.site.formatting import SYMBOLS
from barberpro_app.web.site.rendering import Reader


@dataclass(frozen=True)
class Bar:
    """A line with a bar: `width` is 0 to 100."""

    name: str
    shown: str
    width: float


@dataclass(frozen=True)
class Tile:
    """A figure in large; `at` is the picture that it is about."""

    at: str
    title: str
    shown: str
    note: str


@dataclass(frozen=True)
class Chart:
    """A drawing of columns, its axis as texts, and what it says."""

    drawn: Columns
    axis: list[tuple[float, str]]
    says: str


@dataclass(frozen=True)
class Pictures:
    """Everything that is drawn; nothing is None where there is nothing to draw."""

    tiles: list[Tile]
    providers: list[Bar]
    heat: Heat | None
    attendance: Chart | None
    clients: Chart | None
    earned: Chart | None
    services: list[Bar]
    means: list[Bar]


def draw(reader: Reader, report: Report, sheets: Sheets) -> Pictures:
    return Pictures(
        tiles=_tiles(reader, report),
        providers=_providers(reader, report),
        heat=_heat(reader, report),
        attendance=_attendance(reader, report, sheets),
        clients=_clients(reader, report, sheets),
        earned=_earned(reader, report, sheets),
        services=_services(reader, report, sheets),
        means=_means(reader, report, sheets),
    )


def percent(part: int, whole: int) -> str:
    return f"{round(100 * part / whole)}\u00a0%" if whole else "–"


def _tiles(reader: Reader, report: Report) -> list[Tile]:
    t, fmt = reader.t, reader.fmt
    full, came, who = report.occupancy, report.attendance, report.clients
    tiles = [
        Tile("ocupacion", t("report.ocupacion"), percent(full.booked_minutes, full.opened_minutes),
             t("report.tile.occupancy", first=_hours(reader, full.booked_minutes),
               last=_hours(reader, full.opened_minutes))),
        Tile("ausencias", t("report.ausencias"), percent(came.missed, came.came + came.missed),
             t("report.tile.missed", n=came.missed, count=came.came + came.missed)),
        Tile("clientes", t.word("Clients"), fmt.number(who.new + who.returning),
             t("report.tile.clients", n=who.new, count=who.returning)),
    ]  # fmt: skip
    if report.revenue is not None:
        received = sum(item.received_centavos for item in report.revenue.means)
        tiles.insert(0, Tile("ingresos", t("report.ingresos"), fmt.money(report.revenue.centavos),
                             t("report.tile.received", what=fmt.money(received))))  # fmt: skip
    return tiles


def _hours(reader: Reader, minutes: int) -> str:
    """Whole hours: a headline needs no minutes."""
    return f"{reader.fmt.number(round(minutes / 60))}\u00a0h"


def _providers(reader: Reader, report: Report) -> list[Bar]:
    return [
        Bar(
            item.name,
            percent(item.booked_minutes, item.opened_minutes),
            _width(item.booked_minutes, item.opened_minutes),
        )
        for item in report.occupancy.providers
    ]


def _width(part: int, whole: int) -> float:
    return round(min(100.0, max(0.0, 100 * part / whole)), 1) if whole > 0 else 0.0


def _heat(reader: Reader, report: Report) -> Heat | None:
    cells = []
    for item in report.occupancy.hours:
        share = item.booked_minutes / item.opened_minutes if item.opened_minutes else None
        day = reader.fmt.weekday_name(item.weekday)
        says = f"{day} {item.hour}:00 · {percent(item.booked_minutes, item.opened_minutes)}"
        cells.append((item.weekday, item.hour, share, says))
    return heat(cells)


def _label(reader: Reader, report: Report, day: date) -> str:
    if report.grain == "month":
        return reader.fmt.month(day)
    if report.grain == "day":
        return f"{reader.fmt.weekday(day)} {day.day}"
    return f"{day.day} {reader.fmt.month(day)}"


def _attendance(reader: Reader, report: Report, sheets: Sheets) -> Chart | None:
    """The share that was missed, part by part."""
    found = report.attendance
    if not found.came + found.missed:
        return None
    values = [
        Value(
            [100 * item.missed / (item.came + item.missed) if item.missed else 0.0],
            _label(reader, report, item.first_day),
            f"{sheets.part_name(item.first_day)} · {percent(item.missed, item.came + item.missed)}",
        )
        for item in found.items
    ]
    drawn = columns(values, 10.0)
    axis = [(y, f"{value:g} %") for y, value in drawn.ticks]
    says = reader.t("report.tile.missed", n=found.missed, count=found.came + found.missed)
    return Chart(drawn, axis, says)


def _clients(reader: Reader, report: Report, sheets: Sheets) -> Chart | None:
    found = report.clients
    if not found.new + found.returning:
        return None
    values = [
        Value(
            [float(item.returning), float(item.new)],
            _label(reader, report, item.first_day),
            f"{sheets.part_name(item.first_day)} · "
            + reader.t("report.tile.clients", n=item.new, count=item.returning),
        )
        for item in found.items
    ]
    says = reader.t("report.tile.clients", n=found.new, count=found.returning)
    drawn = columns(values, 4.0, whole=True)
    return Chart(drawn, [(y, f"{value:g}") for y, value in drawn.ticks], says)


def _earned(reader: Reader, report: Report, sheets: Sheets) -> Chart | None:
    if report.revenue is None or not any(item.centavos for item in report.revenue.items):
        return None
    values = [
        Value(
            [item.centavos / 100],
            _label(reader, report, item.first_day),
            f"{sheets.part_name(item.first_day)} · {reader.fmt.money(item.centavos)}",
        )
        for item in report.revenue.items
    ]
    drawn = columns(values, 1000.0)
    symbol = SYMBOLS.get(report.revenue.currency, report.revenue.currency)
    locale = reader.locale.replace("-", "_")
    axis = [(y, f"{symbol} {format_compact_decimal(value, locale=locale, fraction_digits=1)}")
            for y, value in drawn.ticks]  # fmt: skip
    return Chart(drawn, axis, f"{reader.t('report.ingresos')}: "
                 f"{reader.fmt.money(report.revenue.centavos)}")  # fmt: skip


def _services(reader: Reader, report: Report, sheets: Sheets) -> list[Bar]:
    if report.revenue is None:
        return []
    most = max([1, *(item.centavos for item in report.revenue.services)])
    return [
        Bar(
            sheets.service_name(item.kind, item.name),
            reader.fmt.money(item.centavos),
            _width(item.centavos, most),
        )
        for item in report.revenue.services
    ]


def _means(reader: Reader, report: Report, sheets: Sheets) -> list[Bar]:
    if report.revenue is None:
        return []
    most = max([1, *(item.received_centavos for item in report.revenue.means)])
    return [
        Bar(
            sheets.account_name(item.account),
            reader.fmt.money(item.received_centavos),
            _width(item.received_centavos, most),
        )
        for item in report.revenue.means
    ]
