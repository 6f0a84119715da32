"""Stages 2 to 4 of a first deployment on real pods, infrastructure to configured, against a bare
``helm install --wait`` of the same chart with the same values, in turns on the same node.

Both begin with an empty database and no namespace, and end when every pod is ready. The bare one makes
the namespace too; it reads nothing back, keeps no record of steps, and configures nothing.
``BARBERPRO_ROUNDS`` changes how often (3).
"""

from __future__ import annotations

import json
import os
import time

from figures import Figure, emit, median
from grounds import ID, NAME, SMALL, VERTICAL, Ground, real_pods

ROUNDS = int(os.environ.get("BARBERPRO_ROUNDS", "3"))
STAGES = ("infrastructure-provisioning", "container-deployment", "configuration-customization")
SECONDS = "300s"
RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"


def ours(live: Ground) -> tuple[float, dict[str, float]]:
    """From the first step of stage 2 to the end of stage 4, with how long each step took."""
    live.deploy(VERTICAL, NAME, ID, **SMALL)
    run = live.operator.data("status", ID)["runs"][0]["run"]
    steps = [
        step for step in live.operator.data("runs", run)["steps"]
        if step["phase"] == "run" and step["stage"] in STAGES
    ]  # fmt: skip
    begun = min(step["started"] for step in steps)
    ended = max(step["started"] + step["seconds"] for step in steps)
    return ended - begun, {step["step"]: step["seconds"] for step in steps}


def bare(live: Ground, values: str) -> float:
    """What Helm alone needs."""
    begun = time.perf_counter()
    live.kubectl("create", "namespace", ID)
    live.kubectl("label", "namespace", ID, RESTRICTED)
    live.cluster.helm(
        "install", "barberpro", str(live.chart), "-n", ID, "-f", values, "--wait", "--wait-for-jobs",
        "--timeout", SECONDS,
    )  # fmt: skip
    return time.perf_counter() - begun


def clear(live: Ground) -> None:
    live.kubectl("delete", "namespace", ID, "--wait=true", "--ignore-not-found")
    live.empty(ID)


def main() -> None:
    with real_pods() as live:
        if live is None:
            return
        given = live.operator.home / "bare.json"
        pairs: list[tuple[float, float]] = []
        steps: dict[str, float] = {}
        for number in range(ROUNDS):
            mine, steps = ours(live)
            given.write_text(
                live.cluster.helm("get", "values", "barberpro", "-n", ID, "-o", "json")
            )
            live.operator.must("destroy", ID, "--yes", "--no-backup")
            clear(live)
            pairs.append((mine, bare(live, str(given))))
            clear(live)
            print(f"  {number + 1} of {ROUNDS}: {mine:.1f} s ÷ {pairs[-1][1]:.1f} s", flush=True)
        print(f"  the last one's steps: {json.dumps(steps)}", flush=True)
        mine, helm = (median([pair[side] for pair in pairs]) for side in (0, 1))
        note = (
            f"{mine:.1f} s ÷ {helm:.1f} s, medians of {ROUNDS}, 14 services on one node of 2 cores"
        )
        emit(
            Figure(
                "stages 2 to 4 on real pods ÷ helm install --wait", mine / helm, "", 1.15, note=note
            )
        )


if __name__ == "__main__":
    main()
