"""A fleet of small runs for tests of its upgrades, and the same as a program to be killed.

A deployment's run writes its name to a journal (one file, appended) and fails where a file ``bad-ID``
stands in the folder.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from barberpro.operations.fleet.carrying import Carrying, Options, Progress
from barberpro.runs.engine import Engine
from barberpro.runs.events import Event
from barberpro.runs.kinds import Bound, PipelineFactory, RunContext, RunInput
from barberpro.runs.outcomes import Done, Failed, Outcome
from barberpro.runs.pipelines import Pipeline, Stage, Step
from barberpro.runs.rollouts import Member, Rollouts, RolloutStatus
from barberpro.runs.rows import canonical

IDS = tuple(f"brand-{number:02d}" for number in range(20))


def factory(folder: Path, pause: float) -> PipelineFactory:
    def build(given: RunInput) -> Bound:
        def note(line: str) -> None:
            with (folder / "journal").open("a") as journal:
                journal.write(f"{line} {given.deployment}\n")

        def first(_context: RunContext) -> Outcome:
            note("begin")
            time.sleep(pause)
            return Done("begun")

        def second(_context: RunContext) -> Outcome:
            time.sleep(pause)
            if (folder / f"bad-{given.deployment}").exists():
                return Failed("it does not start")
            note("end")
            return Done("ended")

        steps = (
            Step("first", "First", first, lambda _context: note("undo")),
            Step("second", "Second", second),
        )
        return Bound(
            Pipeline(given.kind, (Stage("only", "Only", 60, steps),)),
            RunContext(),
        )

    return build


def begin(url: str, rollout: str, waves: dict[str, int]) -> None:
    """Writes a rollout of these deployments with their waves."""
    with Rollouts(url) as kept:
        kept.begin(
            rollout, "ana", {"image": "app:2"},
            [
                (Member(id_, wave, "upgrade", "waiting"), canonical({"options": {"rollout": rollout}}))
                for id_, wave in waves.items()
            ],
        )  # fmt: skip


def carry(
    url: str, folder: Path, options: Options, *, pause: float = 0.0, unwell: str = ""
) -> tuple[RolloutStatus, list[Progress]]:
    """Goes on with the unfinished rollout; ``unwell`` is a deployment that is not well afterwards."""
    told: list[Progress] = []
    with Rollouts(url) as kept, Engine(url, {"upgrade": factory(folder, pause)}, ignore) as engine:
        rollout = kept.unfinished()
        assert rollout is not None
        carrying = Carrying(
            engine, engine.registry, kept, rollout, options,
            lambda id_: "1 of 2 ready" if id_ == unwell else "", told.append,
        )  # fmt: skip
        return carrying.carry_out(), told


def ignore(event: Event) -> None:
    """Steps are not looked at here."""


if __name__ == "__main__":
    carry(sys.argv[1], Path(sys.argv[2]), Options(at_once=3), pause=0.05)
