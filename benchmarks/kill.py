"""``kill -9`` of the deploying process at many random moments; the same command again must converge.

Each round kills one deployment and finishes it, then compares it with an undisturbed one. Two operators work
side by side, each in a home of its own. ``BARBERPRO_KILLS`` and ``BARBERPRO_SEED`` change count and seed.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from figures import Figure, emit
from homes import ARGUMENTS, operator
from support_operator import Operator

KILLS = int(os.environ.get("BARBERPRO_KILLS", "500"))
SEED = int(os.environ.get("BARBERPRO_SEED", "20261124"))
OPERATORS = 2


def words(name: str) -> list[str]:
    return ["deploy", "--vertical", "barbershop", "--name", name, *ARGUMENTS]


def end_state(someone: Operator, deployment: str) -> dict[str, object]:
    status = someone.data("status", deployment)
    [*_, first] = someone.data("runs", "--deployment", deployment)
    steps = someone.data("runs", first["run"])["steps"]
    return {
        "state": status["state"],
        "services": sorted(
            s["name"].replace(deployment, "ID").rstrip("0123456789") for s in status["services"]
        ),
        "steps": sorted(
            {s["step"] for s in steps if s["phase"] == "run" and s["result"] in {"done", "skipped"}}
        ),
        "result": first["status"],
    }


def rounds(number: int, count: int) -> Iterator[tuple[float, bool]]:
    """For each round: the moment of the kill in seconds, and whether it converged."""
    moments = random.Random(SEED + number)
    with operator() as someone:
        started = time.monotonic()
        someone.must(*words("Testigo"))
        someone.must(*words("Sereno"))
        usual = (time.monotonic() - started) / 2
        wanted = end_state(someone, "sereno")
        for index in range(count):
            name = f"caida-{index}"
            moment = moments.uniform(0.1, usual)
            process = someone.spawn(*words(name))
            time.sleep(moment)
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            finished = someone.run(*words(name))
            fine = finished.returncode == 0 and end_state(someone, name) == wanted
            if not fine:
                print(
                    f"  did not converge: killed after {moment:.3f} s: {finished.stderr[-600:]}",
                    flush=True,
                )
            yield moment, fine
            someone.run("destroy", name, "--yes", "--no-backup")
        left = sorted(row["id"] for row in someone.data("list"))
        if left != ["sereno", "testigo"]:
            print(f"  left behind: {left}", flush=True)
        someone.must("destroy", "sereno", "--yes", "--no-backup")
        someone.must("destroy", "testigo", "--yes", "--no-backup")
        if someone.processes() or any(path.is_file() for path in someone.home.rglob("*")):
            print("  orphan processes or files after the last destroy", flush=True)
            yield -1.0, False


def main() -> None:
    share = [
        KILLS // OPERATORS + (1 if number < KILLS % OPERATORS else 0) for number in range(OPERATORS)
    ]
    with ThreadPoolExecutor(OPERATORS) as pool:
        results = [
            r for done in pool.map(lambda p: list(rounds(*p)), enumerate(share)) for r in done
        ]
    converged = sum(fine for moment, fine in results if moment >= 0)
    orphans = sum(1 for moment, _ in results if moment < 0)
    note = f"seed {SEED}; moments from 0.1 s to the length of an undisturbed run; orphans in {orphans} homes"
    emit(
        Figure(
            f"deployments that converged after kill -9, of {KILLS}",
            converged,
            "",
            KILLS,
            at_least=True,
            note=note,
        )
    )


if __name__ == "__main__":
    main()
