"""How long who walked in will wait: each turn in order gets the first gap in the agenda that is long
enough for its service, and takes it from those after it. Pure but for what it is given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

from barberpro_app.availability.service import Candidate
from barberpro_app.availability.slots import Interval, starts_of_day

MINUTE = 60


def waits(
    turns: Iterable[tuple[UUID, UUID, UUID | None]],
    candidates: Mapping[UUID, Sequence[Candidate]],
    day: date,
    zone: ZoneInfo,
    now: int,
) -> dict[UUID, int | None]:
    """Minutes by turn; None where nothing is left of the day. `turns` are (key, service, provider or
    anybody) in order; `candidates` who gives each service; `now` seconds since 1970."""
    taken: dict[UUID, list[Interval]] = {}
    found: dict[UUID, int | None] = {}
    for key, service, wanted in turns:
        best: tuple[int, Candidate] | None = None
        for candidate in candidates.get(service, ()):
            if wanted not in (None, candidate.provider_id):
                continue
            start = _first(candidate, taken.get(candidate.provider_id, []), day, zone, now)
            if start is not None and (best is None or start < best[0]):
                best = (start, candidate)
        found[key] = None
        if best is not None:
            start, candidate = best
            found[key] = max(0, -(-(start - now) // MINUTE))
            end = start + candidate.offer.length + candidate.offer.after
            taken.setdefault(candidate.provider_id, []).append((start, end))
    return found


def _first(
    candidate: Candidate, taken: Sequence[Interval], day: date, zone: ZoneInfo, now: int
) -> int | None:
    """The first minute from now on at which the candidate could begin."""
    busy = sorted([*candidate.calendar.busy, *taken])
    calendar = replace(candidate.calendar, busy=busy)
    starts = starts_of_day(day, zone, candidate.offer, calendar, MINUTE)
    return next((start for start in starts if start >= now - MINUTE + 1), None)
