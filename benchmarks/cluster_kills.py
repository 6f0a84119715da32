"""``kill -9`` of the deploying process at random moments, on a real cluster: the same command again must converge.

Each deployment is killed many times on its way, from its first step to its last, and then finished; every
second one is an update of what runs. Half of the kills take helm and kubectl with them, half leave them at
work. ``BARBERPRO_KILLS`` and ``BARBERPRO_SEED`` change count and seed.
"""

from __future__ import annotations

import itertools
import os
import time

from figures import Figure, emit
from grounds import ID, NAME, SMALL, VERTICAL, Ground, real_pods
from support_cluster_kills import carry_out, end_state, moments

KILLS = int(os.environ.get("BARBERPRO_KILLS", "50"))
SEED = int(os.environ.get("BARBERPRO_SEED", "20261124"))
EACH = 10  # of one deployment


def begin_anew(live: Ground) -> None:
    live.operator.must("destroy", ID, "--yes", "--no-backup")
    live.empty(ID)


def main() -> None:
    with real_pods() as live:
        if live is None:
            return
        print("  deploying undisturbed ...", flush=True)
        live.deploy(VERTICAL, NAME, ID, **SMALL)
        wanted = end_state(live.operator, ID)
        met, troubles, begun, left = 0, 0, time.monotonic(), KILLS
        for number in itertools.count():
            if left == 0:
                break
            if number % 2 == 0:
                begin_anew(live)
            given = {**SMALL, "logLevel": "debug" if number % 2 else "info"}
            words = live.words(VERTICAL, NAME, live.values(ID, **given))
            kills, finished = carry_out(
                live.operator, words, moments(SEED + number, min(EACH, left))
            )
            state = end_state(live.operator, ID) if finished.returncode == 0 else finished.stderr
            if state != wanted:
                troubles += 1
                print(f"  after {kills}: {state}", flush=True)
            met, left = met + len(kills), left - len(kills)
            print(f"  {met} kills, {time.monotonic() - begun:.0f} s", flush=True)
        note = f"seed {SEED}; {number} deployments, half of them updates, all steps; not converged: {troubles}"
        emit(
            Figure(
                "kill -9 on a real cluster: deployments that did not converge",
                troubles,
                "",
                0,
                note=f"{met} kills; {note}",
            )
        )


if __name__ == "__main__":
    main()
