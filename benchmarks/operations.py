"""Random operations by many at once: clients, the team, payers, Mercado Pago and the worker's jobs.

Counts what is not as it must be afterwards: overlaps, lost payments, lost or doubled messages, books
that do not balance, wrong credits; and answers that were faults of the server. `--seed` draws others.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "doubles"))

from figures import Figure, emit
from support_operations import run_operations
from support_postgres import TestServer
from support_shop import open_shop

from barberpro_app.kit.logging import configure_logging
from barberpro_app.migrations.run import run_migrations


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--operations", type=int, default=10_000)
    parser.add_argument("--actors", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    configure_logging("warning")
    started = time.perf_counter()
    server = TestServer.start()
    try:
        server.execute("CREATE DATABASE operations")
        run_migrations(server.url("operations"))
        shop = asyncio.run(open_shop(server.url("operations")))
        with tempfile.TemporaryDirectory() as folder:
            ended = run_operations(
                shop, Path(folder),
                operations=asked.operations, actors=asked.actors, seed=asked.seed,
            )  # fmt: skip
    finally:
        server.stop()
    for fault in ended.wrong:
        print(f"  not as it must be: {fault}", flush=True)
    stored = ", ".join(f"{count} {name}" for name, count in ended.stored.items())
    note = (
        f"{asked.operations} operations by {asked.actors} at once, {len(ended.moves)} kinds; left"
        f" {stored}; {time.perf_counter() - started:.0f} s"
    )
    emit(Figure("random operations at once: what is not as it must be afterwards", len(ended.wrong), "", 0, note=note))  # fmt: skip


if __name__ == "__main__":
    main()
