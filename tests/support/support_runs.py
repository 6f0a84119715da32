"""A small pipeline for tests of the engine, and the same as a program to be killed.

Each step writes its name to the journal (one file, appended) and makes its own file; a step whose
file is there already leaves it, so the end state after a kill can be compared with an undisturbed
run. As a program:  support_runs.py URL FOLDER start|resume [SECONDS]
"""

from __future__ import annotations

import json
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from barberpro.runs.engine import Engine
from barberpro.runs.events import Event
from barberpro.runs.kinds import Bound, PipelineFactory, RunContext, RunInput
from barberpro.runs.outcomes import Done, Failed, Outcome
from barberpro.runs.pipelines import Pipeline, Stage, Step

STEPS = ("one", "two", "three", "four", "five", "six")
DEPLOYMENT = "barber-test"


@dataclass(kw_only=True)
class Work(RunContext):
    folder: Path
    pause: float = 0.0
    revision: int | None = None

    def note(self, line: str) -> None:
        with (self.folder / "journal").open("a") as journal:
            journal.write(line + "\n")

    def journal(self) -> list[str]:
        path = self.folder / "journal"
        return path.read_text().splitlines() if path.exists() else []


def make(name: str, earlier: str | None) -> Step[Work]:
    """Writes a file with a number that it makes of the earlier step's fact."""

    def run(work: Work) -> Outcome:
        work.note(f"run {name}")
        number = 1 if earlier is None else int(str(work.facts[earlier]["number"])) * 2
        time.sleep(work.pause)
        (work.folder / f"{name}.txt").write_text(f"{number}\n")
        time.sleep(work.pause)
        work.log(f"{name} wrote {number}")
        return Done(f"{name} is {number}", {"number": number})

    def undo(work: Work) -> None:
        work.note(f"undo {name}")
        time.sleep(work.pause)
        (work.folder / f"{name}.txt").unlink(missing_ok=True)

    return Step(name, f"Step {name}", run, undo)


def scripted(
    name: str, outcomes: list[Outcome | Exception], *, undo_fails: bool = False, attempts: int = 5
) -> Step[Work]:
    """A step that ends as the list says, one item per attempt, the last one for ever after."""
    left = list(outcomes)

    def run(work: Work) -> Outcome:
        work.note(f"run {name}")
        outcome = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def undo(work: Work) -> None:
        work.note(f"undo {name}")
        if undo_fails:
            raise OSError(f"cannot undo {name}")

    return Step(name, f"Step {name}", run, undo, attempts)


def pipeline(*steps: Step[Work], kind: str = "deploy", budget: int = 60) -> Pipeline[Work]:
    """Two stages: the first half of the steps and the second."""
    half = max(1, len(steps) // 2)
    parts = [part for part in (steps[:half], steps[half:]) if part]
    return Pipeline(
        kind,
        tuple(Stage(f"stage-{n}", f"Stage {n}", budget, part) for n, part in enumerate(parts, 1)),
    )


def factory(folder: Path, *steps: Step[Work], pause: float = 0.0) -> PipelineFactory:
    def build(given: RunInput) -> Bound:
        return Bound(pipeline(*steps), Work(folder=folder, pause=pause, revision=given.revision))

    return build


def files(failing: bool = False) -> list[Step[Work]]:
    """The pipeline of the program; with ``failing`` its last step fails for good."""
    steps = [make(name, STEPS[n - 1] if n else None) for n, name in enumerate(STEPS)]
    if failing:
        steps.append(scripted("last", [Failed("it never works", where="here", mend="give up")]))
    return steps


def state(folder: Path) -> dict[str, str]:
    """What the run left behind, the journal apart."""
    return {path.name: path.read_text() for path in sorted(folder.glob("*.txt"))}


def main() -> int:
    url, folder, verb, *rest = sys.argv[1:]
    pause = float(rest[0]) if rest else 0.0
    failing = "failing" in rest

    def show(event: Event) -> None:
        sys.stdout.write(json.dumps([event.kind, event.step, event.status, event.replayed]) + "\n")
        sys.stdout.flush()

    kinds = {"deploy": factory(Path(folder), *files(failing), pause=pause)}
    with Engine(url, kinds, show) as engine:
        signal.signal(signal.SIGINT, lambda *_: engine.request_stop())
        if verb == "start":
            result = engine.start(
                "deploy", DEPLOYMENT, {"plan": {"a": 1}}, started_by="tester", reserve_revision=True
            )
        else:
            result = engine.resume(DEPLOYMENT)
        sys.stdout.write(json.dumps([result.status, result.run, result.message]) + "\n")
    return int(result.exit_code)


if __name__ == "__main__":
    sys.exit(main())
