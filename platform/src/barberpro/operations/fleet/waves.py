"""Who is upgraded when: a few canaries first, then waves. Pure."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from barberpro.errors import InvalidInputError

PRODUCTION = "production"


@dataclass(frozen=True, slots=True)
class Candidate:
    """``size`` is the place of its market among the markets, the smallest first."""

    id: str
    vertical: str
    environment: str
    size: int


def ordered(candidates: Iterable[Candidate]) -> list[str]:
    """Where a fault costs least comes first: what is not production, then small businesses, and of
    these one of each vertical in turn, so that few canaries see most of what differs."""
    rows = sorted(candidates, key=lambda one: (one.environment == PRODUCTION, one.size, one.id))
    found: list[str] = []
    for _, group in itertools.groupby(rows, key=lambda one: (one.environment, one.size)):
        by_vertical: dict[str, list[str]] = {}
        for one in group:
            by_vertical.setdefault(one.vertical, []).append(one.id)
        turns = itertools.zip_longest(*(by_vertical[name] for name in sorted(by_vertical)))
        found += [id_ for turn in turns for id_ in turn if id_ is not None]
    return found


def how_many(text: str, total: int) -> int:
    """A number of deployments from ``12`` or ``10%``, at least one; 0 where ``0`` is asked for."""
    match = re.fullmatch(r"(\d{1,6})(%?)", text.strip())
    if match is None or (match[2] and int(match[1]) > 100):
        raise InvalidInputError(
            f"'{text}' is no number of deployments", mend="write a number or a share: 12, or 10%"
        )
    number = int(match[1])
    return math.ceil(total * number / 100) if match[2] else number


def in_waves(ids: Sequence[str], canaries: int, wave: int) -> list[tuple[int, str]]:
    """Each id with its wave: the canaries are wave 0 (none where ``canaries`` is 0)."""
    if wave < 1:
        raise InvalidInputError("a wave has at least one deployment", where="--wave")
    first = [(0, id_) for id_ in ids[:canaries]]
    return first + [(1 + at // wave, id_) for at, id_ in enumerate(ids[canaries:])]
