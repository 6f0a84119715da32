"""A small pipeline for tests of the engine, and the same as a program to be killed.

Each step writes its name to the journal (one file, appended) and makes its own file; a step whose
file is there already leaves it, so the end state after a kill can be compared with an undisturbed
run. A ``Nursery`` makes processes that run it, to be killed.

Tests name this module in ``pytest_plugins`` for its fixtures, and import from it (PYTEST_DONT_REWRITE).
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from support_postgres import TestServer

from barberpro.errors import BarberProError
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

    def wait(self, point: str) -> None:
        """For the pause, and as long as somebody wants it held here."""
        while held_at(self.folder) == point:
            time.sleep(0.01)
        time.sleep(self.pause)

    def journal(self) -> list[str]:
        path = self.folder / "journal"
        return path.read_text().splitlines() if path.exists() else []


def hold(folder: Path, point: str) -> None:
    """Whatever runs in the folder stops at this point, as the journal has it, until `release`."""
    (folder / "hold").write_text(point)


def release(folder: Path) -> None:
    (folder / "hold").unlink()


def held_at(folder: Path) -> str:
    try:
        return (folder / "hold").read_text()
    except FileNotFoundError:
        return ""


def make(name: str, earlier: str | None) -> Step[Work]:
    """Writes a file with a number that it makes of the earlier step's fact."""

    def run(work: Work) -> Outcome:
        work.note(f"run {name}")
        number = 1 if earlier is None else int(str(work.facts[earlier]["number"])) * 2
        work.wait(f"run {name}")
        (work.folder / f"{name}.txt").write_text(f"{number}\n")
        time.sleep(work.pause)
        work.log(f"{name} wrote {number}")
        return Done(f"{name} is {number}", {"number": number})

    def undo(work: Work) -> None:
        work.note(f"undo {name}")
        work.wait(f"undo {name}")
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


def program(url: str, folder: Path, verb: str, pause: float, failing: bool) -> int:
    """What a process of an operator does; its events and its result go to standard output."""

    def show(event: Event) -> None:
        sys.stdout.write(json.dumps([event.kind, event.step, event.status, event.replayed]) + "\n")
        sys.stdout.flush()

    kinds = {"deploy": factory(folder, *files(failing), pause=pause)}
    with Engine(url, kinds, show) as engine:

        def stop(*_: object) -> None:
            engine.request_stop()
            (folder / "stopping").touch()

        signal.signal(signal.SIGINT, stop)
        if verb == "start":
            result = engine.start(
                "deploy", DEPLOYMENT, {"plan": {"a": 1}}, started_by="tester", reserve_revision=True
            )
        else:
            result = engine.resume(DEPLOYMENT, undo=verb == "undo")
        sys.stdout.write(json.dumps([result.status, result.run, result.message]) + "\n")
        sys.stdout.flush()
    return int(result.exit_code)


@pytest.fixture(scope="session")
def registry_template(postgres_server: TestServer) -> str:
    """A database in which the registry and DBOS have their tables; to be copied, not used."""
    postgres_server.execute("CREATE DATABASE registry_template")
    with tempfile.TemporaryDirectory() as folder:
        kinds = {"deploy": factory(Path(folder), scripted("a", [Done("a")]))}
        with Engine(postgres_server.url("registry_template"), kinds, lambda event: None) as engine:
            engine.start("deploy", "a", {})
    with psycopg.connect(postgres_server.url("registry_template")) as connection:
        connection.execute("TRUNCATE dbos.workflow_status CASCADE")
        connection.execute("TRUNCATE registry.deployments CASCADE")
    return "registry_template"


@pytest.fixture
def registry_url(postgres_server: TestServer, registry_template: str) -> Iterator[str]:
    """A database of the test's own with an empty registry, made faster than from nothing."""
    name = f"r_{uuid.uuid4().hex[:12]}"
    postgres_server.copy(registry_template, name)
    yield postgres_server.url(name)
    postgres_server.drop(name)


class Nursery:
    """Processes that have everything imported already: each is a fork of one that only imports."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def start(
        self, url: str, folder: Path, verb: str, *, pause: float = 0.0, failing: bool = False
    ) -> Child:
        """The child writes to ``output-N`` in the folder above ``folder``."""
        output = folder.parent / f"output-{time.monotonic_ns()}"
        pid = self._ask([url, str(folder), verb, pause, failing, str(output)])
        return Child(self, pid, output)

    def wait(self, pid: int) -> int:
        """The exit code; minus the signal's number for one that was killed."""
        return self._ask(pid)

    def _ask(self, request: object) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()


@dataclass
class Child:
    nursery: Nursery
    pid: int
    output: Path

    def lines(self) -> list[list[object]]:
        text = self.output.read_text() if self.output.exists() else ""
        return [json.loads(line) for line in text.splitlines(keepends=True) if line[-1] == "\n"]

    def wait_for(self, kind: str, step: str = "", seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not any(line[:2] == [kind, step] for line in self.lines()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"no {kind} {step} in {self.lines()}")
            time.sleep(0.005)

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def interrupt(self, folder: Path, seconds: float = 60) -> None:
        """Ctrl-C once; returns when the process that works in `folder` has taken note of it."""
        self.signal(signal.SIGINT)
        deadline = time.monotonic() + seconds
        while not (folder / "stopping").exists():
            assert time.monotonic() < deadline, self.lines()
            time.sleep(0.005)

    def wait(self) -> int:
        return self.nursery.wait(self.pid)


def serve() -> None:
    """The nursery's other side: a request per line, an answer per line."""
    for line in sys.stdin:
        request = json.loads(line)
        if isinstance(request, int):
            status = os.waitpid(request, 0)[1]
            answer = os.waitstatus_to_exitcode(status)
        else:
            answer = os.fork()
            if answer == 0:
                become(*request)
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


def become(url: str, folder: str, verb: str, pause: float, failing: bool, output: str) -> None:
    code = 70
    file = os.open(output, os.O_WRONLY | os.O_CREAT)
    os.dup2(file, 1)
    os.dup2(file, 2)
    try:
        code = program(url, Path(folder), verb, pause, failing)
    except BarberProError as error:
        sys.stdout.write(json.dumps([str(error)]) + "\n")
        code = int(error.exit_code)
    except Exception:
        traceback.print_exc()
        raise
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve()
