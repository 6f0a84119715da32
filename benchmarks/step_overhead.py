"""What a durable step of ours costs, over a bare DBOS step that does nothing either.

Both run sequentially in one process against one PostgreSQL, in short turns one after the other, so
that what disturbs the machine disturbs both. Ours is the whole way: lock check, record, events.
Also how long it takes to open the engine.

    benchmarks/step_overhead.py [--turns 20] [--steps 100]
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "platform/src"), str(ROOT / "tests/support")]

import support_postgres  # noqa: E402
from dbos import DBOS, SetWorkflowID  # noqa: E402
from figures import Figure, emit, median, percentile  # noqa: E402

from barberpro.runs.engine import Engine  # noqa: E402
from barberpro.runs.events import Event  # noqa: E402
from barberpro.runs.kinds import Bound, RunContext  # noqa: E402
from barberpro.runs.outcomes import Done, Outcome  # noqa: E402
from barberpro.runs.pipelines import Pipeline, Stage, Step  # noqa: E402

EMPTY = Bound(Pipeline("deploy", ()), RunContext())


def nothing(context: RunContext) -> Outcome:
    return Done("nothing")


def bare(steps: int) -> list[float]:
    """Seconds from the end of one step to the end of the next, in a workflow of nothing else."""
    ends = [time.perf_counter()]
    for _ in range(steps):
        DBOS.run_step({"name": "bare"}, lambda: {"result": "done"})
        ends.append(time.perf_counter())
    return [after - before for before, after in itertools.pairwise(ends)]


def bare_turn(url: str, turn: int, steps: int) -> list[float]:
    """DBOS as it comes: its own connections, serializer and settings."""
    DBOS(config={"name": "bare-peer", "system_database_url": url, "log_level": "ERROR"})
    try:
        workflow = DBOS.workflow(name="bare")(bare)
        DBOS.launch()
        with SetWorkflowID(f"bare-{turn}"):
            return DBOS.start_workflow(workflow, steps).get_result()[1:]
    finally:
        DBOS.destroy(destroy_registry=True)


def our_turn(url: str, turn: int, steps: int) -> list[float]:
    """Seconds from the end of one step's event to the end of the next one's."""
    ends: list[float] = []

    def listen(event: Event) -> None:
        if event.kind == "step-ended":
            ends.append(time.perf_counter())

    pipeline = Pipeline(
        "deploy", (Stage("s", "S", 60, tuple(Step(f"s{n}", "", nothing) for n in range(steps))),)
    )
    with Engine(url, {"deploy": lambda given: Bound(pipeline, RunContext())}, listen) as engine:
        engine.start("deploy", f"turn-{turn}", {})
    return [after - before for before, after in itertools.pairwise(ends)]


def measure(url: str, turns: int, steps: int) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {"bare": [], "ours": []}
    for turn in range(turns):
        found["bare"] += bare_turn(url, turn, steps)
        found["ours"] += our_turn(url, turn, steps)
    return found


def opening(url: str, deployment: str) -> float:
    """Seconds to open an engine, carry an empty run out and close it again."""
    began = time.perf_counter()
    with Engine(url, {"deploy": lambda given: EMPTY}, lambda event: None) as engine:
        engine.start("deploy", deployment, {})
    return time.perf_counter() - began


def on_server(turns: int, steps: int, *, durable: bool) -> None:
    """Measures on a server of its own; ``durable`` with fsync and synchronous commit, as the
    product runs it, else without, which leaves the programs' own share."""
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        support_postgres.SETTINGS[setting] = "on" if durable else "off"
    server = support_postgres.TestServer.start()
    try:
        server.execute("CREATE DATABASE registry")
        url = server.url("registry")
        cold, warm = opening(url, "cold"), opening(url, "warm")
        found = measure(url, turns, steps)
    finally:
        server.stop()
    how = "with fsync" if durable else "without fsync"
    ours, bare_ = median(found["ours"]), median(found["bare"])
    emit(
        Figure(
            f"durable step ÷ bare DBOS step, {how}", ours / bare_, "", 1.3,
            note=f"medians of {len(found['ours'])} no-op steps: {ours * 1000:.2f} ms ÷ {bare_ * 1000:.2f}"
            f" ms; p99 {percentile(found['ours'], 99) * 1000:.1f} ÷"
            f" {percentile(found['bare'], 99) * 1000:.1f} ms",
        )
    )  # fmt: skip
    emit(
        Figure(
            f"engine open, empty run, close, {how}", warm, "s",
            note=f"schemas there; {cold:.2f} s where they are made first",
        )
    )  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=20)
    parser.add_argument("--steps", type=int, default=100)
    options = parser.parse_args()
    for durable in (False, True):
        on_server(options.turns, options.steps, durable=durable)
    return 0


if __name__ == "__main__":
    sys.exit(main())
