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
from barberpro.runs.kinds import Bound, RunContext, RunInput  # noqa: E402
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


def measure(url: str, turns: int, steps: int) -> dict[str, list[float]]:
    ends: list[float] = []
    found: dict[str, list[float]] = {"bare": [], "ours": []}
    pipeline = Pipeline(
        "deploy", (Stage("s", "S", 60, tuple(Step(f"s{n}", "", nothing) for n in range(steps))),)
    )

    def build(given: RunInput) -> Bound:
        return Bound(pipeline, RunContext())

    def listen(event: object) -> None:
        if getattr(event, "kind", "") == "step-ended":
            ends.append(time.perf_counter())

    with Engine(url, {"deploy": build}, listen) as engine:
        engine.start("deploy", "warm-up", {})
        workflow = DBOS.workflow(name="bare")(bare)
        for turn in range(turns):
            with SetWorkflowID(f"bare-{turn}"):
                found["bare"] += DBOS.start_workflow(workflow, steps).get_result()[1:]
            ends.clear()
            engine.start("deploy", f"turn-{turn}", {})
            found["ours"] += [after - before for before, after in itertools.pairwise(ends)]
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
            f"engine open, empty run, close, {how}", warm, "s", 0.4,
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
