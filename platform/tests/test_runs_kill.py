"""Real processes that are killed, interrupted, or get in each other's way."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from support_runs import DEPLOYMENT, STEPS, Nursery, factory, files, hold, release, state

from barberpro.errors import ExitCode, LockedError
from barberpro.runs.engine import Engine
from barberpro.runs.events import Event
from barberpro.runs.follow import follow
from barberpro.runs.registry import Registry

pytest_plugins = ["support_runs"]

SEED = 20261124
KILLS = 10
PAUSE = 0.02
EXPECTED = {f"{step}.txt": f"{2**n}\n" for n, step in enumerate(STEPS)}


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def journal(folder: Path) -> list[str]:
    return (folder / "journal").read_text().splitlines()


def test_kill_9_at_any_moment_then_resume_ends_as_an_undisturbed_run(
    registry_url: str, folder: Path, nursery: Nursery
) -> None:
    """Moments from the seed, spread over a whole run, also over what the resuming process does."""
    moments = random.Random(SEED)
    undisturbed = nursery.start(registry_url, folder, "start", pause=PAUSE)
    began = time.monotonic()
    assert undisturbed.wait() == ExitCode.DONE
    length = time.monotonic() - began  # says when to kill; wherever that falls, the end is the same
    assert state(folder) == EXPECTED
    for number in range(KILLS):
        for path in folder.iterdir():
            path.unlink()
        child = nursery.start(registry_url, folder, "start", pause=PAUSE)
        # the moments go from the first instruction to a little after the end
        time.sleep(length * 1.1 * (number + moments.random()) / KILLS)
        child.signal(signal.SIGKILL)
        if child.wait() == ExitCode.DONE:
            continue
        if number % 3 == 2:
            again = nursery.start(registry_url, folder, "resume", pause=PAUSE)
            time.sleep(length * moments.random())
            again.signal(signal.SIGKILL)
            again.wait()
        _finish(registry_url, folder, nursery)
        assert state(folder) == EXPECTED
        _each_finished_step_ran_once_but_those_in_flight(folder)
    with Registry(registry_url) as registry:
        assert {run.status for run in registry.runs(DEPLOYMENT)} == {"done"}
        revisions = registry.revisions(DEPLOYMENT)
        assert [r.number for r in revisions] == list(range(len(revisions), 0, -1))
        assert {r.state for r in revisions} == {"applied"}
        current = registry.current_revision(DEPLOYMENT)
        assert current == revisions[0]
        assert registry.holder(DEPLOYMENT) is None


def test_what_a_killed_process_left_of_its_resuming_is_swept_away_by_the_next(
    registry_url: str, folder: Path, nursery: Nursery
) -> None:
    hold(folder, "run two")
    first = nursery.start(registry_url, folder, "start")
    first.wait_for("step-started", "two")
    first.signal(signal.SIGKILL)
    first.wait()
    release(folder)
    with psycopg.connect(registry_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO dbos.queues (name) SELECT 'resume-' || host || ':' || pid || ':abcdef01'"
            " FROM registry.runs"
        )
        _finish(registry_url, folder, nursery)
        assert connection.execute("SELECT count(*) FROM dbos.queues").fetchone() == (0,)


def _finish(url: str, folder: Path, nursery: Nursery) -> None:
    """The operator's second command: resume where there is a run, start where there is none."""
    with Registry(url) as registry:
        unfinished = registry.unfinished_run(DEPLOYMENT)
        if unfinished is None and (folder / "journal").exists():
            return  # killed between the end of the run and the end of the process
    child = nursery.start(url, folder, "resume" if unfinished else "start", pause=PAUSE)
    assert child.wait() == ExitCode.DONE, child.lines()


def _wait_for_journal(folder: Path, line: str) -> None:
    """A step is told to have started a moment before it starts."""
    deadline = time.monotonic() + 60
    while not (folder / "journal").exists() or line not in journal(folder):
        assert time.monotonic() < deadline
        time.sleep(0.005)


def _each_finished_step_ran_once_but_those_in_flight(folder: Path) -> None:
    """In order, each step at least once, and a second time only right after itself."""
    ran = [line.split()[1] for line in journal(folder)]
    assert list(dict.fromkeys(ran)) == list(STEPS)
    assert ran == sorted(ran, key=STEPS.index)
    assert len(ran) - len(STEPS) <= 2


def test_kill_9_while_undoing_then_resume_undoes_the_rest(
    registry_url: str, folder: Path, nursery: Nursery
) -> None:
    hold(folder, "undo four")
    child = nursery.start(registry_url, folder, "start", pause=PAUSE, failing=True)
    child.wait_for("undo-started", "four")
    child.signal(signal.SIGKILL)
    child.wait()
    release(folder)
    assert state(folder) != {}
    again = nursery.start(registry_url, folder, "resume", pause=PAUSE, failing=True)
    assert again.wait() == ExitCode.FAILED
    assert state(folder) == {}
    undone = [line for line in journal(folder) if line.startswith("undo")]
    wanted = [f"undo {step}" for step in ("last", *reversed(STEPS))]
    assert list(dict.fromkeys(undone)) == wanted
    assert len(undone) - len(wanted) <= 1
    assert again.lines()[-1][0] == "undone"


