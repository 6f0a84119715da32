"""The engine from outside: what runs, in what order, what is recorded, and how it ends."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from support_runs import STEPS, Work, factory, files, scripted, state

from barberpro.errors import BarberProError, ExitCode, InvalidInputError, LockedError, RefusedError
from barberpro.runs import kinds
from barberpro.runs.durable import EngineBusyError
from barberpro.runs.engine import Engine, PipelineChangedError, UnfinishedRunError
from barberpro.runs.events import Event
from barberpro.runs.kinds import Bound, RunInput
from barberpro.runs.outcomes import Done, Failed, Outcome, RetryAfter, Skipped
from barberpro.runs.pipelines import Pipeline, Stage, Step
from barberpro.runs.registry import UnknownRunError
from barberpro.targets.protocol import PassingFaultError

pytest_plugins = ["support_runs"]

PLAN = {"plan": {"request": {"name": "Barber", "vertical": "barbershop", "target": "local"}}}


def ignore(event: Event) -> None:
    """Tests that do not look at events."""


def journal(folder: Path) -> list[str]:
    return Work(folder=folder).journal()


def test_an_undisturbed_run_does_its_steps_in_order_and_its_revision_becomes_current(
    registry_url: str, tmp_path: Path
) -> None:
    events: list[Event] = []
    with Engine(registry_url, {"deploy": factory(tmp_path, *files())}, events.append) as engine:
        result = engine.start("deploy", "palermo", PLAN, started_by="ana", reserve_revision=True)

        assert (result.status, result.exit_code, result.revision) == ("done", ExitCode.DONE, 1)
        assert state(tmp_path) == {f"{s}.txt": f"{2**n}\n" for n, s in enumerate(STEPS)}
        current = engine.registry.current_revision("palermo")
        assert current is not None
        assert (current.number, current.state, current.run) == (1, "applied", result.run)
        deployment = engine.registry.deployment("palermo")
        assert deployment is not None
        assert (deployment.name, deployment.vertical, deployment.state) == (
            "Barber",
            "barbershop",
            "live",
        )
        records = engine.steps(result.run)
        assert [(r.phase, r.step, r.attempt, r.result) for r in records] == [
            ("run", step, 1, "done") for step in STEPS
        ]
        assert records[2].log == ("three wrote 4",)
        assert all(0 <= r.seconds < 5 for r in records)
        assert [run.started_by for run in engine.history("palermo")] == ["ana"]
        assert engine.pending("palermo") is None
        assert engine.registry.holder("palermo") is None

    kinds_ = [event.kind for event in events]
    assert kinds_[:3] == ["run-started", "stage-started", "step-started"]
    assert kinds_[-2:] == ["stage-ended", "run-ended"]
    assert kinds_.count("stage-started") == kinds_.count("stage-ended") == 2
    assert [e.budget_seconds for e in events if e.kind == "stage-started"] == [60, 60]


def test_each_attempt_is_one_dbos_step_and_nothing_else_is_written_per_step(
    registry_url: str, tmp_path: Path
) -> None:
    with Engine(registry_url, {"deploy": factory(tmp_path, *files())}, ignore) as engine:
        result = engine.start("deploy", "palermo", {})
    with psycopg.connect(registry_url) as connection:
        rows = connection.execute(
            "SELECT function_name FROM dbos.operation_outputs WHERE workflow_uuid = %s"
            " ORDER BY function_id",
            [result.run],
        ).fetchall()
    assert [name for (name,) in rows] == [f"run:{step}:1" for step in STEPS]


def test_a_passing_fault_is_tried_again_and_every_try_is_recorded(
    registry_url: str, tmp_path: Path
) -> None:
    steps = [
        scripted(
            "a",
            [
                RetryAfter(0.05, "not yet"),
                PassingFaultError("port busy", seconds=0.01),
                Done("now"),
            ],
        ),
    ]
    events: list[Event] = []
    with Engine(registry_url, {"deploy": factory(tmp_path, *steps)}, events.append) as engine:
        result = engine.start("deploy", "palermo", {})
        records = engine.steps(result.run)
    assert result.status == "done"
    assert [(r.attempt, r.result, r.detail) for r in records] == [
        (1, "retry", "not yet"), (2, "retry", "port busy"), (3, "done", "now"),
    ]  # fmt: skip
    assert records[1].started - records[0].ended >= 0.05
    assert [e.status for e in events if e.kind == "step-ended"] == ["retry", "retry", "done"]


def test_what_never_works_is_given_up_after_its_attempts_and_undone_newest_first(
    registry_url: str, tmp_path: Path
) -> None:
    steps = [
        scripted("a", [Done("a")]),
        scripted("b", [Skipped("does not apply")]),
        scripted("c", [Done("c")]),
        scripted("d", [RetryAfter(0, "still away")], attempts=3),
        scripted("e", [Done("e")]),
    ]
    with Engine(registry_url, {"deploy": factory(tmp_path, *steps)}, ignore) as engine:
        result = engine.start("deploy", "palermo", PLAN, reserve_revision=True)
        deployment = engine.registry.deployment("palermo")
        revisions = engine.registry.revisions("palermo")
    assert (result.status, result.failed_step, result.exit_code) == ("undone", "d", ExitCode.FAILED)
    assert result.message == "still away (given up after 3 attempts)"
    assert journal(tmp_path) == [
        "run a",
        "run b",
        "run c",
        *["run d"] * 3,
        "undo d",
        "undo c",
        "undo a",
    ]
    assert deployment is not None
    assert (deployment.current_revision, deployment.state) == (None, "failed")
    assert [r.state for r in revisions] == ["failed"]


def test_an_undo_that_fails_is_recorded_and_the_others_go_on(
    registry_url: str, tmp_path: Path
) -> None:
    steps = [
        scripted("a", [Done("a")]),
        scripted("b", [Done("b")], undo_fails=True),
        scripted("c", [Failed("disk is full", where="/srv", mend="free some space")]),
    ]
    with Engine(registry_url, {"deploy": factory(tmp_path, *steps)}, ignore) as engine:
        result = engine.start("deploy", "palermo", {})
        records = engine.steps(result.run)
        run = engine.registry.run(result.run)
    assert result.status == "failed"
    assert result.undo_failures == ("undo of b: OSError: cannot undo b",)
    for text in ("disk is full", "where: /srv", "mend: free some space", "cannot undo b"):
        assert text in run.message
    assert journal(tmp_path) == ["run a", "run b", "run c", "undo c", "undo b", "undo a"]
    undos = [(r.step, r.result) for r in records if r.phase == "undo"]
    assert undos == [("c", "done"), ("b", "failed"), ("a", "done")]
    assert any("in undo" in line for line in records[-2].log), "the traceback is in the log"


def test_keep_on_failure_undoes_nothing(registry_url: str, tmp_path: Path) -> None:
    steps = [scripted("a", [Done("a")]), scripted("b", [Failed("no")])]
    with Engine(registry_url, {"deploy": factory(tmp_path, *steps)}, ignore) as engine:
        result = engine.start("deploy", "palermo", {}, undo_on_failure=False)
        again = engine.start("deploy", "palermo", {}, undo_on_failure=False)
    assert result.status == again.status == "failed"
    assert journal(tmp_path) == ["run a", "run b"] * 2


@pytest.mark.parametrize(
    ("raised", "what", "code"),
    [
        (InvalidInputError("bad name", where="line 3", mend="rename it"), "bad name", ExitCode.FAILED),
        (RefusedError("Ley 26.529 art. 18", mend="keep 10 years"), "Ley 26.529 art. 18", ExitCode.REFUSED),
        (KeyError("port"), "KeyError: 'port'", ExitCode.FAILED),
        (ValueError(), "ValueError", ExitCode.FAILED),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "nul \x00 \ud800"), "UnicodeDecodeError", ExitCode.FAILED),
    ],
)  # fmt: skip
def test_an_exception_in_a_step_becomes_a_failure_with_its_reason(
    registry_url: str, tmp_path: Path, raised: Exception, what: str, code: ExitCode
) -> None:
    steps = [scripted("a", [raised])]
    with Engine(registry_url, {"deploy": factory(tmp_path, *steps)}, ignore) as engine:
        result = engine.start("deploy", "palermo", {})
        record = engine.steps(result.run)[0]
    assert result.failure is not None
    assert result.failure.what.startswith(what)
    assert result.exit_code == code
    if isinstance(raised, BarberProError):
        assert (record.where, record.mend) == (raised.where, raised.mend)
        assert record.log == ()
    else:
        assert any("in run" in line for line in record.log), "the traceback is in the log"


@pytest.mark.parametrize(
    "returned",
    [
        None,
        "done",
        Done("x", {"when": object()}),
        Done("x", {"n": float("nan")}),
        RetryAfter(float("inf"), "x"),
    ],  # type: ignore[dict-item]
)
def test_a_step_that_returns_nonsense_fails(
    registry_url: str, tmp_path: Path, returned: object
) -> None:
    steps = [scripted("a", [returned])]  # type: ignore[list-item]
    with Engine(registry_url, {"deploy": factory(tmp_path, *steps)}, ignore) as engine:
        result = engine.start("deploy", "palermo", {})
    assert result.status == "undone"
    assert result.failure is not None
    assert result.failure.what.startswith(("TypeError", "ValueError"))


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_in_a_step_passes_and_the_run_can_be_resumed(
    registry_url: str, tmp_path: Path, kind: type[BaseException]
) -> None:
    interrupted: list[int] = []

    def run(work: Work) -> Outcome:
        if not interrupted:
            interrupted.append(1)
            raise kind
        return Done("second time")

    steps = [scripted("a", [Done("a")]), Step("b", "B", run)]
    with Engine(registry_url, {"deploy": factory(tmp_path, *steps)}, ignore) as engine:
        with pytest.raises(kind):
            engine.start("deploy", "palermo", {})
        assert engine.resume("palermo").status == "done"
    assert journal(tmp_path) == ["run a"]


def test_a_long_log_is_capped_and_says_so(registry_url: str, tmp_path: Path) -> None:
    def run(work: Work) -> Outcome:
        for number in range(100_000):
            work.log(f"line {number} " + "x" * 10_000 * (number == 0))
        return Done("talked")

    with Engine(registry_url, {"deploy": factory(tmp_path, Step("a", "A", run))}, ignore) as engine:
        result = engine.start("deploy", "palermo", {})
        log = engine.steps(result.run)[0].log
    assert len(log) == kinds.LOG_LINES + 1
    assert len(log[0]) == kinds.LOG_LINE_CHARACTERS
    assert (log[-1], log[kinds.LOG_LINES // 2]) == (
        "line 99999 ", f"... {100_000 - kinds.LOG_LINES} lines left out ...",
    )  # fmt: skip


def test_stopping_lets_the_step_in_flight_finish_and_resume_replays_its_facts(
    registry_url: str, tmp_path: Path
) -> None:
    stop: list[Callable[[], None]] = []

    def second(work: Work) -> Outcome:
        work.note("run second")
        if stop:
            stop.pop()()
        return Done("second", {"secret": "ñandú", "n": [1, 2.5, None]})

    def third(work: Work) -> Outcome:
        work.note(f"run third with {work.facts['second']}")
        return Done("third")

    steps = [scripted("first", [Done("1")]), Step("second", "2", second), Step("third", "3", third)]
    events: list[Event] = []
    with Engine(registry_url, {"deploy": factory(tmp_path, *steps)}, events.append) as engine:
        stop.append(engine.request_stop)
        result = engine.start("deploy", "palermo", PLAN, reserve_revision=True)
        assert (result.status, result.exit_code) == ("interrupted", ExitCode.INTERRUPTED)
        assert "barberpro resume palermo" in result.message
        pending = engine.pending("palermo")
        assert pending is not None
        assert (pending.run, pending.revision, dict(pending.payload)) == (result.run, 1, PLAN)
    events.clear()
    with Engine(registry_url, {"deploy": factory(tmp_path, *steps)}, events.append) as engine:
        with pytest.raises(UnfinishedRunError, match=result.run):
            engine.start("deploy", "palermo", {})
        resumed = engine.resume("palermo")
        assert (resumed.run, resumed.status, resumed.revision) == (result.run, "done", 1)
        assert engine.resume(result.run).status == "done", "again is no harm"
    facts = {"secret": "ñandú", "n": [1, 2.5, None]}
    assert journal(tmp_path) == ["run first", "run second", f"run third with {facts}"]
    assert events[0].kind == "run-resumed"
    ended = [(e.step, e.replayed) for e in events if e.kind == "step-ended"]
    assert ended == [("first", True), ("second", True), ("third", False)]


def test_stopping_ends_a_long_wait_between_attempts(registry_url: str, tmp_path: Path) -> None:
    steps = [scripted("a", [RetryAfter(3000, "later"), Done("a")])]
    with Engine(registry_url, {"deploy": factory(tmp_path, *steps)}, ignore) as engine:
        threading.Timer(0.2, engine.request_stop).start()
        assert engine.start("deploy", "palermo", {}).status == "interrupted"
    assert journal(tmp_path) == ["run a"]


def test_an_unfinished_run_can_be_taken_back(registry_url: str, tmp_path: Path) -> None:
    stop: list[Callable[[], None]] = []

    def halt(work: Work) -> Outcome:
        stop.pop()()
        return Done("b")

    def unhalt(work: Work) -> None:
        work.note("undo b")

    steps = [scripted("a", [Done("a")]), Step("b", "B", halt, unhalt), scripted("c", [Done("c")])]
    build = {"deploy": factory(tmp_path, *steps)}
    with Engine(registry_url, build, ignore) as engine:
        stop.append(engine.request_stop)
        engine.start("deploy", "palermo", {})
    with Engine(registry_url, build, ignore) as engine:
        result = engine.resume("palermo", undo=True)
        assert engine.pending("palermo") is None
    assert (result.status, result.failed_step) == ("undone", "c")
    assert result.exit_code == ExitCode.DONE, "it did what was asked for"
    assert journal(tmp_path) == ["run a", "undo c", "undo b", "undo a"]


def test_taking_a_run_back_does_not_wait_for_its_next_attempt(
    registry_url: str, tmp_path: Path
) -> None:
    stop: list[Callable[[], None]] = []

    def later(work: Work) -> Outcome:
        work.note("run b")
        stop.pop()()
        return RetryAfter(3000, "later")

    def undo(work: Work) -> None:
        work.note("undo b")

    steps = [scripted("a", [Done("a")]), Step("b", "B", later, undo)]
    build = {"deploy": factory(tmp_path, *steps)}
    with Engine(registry_url, build, ignore) as engine:
        stop.append(engine.request_stop)
        assert engine.start("deploy", "palermo", {}).status == "interrupted"
    with Engine(registry_url, build, ignore) as engine:
        assert engine.resume("palermo", undo=True).status == "undone"
    assert journal(tmp_path) == ["run a", "run b", "undo b", "undo a"]


def test_a_resumed_run_goes_by_the_pipeline_it_began_with(
    registry_url: str, tmp_path: Path
) -> None:
    stop: list[Callable[[], None]] = []

    def halt(work: Work) -> Outcome:
        work.note("run b")
        if stop:
            stop.pop()()
        return Done("b")

    a, b, c = scripted("a", [Done("a")]), Step("b", "B", halt), scripted("c", [Done("c")])
    new = scripted("new", [Done("new")])
    with Engine(registry_url, {"deploy": factory(tmp_path, a, b, c)}, ignore) as engine:
        stop.append(engine.request_stop)
        engine.start("deploy", "palermo", {})
    with Engine(registry_url, {"deploy": factory(tmp_path, a, b)}, ignore) as engine:
        with pytest.raises(PipelineChangedError, match="no longer has the steps c"):
            engine.resume("palermo")
        assert engine.pending("palermo") is not None
    with (
        Engine(registry_url, {"other": factory(tmp_path, a)}, ignore) as engine,
        pytest.raises(PipelineChangedError, match="no runs of kind deploy"),
    ):
        engine.resume("palermo")
    with Engine(registry_url, {"deploy": factory(tmp_path, new, c, b, a)}, ignore) as engine:
        assert engine.resume("palermo").status == "done"
    assert journal(tmp_path) == ["run a", "run b", "run c"]


def test_a_run_of_a_newer_format_is_not_touched(registry_url: str, tmp_path: Path) -> None:
    build = {"deploy": factory(tmp_path, scripted("a", [KeyError()]))}
    with Engine(registry_url, build, ignore) as engine:
        engine.start("deploy", "palermo", {})
        with psycopg.connect(registry_url) as connection:
            connection.execute("UPDATE registry.runs SET format = 99, status = 'interrupted'")
        with pytest.raises(PipelineChangedError, match="format 99"):
            engine.resume("palermo")
        with psycopg.connect(registry_url) as connection:
            row = connection.execute("SELECT status, resumed FROM registry.runs").fetchone()
        assert row == ("interrupted", 0)


def test_nothing_to_resume_is_said(registry_url: str, tmp_path: Path) -> None:
    with Engine(registry_url, {"deploy": factory(tmp_path, *files())}, ignore) as engine:
        with pytest.raises(UnknownRunError, match="palermo"):
            engine.resume("palermo")
        engine.start("deploy", "palermo", {})
        with pytest.raises(UnknownRunError, match="nothing to resume"):
            engine.resume("palermo")


def test_a_factory_that_refuses_leaves_no_run_behind(registry_url: str, tmp_path: Path) -> None:
    def refuse(given: RunInput) -> Bound:
        raise RefusedError("this plan breaks the law")

    with Engine(registry_url, {"deploy": refuse}, ignore) as engine:
        with pytest.raises(RefusedError, match="breaks the law"):
            engine.start("deploy", "palermo", {})
        assert engine.history() == []
        assert engine.registry.deployments() == []


@pytest.mark.parametrize("payload", [{"a": object()}, {"a": float("nan")}, {"a": "\ud800"}])
def test_a_payload_that_is_not_json_is_refused(
    registry_url: str, tmp_path: Path, payload: object
) -> None:
    with Engine(registry_url, {"deploy": factory(tmp_path, *files())}, ignore) as engine:
        with pytest.raises(InvalidInputError, match="JSON"):
            engine.start("deploy", "palermo", payload)  # type: ignore[arg-type]
        assert engine.history() == []


@pytest.mark.parametrize(("ids", "why"), [(["a", "a"], "twice"), (["a:b"], "id"), ([""], "id")])
def test_steps_whose_names_cannot_tell_them_apart_are_refused(
    registry_url: str, tmp_path: Path, ids: list[str], why: str
) -> None:
    steps = [scripted(id_, [Done("a")]) for id_ in ids]
    with (
        Engine(registry_url, {"deploy": factory(tmp_path, *steps)}, ignore) as engine,
        pytest.raises(ValueError, match=why),
    ):
        engine.start("deploy", "palermo", {})


def test_a_second_revision_follows_the_first_and_a_failed_one_leaves_it_serving(
    registry_url: str, tmp_path: Path
) -> None:
    outcomes: list[Outcome] = [Done("1"), Done("2"), Failed("3")]

    def run(work: Work) -> Outcome:
        work.note(f"revision {work.revision}")
        return outcomes.pop(0)

    with Engine(registry_url, {"deploy": factory(tmp_path, Step("a", "A", run))}, ignore) as engine:
        results = [engine.start("deploy", "palermo", PLAN, reserve_revision=True) for _ in range(3)]
        assert [r.revision for r in results] == [1, 2, 3]
        deployment = engine.registry.deployment("palermo")
        assert deployment is not None
        assert (deployment.current_revision, deployment.state) == (2, "live")
        states = [r.state for r in engine.registry.revisions("palermo")]
    assert states == ["failed", "applied", "applied"]
    assert journal(tmp_path) == ["revision 1", "revision 2", "revision 3"]


def test_a_stage_that_became_slow_or_burst_its_budget_is_noted(
    registry_url: str, tmp_path: Path
) -> None:
    pauses = [0.0, 0.01, 0.02, 0.9]

    def run(work: Work) -> Outcome:
        time.sleep(pauses.pop(0))
        return Done("slept")

    def build(given: RunInput) -> Bound:
        stages = (
            Stage("quick", "Quick", 60, (scripted("q", [Done("q")]),)),
            Stage("slow", "Slow", 0, (Step("s", "S", run),)),
        )
        return Bound(Pipeline("deploy", stages), Work(folder=tmp_path))

    events: list[Event] = []
    with Engine(registry_url, {"deploy": build}, events.append) as engine:
        results = [engine.start("deploy", "palermo", {}) for _ in range(4)]
        durations = engine.stage_durations("palermo")
    assert [len(r.notes) for r in results[:3]] == [1, 1, 1], "only the budget of no seconds"
    budget, slower = results[3].notes
    assert "stage slow" in budget
    assert "budget is 0 s" in budget
    assert "stage slow took 0.9 s" in slower
    assert "its median of 0.0 s over the last 3 runs" in slower
    assert [e.detail for e in events if e.kind == "note"][-2:] == [budget, slower]
    assert len(durations["quick"]) == 4
    assert durations["slow"][0] >= 0.9 > durations["slow"][1]


def test_dbos_is_silent_and_listens_nowhere(
    registry_url: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with Engine(registry_url, {"deploy": factory(tmp_path, *files())}, ignore) as engine:
        engine.start("deploy", "palermo", {})
        listening = {
            line.split()[3]
            for table in ("tcp", "tcp6")
            for line in Path(f"/proc/{os.getpid()}/net/{table}").read_text().splitlines()[1:]
            if line.split()[3] == "0A" and f"socket:[{line.split()[9]}]" in _sockets()
        }
        assert listening == set()
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")


def _sockets() -> set[str]:
    found = set()
    for entry in Path(f"/proc/{os.getpid()}/fd").iterdir():
        try:
            found.add(str(entry.readlink()))
        except FileNotFoundError:
            continue
    return found


def test_one_engine_per_process_and_the_lock_is_for_all_engines(
    registry_url: str, tmp_path: Path
) -> None:
    def inside(work: Work) -> Outcome:
        build = {"deploy": factory(tmp_path, *files())}
        with Engine(registry_url, build, ignore) as other:
            with pytest.raises(LockedError, match="ana holds palermo: deploy run"):
                other.resume("palermo")
            with pytest.raises(EngineBusyError):
                other.start("deploy", "recoleta", {})
            assert other.history("recoleta") == [], "a run that cannot be carried out is not begun"
        return Done("refused")

    build = {"deploy": factory(tmp_path, Step("a", "A", inside))}
    with Engine(registry_url, build, ignore) as engine:
        assert engine.start("deploy", "palermo", {}, started_by="ana").status == "done"


def test_a_listener_that_fails_leaves_the_run_to_be_resumed(
    registry_url: str, tmp_path: Path
) -> None:
    def broken(event: Event) -> None:
        if event.kind == "step-started" and event.step == "two":
            raise BrokenPipeError("nobody reads this any more")

    build = {"deploy": factory(tmp_path, *files())}
    with Engine(registry_url, build, broken) as engine:
        result = engine.start("deploy", "palermo", {})
    assert result.status == "interrupted"
    assert "nobody reads this any more" in result.message
    with Engine(registry_url, build, ignore) as engine:
        assert engine.resume("palermo").status == "done"
    assert journal(tmp_path) == [f"run {step}" for step in STEPS]
