"""``kill -9`` of the deploying process at random moments, on a real cluster: the same command again must converge.

A deployment is killed 25 times on its way, from its first step to its last, and then finished; after a first
deployment comes an update of it, and so on. Half of the kills take helm and kubectl with them, half leave them
at work. ``BARBERPRO_KILLS`` and ``BARBERPRO_SEED`` change count and seed; after ``BARBERPRO_KILLS_SECONDS``
no other deployment is begun.
"""

from __future__ import annotations

import os
import time

from figures import Figure, emit
from grounds import ID, NAME, SMALL, VERTICAL, Ground, real_pods
from support_cluster_kills import carry_out, moments, trouble_with

KILLS = int(os.environ.get("BARBERPRO_KILLS", "50"))
SEED = int(os.environ.get("BARBERPRO_SEED", "20261124"))
SECONDS = float(os.environ.get("BARBERPRO_KILLS_SECONDS", "420"))
EACH = 25  # of one deployment


def one(live: Ground, number: int, kills: int) -> tuple[int, str]:
    """How many kills met it at work, and what is wrong after it was finished."""
    if number and number % 2 == 0:
        live.operator.must("destroy", ID, "--yes", "--no-backup", timeout=300)
        live.empty(ID)
    given = {**SMALL, "logLevel": "debug" if number % 2 else "info"}
    words = live.words(VERTICAL, NAME, live.values(ID, **given))
    met, finished = carry_out(live.operator, words, moments(SEED + number, kills))
    return len(met), trouble_with(live.operator, ID, finished)


def main() -> None:
    with real_pods() as live:
        if live is None:
            return
        met, troubles, number, begun = 0, 0, 0, time.monotonic()
        while met < KILLS and time.monotonic() - begun < SECONDS:
            kills, trouble = one(live, number, min(EACH, KILLS - met))
            met, number, troubles = met + kills, number + 1, troubles + bool(trouble)
            if trouble:
                print(f"  {trouble}", flush=True)
            spent = time.monotonic() - begun
            print(f"  {met} kills, {number} deployments, {spent:.0f} s", flush=True)
        note = (
            f"seed {SEED}; moments over all steps of {number} deployments, every second one an update; "
            f"each finished by the same command; {spent:.0f} s"
        )
        title = f"deployments on real pods that did not converge after kill -9, of {met} kills"
        emit(Figure(title, troubles, "", 0, note=note))


if __name__ == "__main__":
    main()
