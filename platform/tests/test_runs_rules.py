"""For any pattern of outcomes, and wherever the run is stopped and resumed: the rules of runs.

The model below says in plain Python what must be called, in which order; the engine must do just
that, over as many resumes as it takes.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support_runs import Work, factory

from barberpro.runs.engine import Engine
from barberpro.runs.events import Event
from barberpro.runs.outcomes import Done, Failed, Outcome, RetryAfter, Skipped
from barberpro.runs.pipelines import Step

pytest_plugins = ["support_runs"]

WORDS = ("done", "done", "done", "skipped", "retry", "failed", "raised")


@dataclass(frozen=True)
class Plan:
    """One step: how its attempts end (the last word for ever after), and what its undo does."""

    words: tuple[str, ...]
    attempts: int
    undo: str  # works, fails, none

    def word(self, attempt: int) -> str:
        return self.words[min(attempt, len(self.words)) - 1]


plans = st.builds(
    Plan,
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(tuple),
    st.integers(1, 3),
    st.sampled_from(["works", "works", "fails", "none"]),
)


def model(plan: list[Plan], undo_on_failure: bool) -> tuple[list[str], str]:
    """The calls in order, and how the run ends."""
    calls: list[str] = []
    changed: list[int] = []
    for number, step in enumerate(plan):
        word = "retry"
        attempt = 0
        while word == "retry" and attempt < step.attempts:
            attempt += 1
            word = step.word(attempt)
            calls.append(f"run s{number}")
        if word != "skipped":
            changed.append(number)
        if word in ("done", "skipped"):
            continue
        if not undo_on_failure:
            return calls, "failed"
        undone = [n for n in reversed(changed) if plan[n].undo != "none"]
        calls += [f"undo s{n}" for n in undone]
        return calls, "failed" if any(plan[n].undo == "fails" for n in undone) else "undone"
    return calls, "done"


@dataclass
class Theatre:
    """Steps that follow the plan, and stop the run after some of the calls."""

    plan: list[Plan]
    stops: list[int]
    stop: Callable[[], None] = field(default=lambda: None)
    tries: dict[int, int] = field(default_factory=dict)

    def steps(self) -> list[Step[Work]]:
        return [
            Step(f"s{n}", f"Step {n}", self._run(n), self._undo(n), plan.attempts)
            for n, plan in enumerate(self.plan)
        ]

    def _called(self, work: Work, line: str) -> None:
        work.note(line)
        if len(work.journal()) in self.stops:
            self.stop()

    def _run(self, number: int) -> Callable[[Work], Outcome]:
        def run(work: Work) -> Outcome:
            assert set(work.facts) <= {f"s{n}" for n in range(number)}, "facts of later steps"
            self._called(work, f"run s{number}")
            self.tries[number] = self.tries.get(number, 0) + 1
            match self.plan[number].word(self.tries[number]):
                case "done":
                    return Done("done", {"n": number})
                case "skipped":
                    return Skipped("skipped")
                case "retry":
                    return RetryAfter(0.001, "retry")
                case "failed":
                    return Failed("failed")
            raise OSError("raised")

        return run

    def _undo(self, number: int) -> Callable[[Work], None] | None:
        def undo(work: Work) -> None:
            self._called(work, f"undo s{number}")
            if self.plan[number].undo == "fails":
                raise OSError("cannot")

        return None if self.plan[number].undo == "none" else undo


def ignore(event: Event) -> None:
    """Events are not looked at here."""


@pytest.fixture
def workplace() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="bp-rules-"))
    yield folder
    shutil.rmtree(folder)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    plan=st.lists(plans, min_size=1, max_size=5),
    undo_on_failure=st.booleans(),
    stops=st.lists(st.integers(1, 8), max_size=2, unique=True),
)
def test_the_calls_are_those_of_the_rules_however_often_the_run_is_stopped(
    registry_url: str, workplace: Path, plan: list[Plan], undo_on_failure: bool, stops: list[int]
) -> None:
    (workplace / "journal").unlink(missing_ok=True)
    theatre = Theatre(plan, stops)
    build = {"deploy": factory(workplace, *theatre.steps())}
    calls, status = model(plan, undo_on_failure)
    with Engine(registry_url, build, ignore) as engine:
        theatre.stop = engine.request_stop
        result = engine.start("deploy", "palermo", {}, undo_on_failure=undo_on_failure)
        records = engine.steps(result.run)
    while result.status == "interrupted":
        with Engine(registry_url, build, ignore) as engine:
            theatre.stop = engine.request_stop
            result = engine.resume(result.run)
            records = engine.steps(result.run)
    assert Work(folder=workplace).journal() == calls
    assert result.status == status
    assert [f"{record.phase} {record.step}" for record in records] == calls
