"""``kill -9`` of the deploying process at many random moments; the same command again must converge.

Two operators work side by side, each in a home of its own. ``BARBERPRO_KILLS`` and ``BARBERPRO_SEED``
change count and seed; SIGTERM ends it after the kills under way, with what was seen so far. Each
deployment that did not end as an undisturbed one is printed.
"""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from threading import Event

from figures import Figure, emit
from homes import operator
from support_kills import Fall, falls, left_behind

KILLS = int(os.environ.get("BARBERPRO_KILLS", "500"))
SEED = int(os.environ.get("BARBERPRO_SEED", "20261124"))
OPERATORS = 2
enough = Event()


def share(number: int) -> tuple[list[Fall], list[str]]:
    """What one operator saw, and what was left behind in that home."""
    count = KILLS // OPERATORS + (1 if number < KILLS % OPERATORS else 0)
    ended = []
    with operator() as someone:
        for fall in falls(someone, SEED + number, count, enough=enough.is_set):
            ended.append(fall)
            if fall.trouble:
                [(after, seconds)] = fall.moments
                print(f"  killed {seconds:.3f} s after event {after}: {fall.trouble}", flush=True)
            elif len(ended) % 25 == 0:
                print(f"  operator {number}: {len(ended)} of {count}", flush=True)
        return ended, left_behind(someone)


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: enough.set())
    with ThreadPoolExecutor(OPERATORS) as pool:
        results = list(pool.map(share, range(OPERATORS)))
    ended = [fall for found, _ in results for fall in found]
    orphans = [item for _, found in results for item in found]
    for item in orphans:
        print(f"  left behind: {item}", flush=True)
    converged = sum(not fall.trouble for fall in ended)
    early = f"; ended early, of {KILLS} asked" if enough.is_set() else ""
    note = f"seed {SEED}, moments over all events of a run; left behind: {len(orphans)}{early}"
    emit(
        Figure(
            f"deployments that converged after kill -9, of {len(ended)}",
            converged,
            "",
            len(ended),
            at_least=True,
            note=note,
        )
    )


if __name__ == "__main__":
    main()
