"""The chart's notation and its state: FDI two-digit teeth, surfaces, findings (ISO 3950).

The chart is what all findings up to now make of it: a finding on a surface replaces the one before
on that surface, one on the whole tooth replaces the whole-tooth finding, and a tooth that is missing
or extracted has no surfaces. The findings before are kept: the history is the clinical record's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

Surface = Literal["M", "D", "O", "I", "V", "L", "P"]
State = Literal[
    "healthy", "caries", "filling", "sealant", "fracture", "crown", "root_canal", "implant",
    "bridge", "missing", "extraction_planned", "impacted", "mobile", "prosthesis",
]  # fmt: skip
#: What is said of a surface, and what of the whole tooth.
OF_SURFACE: frozenset[State] = frozenset({"healthy", "caries", "filling", "sealant", "fracture"})
OF_TOOTH: tuple[State, ...] = (
    "healthy", "crown", "root_canal", "implant", "bridge", "missing", "extraction_planned",
    "impacted", "mobile", "prosthesis", "fracture",
)  # fmt: skip
#: As the clinical record says it, in whatever language its author reads pages.
STATES: Mapping[State, str] = {
    "healthy": "sano", "caries": "caries", "filling": "obturación", "sealant": "sellante",
    "fracture": "fractura", "crown": "corona", "root_canal": "endodoncia", "implant": "implante",
    "bridge": "puente", "missing": "ausente", "extraction_planned": "extracción indicada",
    "impacted": "retenido", "mobile": "movilidad", "prosthesis": "prótesis removible",
}  # fmt: skip
GONE: frozenset[State] = frozenset({"missing"})


def _row(right: int, left: int, last: int) -> tuple[int, ...]:
    """As it is seen from in front: the patient's right is at the left."""
    return (
        *(right * 10 + tooth for tooth in range(last, 0, -1)),
        *(left * 10 + tooth for tooth in range(1, last + 1)),
    )


PERMANENT_UPPER, PERMANENT_LOWER = _row(1, 2, 8), _row(4, 3, 8)
DECIDUOUS_UPPER, DECIDUOUS_LOWER = _row(5, 6, 5), _row(8, 7, 5)
ROWS = (PERMANENT_UPPER, DECIDUOUS_UPPER, DECIDUOUS_LOWER, PERMANENT_LOWER)
TEETH = frozenset(tooth for row in ROWS for tooth in row)


def is_upper(tooth: int) -> bool:
    return tooth // 10 in {1, 2, 5, 6}


def is_front(tooth: int) -> bool:
    """Incisors and canines have an edge (I) where the others have a chewing surface (O)."""
    return tooth % 10 <= 3


def surfaces(tooth: int) -> tuple[Surface, ...]:
    """The five surfaces of a tooth: palatal (P) above, lingual (L) below."""
    edge: Surface = "I" if is_front(tooth) else "O"
    inner: Surface = "P" if is_upper(tooth) else "L"
    return ("M", "D", edge, "V", inner)


@dataclass(frozen=True, slots=True)
class Finding:
    """`surface` None is the whole tooth."""

    tooth: int
    surface: Surface | None
    state: State
    note: str = ""
    at: datetime | None = None
    entry_id: UUID | None = None


@dataclass(slots=True)
class Tooth:
    """What is known of a tooth now."""

    number: int
    whole: Finding | None = None
    by_surface: dict[str, Finding] = field(default_factory=dict)
    history: list[Finding] = field(default_factory=list)


def problem(finding: Finding) -> str | None:
    """Why a finding makes no sense: `tooth`, `surface` or `state`; None if it does."""
    if finding.tooth not in TEETH:
        return "tooth"
    if finding.surface is None:
        return None if finding.state in OF_TOOTH else "state"
    if finding.surface not in surfaces(finding.tooth):
        return "surface"
    return None if finding.state in OF_SURFACE else "state"


def fold(findings: Iterable[Finding]) -> dict[int, Tooth]:
    """The chart after all findings, in the order in which they were written."""
    chart: dict[int, Tooth] = {}
    for finding in findings:
        tooth = chart.setdefault(finding.tooth, Tooth(finding.tooth))
        tooth.history.append(finding)
        if finding.surface is not None:
            tooth.by_surface[finding.surface] = finding
            if tooth.whole is not None and tooth.whole.state in GONE:
                tooth.whole = None
        else:
            tooth.whole = None if finding.state == "healthy" else finding
            if finding.state in GONE or finding.state == "healthy":
                tooth.by_surface.clear()
    return chart