def test_ctrl_c_once_stops_after_the_step_and_the_run_can_be_resumed(
    registry_url: str, folder: Path, nursery: Nursery
) -> None:
    hold(folder, "run two")
    child = nursery.start(registry_url, folder, "start")
    child.wait_for("step-started", "two")
    child.interrupt(folder)
    release(folder)
    assert child.wait() == ExitCode.INTERRUPTED
    assert journal(folder) == ["run one", "run two"]
    assert child.lines()[-1][0] == "interrupted"
    with Registry(registry_url) as registry:
        assert registry.runs(DEPLOYMENT)[0].status == "interrupted"
    _finish(registry_url, folder, nursery)
    assert state(folder) == EXPECTED
    assert journal(folder) == [f"run {step}" for step in STEPS]


def test_ctrl_c_twice_ends_at_once_and_the_run_can_be_resumed(
    registry_url: str, folder: Path, nursery: Nursery
) -> None:
    hold(folder, "run one")
    child = nursery.start(registry_url, folder, "start")
    child.wait_for("step-started", "one")
    child.interrupt(folder)
    _wait_for_journal(folder, "run one")
    child.signal(signal.SIGINT)
    assert child.wait() == ExitCode.INTERRUPTED
    assert state(folder) == {}, "the step in flight was not waited for"
    release(folder)
    _finish(registry_url, folder, nursery)
    assert state(folder) == EXPECTED
    assert journal(folder) == ["run one", *[f"run {step}" for step in STEPS]]


def test_a_second_operator_is_told_who_holds_it_until_the_holder_is_killed(
    registry_url: str, folder: Path, nursery: Nursery
) -> None:
    hold(folder, "run one")
    holder = nursery.start(registry_url, folder, "start")
    holder.wait_for("step-started", "one")
    second = nursery.start(registry_url, folder, "start")
    assert second.wait() == ExitCode.LOCKED
    (message,) = second.lines()[-1]
    assert f"tester holds {DEPLOYMENT}: deploy run" in str(message)
    assert f"process {holder.pid}" in str(message)
    assert nursery.start(registry_url, folder, "resume").wait() == ExitCode.LOCKED
    holder.signal(signal.SIGKILL)
    holder.wait()
    release(folder)
    assert nursery.start(registry_url, folder, "resume").wait() == ExitCode.DONE
    assert state(folder) == EXPECTED


def test_a_second_operator_can_wait_for_the_first(
    registry_url: str, folder: Path, nursery: Nursery
) -> None:
    hold(folder, "run one")
    holder = nursery.start(registry_url, folder, "start")
    holder.wait_for("step-started", "one")
    events: list[Event] = []
    with Engine(registry_url, {"deploy": factory(folder, *files())}, events.append) as engine:
        with pytest.raises(LockedError, match="after 0 s of waiting"):
            engine.start("deploy", DEPLOYMENT, {}, lock_wait=0.2)
        release(folder)
        result = engine.start("deploy", DEPLOYMENT, {"second": True}, lock_wait=120)
        assert result.status == "done"
        assert next(run.payload for run in engine.history(DEPLOYMENT)) == {"second": True}
    assert holder.wait() == ExitCode.DONE
    assert journal(folder) == [f"run {step}" for step in STEPS] * 2


def test_a_stop_ends_the_wait_for_the_lock(
    registry_url: str, folder: Path, nursery: Nursery
) -> None:
    hold(folder, "run one")
    holder = nursery.start(registry_url, folder, "start")
    holder.wait_for("step-started", "one")
    with Engine(registry_url, {"deploy": factory(folder, *files())}, lambda event: None) as engine:
        threading.Timer(0.2, engine.request_stop).start()
        with pytest.raises(LockedError, match="tester holds"):
            engine.start("deploy", DEPLOYMENT, {}, lock_wait=600)
    holder.signal(signal.SIGKILL)
    holder.wait()


def test_two_that_resume_at_once_run_it_once(
    registry_url: str, folder: Path, nursery: Nursery
) -> None:
    hold(folder, "run two")
    first = nursery.start(registry_url, folder, "start")
    first.wait_for("step-started", "two")
    first.signal(signal.SIGKILL)
    first.wait()
    release(folder)
    children = [nursery.start(registry_url, folder, "resume", pause=0.05) for _ in range(3)]
    codes = [child.wait() for child in children]
    assert ExitCode.DONE in codes
    assert set(codes) <= {ExitCode.DONE, ExitCode.LOCKED, ExitCode.USAGE}
    assert state(folder) == EXPECTED
    assert len(journal(folder)) <= len(STEPS) + 1


def test_a_run_is_followed_from_another_process(
    registry_url: str, folder: Path, nursery: Nursery
) -> None:
    child = nursery.start(registry_url, folder, "start", pause=0.05, failing=True)
    child.wait_for("step-started", "one")
    with Registry(registry_url) as registry:
        run = registry.runs(DEPLOYMENT)[0].id
    events = list(follow(registry_url, run, poll=0.02))
    assert child.wait() == ExitCode.FAILED
    told = [[e.kind, e.step, e.status, e.replayed] for e in events[1:-1]]
    assert told == child.lines()[1:-2]
    assert (events[0].kind, events[-1].kind) == ("run-started", "run-ended")
    assert (events[-1].status, events[-1].detail) == ("undone", str(child.lines()[-1][2]))


def test_following_a_killed_run_says_that_its_process_is_gone(
    registry_url: str, folder: Path, nursery: Nursery
) -> None:
    hold(folder, "run one")
    child = nursery.start(registry_url, folder, "start")
    child.wait_for("step-started", "one")
    child.signal(signal.SIGKILL)
    child.wait()
    with Registry(registry_url) as registry:
        run = registry.runs(DEPLOYMENT)[0].id
    events = list(follow(registry_url, run, poll=0.02))
    assert events[-1].status == "interrupted"
    assert f"pid {child.pid}" in events[-1].detail
    assert "barberpro resume" in events[-1].detail
