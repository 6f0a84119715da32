"""The odontogram: a drawing whose teeth are links, the same as a table, and the form of one tooth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.clinical_records.persons import require_team, vault_of
from barberpro_app.kit.errors import AppError
from barberpro_app.odontogram import service
from barberpro_app.odontogram.chart import (
    OF_SURFACE,
    OF_TOOTH,
    ROWS,
    TEETH,
    Tooth,
    is_upper,
    surfaces,
)
from barberpro_app.odontogram.schemas import FindingsDraft
from barberpro_app.web.clinical.common import patient_page
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.site.drafts import draft
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.rendering import Reader, reader_of, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_team)])
HOME = "/pacientes/{client_id}/odontograma"
STEP, ROW = 46, 74
_SHAPES = {
    "top": "0,0 40,0 28,12 12,12",
    "right": "40,0 40,40 28,28 28,12",
    "bottom": "0,40 40,40 28,28 12,28",
    "left": "0,0 12,12 12,28 0,40",
    "centre": "12,12 28,12 28,28 12,28",
}


@dataclass(frozen=True)
class Drawn:
    """A tooth in the drawing; `parts` are (surface, points, state)."""

    number: int
    x: int
    y: int
    upper: bool
    parts: Sequence[tuple[str, str, str]]
    whole: str
    label: str


def _places(tooth: int) -> dict[str, str]:
    """Where each surface is, seen from in front: mesial towards the middle line."""
    mesial, distal, edge, outer, inner = surfaces(tooth)
    right_side = tooth // 10 in {1, 4, 5, 8}
    upper = is_upper(tooth)
    return {
        mesial: "right" if right_side else "left",
        distal: "left" if right_side else "right",
        edge: "centre",
        outer: "top" if upper else "bottom",
        inner: "bottom" if upper else "top",
    }


def _label(reader: Reader, number: int, tooth: Tooth | None) -> str:
    """What a screen reader says of a tooth."""
    t = reader.t
    said = []
    if tooth and tooth.whole:
        said.append(t(f"tooth.{tooth.whole.state}"))
    if tooth:
        said += [f"{t(f'surface.{name}')}: {t(f'tooth.{finding.state}')}"
                 for name, finding in sorted(tooth.by_surface.items())]  # fmt: skip
    return f"{number}: {', '.join(said) if said else t('chart.nothing')}"


def drawing(reader: Reader, chart: dict[int, Tooth]) -> list[Drawn]:
    """Every tooth with its place and colours."""
    drawn = []
    for line, row in enumerate(ROWS):
        indent = (16 - len(row)) // 2
        for column, number in enumerate(row):
            tooth = chart.get(number)
            found = tooth.by_surface if tooth else {}
            parts = [
                (name, _SHAPES[place], found[name].state if name in found else "")
                for name, place in _places(number).items()
            ]
            whole = tooth.whole.state if tooth and tooth.whole else ""
            gap = 12 if column + indent >= 8 else 0
            drawn.append(
                Drawn(
                    number,
                    (column + indent) * STEP + gap,
                    line * ROW,
                    line < 2,
                    parts,
                    whole,
                    _label(reader, number, tooth),
                )
            )
    return drawn


@router.get(HOME)
async def show(
    request: Request, client_id: UUID, pieza: str = "", reader: Reader = Depends(reader_of)
) -> Response:
    return await _page(request, reader, client_id, _tooth(pieza))


def _tooth(text: str) -> int | None:
    """A tooth's number from an address or a field; None for anything else."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) == 2 else 0
    return number if number in TEETH else None


async def _page(
    request: Request,
    reader: Reader,
    client_id: UUID,
    chosen: int | None,
    form: Form | None = None,
    error: AppError | None = None,
) -> Response:
    async with reader.database.transaction() as connection:
        chart = await service.chart_of(
            connection, vault_of(request), actor(request, reader.principal), client_id
        )
    t = reader.t
    options = [("", t("surface.whole"))]
    if chosen is not None:
        options += [(name, f"{name} · {t(f'surface.{name}')}") for name in surfaces(chosen)]
    states = dict.fromkeys([*sorted(OF_SURFACE), *OF_TOOTH])
    return await patient_page(
        request, reader, client_id, "chart",
        form=form or Form.empty(pieza=chosen), error=error,
        drawing=drawing(reader, chart), width=16 * STEP + 12, height=4 * ROW,
        known=[chart[number] for number in sorted(chart)], chosen=chosen,
        history=list(reversed(chart[chosen].history)) if chosen in chart else [],
        surfaces=options, states=[(state, t(f"tooth.{state}")) for state in states],
        teeth=sorted(TEETH),
    )  # fmt: skip


@router.post(HOME)
async def add(request: Request, client_id: UUID, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    chosen = _tooth(form.raw("pieza"))
    if chosen is None:
        form.refuse("pieza", "error.choice")
    finding = {
        "tooth": chosen or 11,
        "surface": form.raw("cara") or None,
        "state": form.raw("estado"),
        "note": form.text("nota", most=500, required=False, lines=True),
    }
    new = draft(form, FindingsDraft, {"findings": [finding]}, {"findings": "estado"})
    if new is None:
        if "estado" in form.problems:
            del form.problems["estado"]
            form.refuse("estado", "chart.no_sense")
        return await _page(request, reader, client_id, chosen, form)
    async with reader.database.transaction() as connection:
        who = actor(request, reader.principal)
        await service.add_findings(connection, vault_of(request), who, client_id, new)
    return see(f"/pacientes/{client_id}/odontograma?pieza={chosen}&hecho=guardado#pieza-elegida")
