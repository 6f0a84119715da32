"""Resident memory (PSS) of all processes: one idle vertical, and each further one."""

from __future__ import annotations

import time
from pathlib import Path

from figures import Figure, emit
from homes import deploy, operator
from support_operator import Operator

SETTLE_SECONDS = 60


def pss_mib(someone: Operator) -> float:
    total = 0
    for process in someone.processes():
        rollup = Path(f"/proc/{process.pid}/smaps_rollup")
        lines = rollup.read_text().splitlines() if rollup.exists() else []
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def main() -> None:
    with operator() as someone:
        deploy(someone, "Uno")
        time.sleep(SETTLE_SECONDS)
        one = pss_mib(someone)
        emit(
            Figure(
                "memory of one idle vertical, all processes",
                one,
                "MiB PSS",
                250 / 1.048576,
                note="250 MB",
            )
        )
        for number, vertical in enumerate(("dental", "fitness"), 2):
            deploy(someone, f"Número {number}", vertical)
        time.sleep(SETTLE_SECONDS)
        each = (pss_mib(someone) - one) / 2
        emit(
            Figure(
                "memory of each further vertical",
                each,
                "MiB PSS",
                120 / 1.048576,
                note="120 MB; mean of two",
            )
        )


if __name__ == "__main__":
    main()
