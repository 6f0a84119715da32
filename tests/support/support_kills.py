"""``kill -9`` of a deploying process at random moments, and what must be the same afterwards."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from support_operator import Operator

ARGUMENTS = ("--market", "small", "--region", "argentina-central")


@dataclass(frozen=True)
class Fall:
    """One deployment whose process was killed at each of these moments (so many of its events, and
    seconds more), and finished by the same command; ``trouble`` is empty where it ended as an
    undisturbed one."""

    moments: tuple[tuple[int, float], ...]
    trouble: str


def words_for(name: str) -> list[str]:
    return ["deploy", "--vertical", "barbershop", "--name", name, *ARGUMENTS]


def end_state(operator: Operator, deployment: str) -> dict[str, object]:
    """What must be the same however the deployment came about."""
    status = operator.data("status", deployment)
    first = operator.data("runs", status["runs"][-1]["run"])
    done = {
        s["step"]
        for s in first["steps"]
        if s["phase"] == "run" and s["result"] in {"done", "skipped"}
    }
    names = {s["name"].replace(deployment, "ID").rstrip("0123456789") for s in status["services"]}
    return {
        "state": status["state"],
        "services": sorted(names),
        "steps": sorted(done),
        "result": first["status"],
    }


def events_of(operator: Operator, name: str) -> int:
    return len(operator.must(*words_for(name), "-o", "json").splitlines())


def kill_after(operator: Operator, name: str, events: int, seconds: float) -> None:
    """Counted by what the process has done, not by the clock: a busy machine moves no kill to an
    earlier step."""
    process = operator.spawn(*words_for(name), "-o", "json")
    assert process.stdout is not None
    for _ in range(events):
        process.stdout.readline()
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def falls(
    operator: Operator,
    seed: int,
    count: int,
    *,
    kills: int = 1,
    enough: Callable[[], bool] = lambda: False,
) -> Iterator[Fall]:
    """``count`` new deployments, each killed at random moments of its run, and destroyed when it was
    looked at. With several ``kills`` the process that takes up the run is killed too, and so on: the
    moments lie as far apart that the last one falls anywhere up to the end. In the end nothing but the
    backups-free empty home is left."""
    moments = random.Random(seed)
    events = events_of(operator, "Sereno")  # stays, so that no fall has to start the platform anew
    wanted = end_state(operator, "sereno")
    for number in range(count):
        if enough():
            break
        name = f"caida-{number}"
        planned = tuple(
            (moments.randint(0, 2 * events // (kills + 1)), moments.uniform(0, 0.3))
            for _ in range(kills)
        )
        for after, seconds in planned:
            kill_after(operator, name, after, seconds)
        finished = operator.run(*words_for(name))
        trouble = "" if finished.returncode == 0 else finished.stderr[-2000:]
        if not trouble and (state := end_state(operator, name)) != wanted:
            trouble = f"{state} instead of {wanted}"
        removed = operator.run("destroy", name, "--yes", "--no-backup")
        if not trouble and removed.returncode != 0:
            trouble = removed.stderr[-2000:]
        yield Fall(planned, trouble)
    operator.must("destroy", "sereno", "--yes", "--no-backup")


def left_behind(operator: Operator) -> list[str]:
    """Processes and files of a home whose last deployment was destroyed without a backup."""
    files = [str(path) for path in operator.home.rglob("*") if path.is_file()]
    return (
        [str(process) for process in operator.processes()]
        + files
        + [str(p) for p in operator.outside()]
    )
