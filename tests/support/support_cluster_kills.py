"""``kill -9`` of a process that deploys to a cluster, again and again on the way of one deployment, each time
followed by the same command."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from support_operator import Operator

STEPS = 28  # of a deploy
WITHIN = (
    0.5,
    1.0,
    2.0,
    4.0,
    12.0,
)  # seconds: most steps take less, the few that roll pods out take longer
LAST_SECONDS = 900


@dataclass(frozen=True)
class Kill:
    """``steps`` have ended, by whichever process, and ``seconds`` have passed since; ``family`` takes its
    helm and kubectl with it, which otherwise go on without it."""

    steps: int
    seconds: float
    family: bool


def moments(seed: int, count: int) -> list[Kill]:
    """All over one deployment, in order."""
    chance = random.Random(seed)
    steps = sorted(chance.randrange(STEPS) for _ in range(count))
    return [
        Kill(step, chance.uniform(0, chance.choice(WITHIN)), chance.random() < 0.5)
        for step in steps
    ]


def carry_out(
    operator: Operator, words: list[str], kills: Iterable[Kill]
) -> tuple[list[Kill], subprocess.CompletedProcess[str]]:
    """The kills that met a process at work, and what the last command, which nobody killed, ended with."""
    met = [kill for kill in kills if _killed(operator, words, kill)]
    return met, operator.run(*words, timeout=LAST_SECONDS)


def _killed(operator: Operator, words: list[str], kill: Kill) -> bool:
    process = operator.spawn(*words, "-o", "json")
    for ended in _ended(process):
        if ended >= kill.steps:
            break
    try:
        process.wait(kill.seconds)
    except subprocess.TimeoutExpired:
        if kill.family:
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        return True
    finally:
        process.communicate()
    return False


def _ended(process: subprocess.Popen[str]) -> Iterator[int]:
    """How many steps of the run have ended, earlier processes' among them, again with each event."""
    assert process.stdout is not None
    steps: set[str] = set()
    yield 0
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "step-ended" and event["status"] in ("done", "skipped"):
            steps.add(event["step"])
        yield len(steps)


def trouble_with(
    operator: Operator, deployment: str, finished: subprocess.CompletedProcess[str]
) -> str:
    """What is not as an undisturbed deployment leaves it; empty where all is."""
    if finished.returncode != 0:
        return finished.stderr[-2000:]
    status = operator.data("status", deployment)
    steps = {
        step["step"]
        for step in operator.data("runs", status["runs"][0]["run"])["steps"]
        if step["phase"] == "run" and step["result"] in ("done", "skipped")
    }
    poor = [one["name"] for one in status["services"] if one["state"] != "running"]
    if (status["state"], poor, len(steps)) == ("live", [], STEPS):
        return ""
    return f"{status['state']}, {len(steps)} steps, not running: {poor}"
