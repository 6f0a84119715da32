"""The owner's report: pictures first, the numbers under each, and files for a spreadsheet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from pydantic import ValidationError
from starlette.responses import Response

from barberpro_app.identity.auth import require_role
from barberpro_app.kit import clock
from barberpro_app.kit.errors import NotFoundError
from barberpro_app.kit.replica import read
from barberpro_app.kit.spreadsheet import MEDIA_TYPE
from barberpro_app.report import service
from barberpro_app.report.schemas import LONGEST, Report, Span
from barberpro_app.web.report import pictures as report_pictures
from barberpro_app.web.report.tables import Sheets
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.rendering import Reader, page, reader_of

router = APIRouter(
    include_in_schema=False, dependencies=[Depends(require_role("owner", "manager"))]
)
HOME = "/informe"
PERIODS = {
    "semana": service.this_week,
    "mes": service.this_month,
    "trimestre": service.last_three_months,
}
USUAL = "mes"


@dataclass(frozen=True)
class _Asked:
    """The span that was asked for, and by which name if it has one."""

    span: Span
    period: str
    form: Form


def _asked(request: Request, reader: Reader) -> _Asked:
    """What is wrong is noted in the form, and the usual span is shown."""
    query = request.query_params
    today = reader.fmt.today(clock.now())
    typed = {name: [query[name]] for name in ("desde", "hasta") if name in query}
    form = Form(typed)
    if typed:
        span = _typed(form)
        if span is not None:
            return _Asked(span, "", form)
    period = query.get("periodo", USUAL)
    period = period if period in PERIODS else USUAL
    span = PERIODS[period](today)
    if not typed:
        form = Form.empty(desde=span.first.isoformat(), hasta=span.last.isoformat())
    return _Asked(span, "" if form.problems else period, form)


def _typed(form: Form) -> Span | None:
    first, last = form.day("desde"), form.day("hasta")
    if first is None or last is None:
        return None
    try:
        return Span(first=first, last=last)
    except ValidationError:
        form.refuse("hasta", "report.wrong_span", n=LONGEST)
        return None


async def _report(request: Request, reader: Reader, span: Span) -> Report:
    return await read(request, lambda connection: service.make_report(connection, reader.app, span))


@router.get(HOME)
async def show(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    asked = _asked(request, reader)
    report = await _report(request, reader, asked.span)
    sheets = Sheets(reader, report)
    return page(
        request,
        reader,
        "report/report.html",
        422 if asked.form.problems else 200,
        form=asked.form,
        periods=list(PERIODS),
        period=asked.period,
        title=_title(reader, asked.span),
        report=report,
        tables=sheets.every(),
        pictures=report_pictures.draw(reader, report, sheets),
        file_query=urlencode({"desde": report.first, "hasta": report.last}),
    )


def _title(reader: Reader, span: Span) -> str:
    fmt = reader.fmt
    return reader.t("report.span", start=fmt.short_day(span.first), until=fmt.short_day(span.last))


@router.get(HOME + "/{name}.csv")
async def file(request: Request, name: str, reader: Reader = Depends(reader_of)) -> Response:
    """One table. What is wrong with the days is answered as if there were no such file."""
    asked = _asked(request, reader)
    if asked.form.problems:
        raise NotFoundError
    table = Sheets(reader, await _report(request, reader, asked.span)).every().get(name)
    if table is None:
        raise NotFoundError
    return Response(table.file(), media_type=MEDIA_TYPE, headers=_headers(name, asked.span))


def _headers(name: str, span: Span) -> dict[str, str]:
    file_name = f"{name}-{_plain(span.first)}-{_plain(span.last)}.csv"
    return {
        "Content-Disposition": f'attachment; filename="{file_name}"',
        "Cache-Control": "no-store",
    }


def _plain(day: date) -> str:
    return day.strftime("%Y%m%d")
