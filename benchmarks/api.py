"""Every operation of the API of all verticals with many inputs, allowed and not, by everybody.

Counts the operations that gave a server error or an answer outside the document. `--examples` bounds
the inputs of each.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))

from figures import Figure, emit
from support_postgres import TestServer
from support_shop import open_shop
from support_whole_api import operations, whole_world

from barberpro_app.migrations.run import run_migrations
from barberpro_app.openapi import released


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=60)
    examples = parser.parse_args().examples
    started, wrong = time.perf_counter(), 0
    server = TestServer.start()
    try:
        server.execute("CREATE DATABASE api")
        run_migrations(server.url("api"))
        shop = asyncio.run(open_shop(server.url("api")))
        with (
            tempfile.TemporaryDirectory() as folder,
            whole_world(shop, Path(folder)) as world,
        ):
            every = operations(released())
            for operation in every:
                try:
                    world.ask(operation, examples)
                except Exception as fault:  # noqa: BLE001 - counted, shown, and the next one is asked
                    wrong += 1
                    print(f"{operation[1]} {operation[0]}: {fault}", file=sys.stderr)
    finally:
        server.stop()
    asked = sum(sum(answers.values()) for answers in world.answers.values())
    done = sum(any(status < 300 for status in answers) for answers in world.answers.values())
    note = (
        f"{len(every)} operations, {asked} requests, {done} operations did what was asked at least"
        f" once, {time.perf_counter() - started:.0f} s"
    )
    left = len(set(every) - set(world.answers))
    emit(Figure("operations of the API with an answer outside its document or a server error", wrong, "operations", 0, note=note))  # fmt: skip
    emit(Figure("operations of the API that were not asked", left, "operations", 0))


if __name__ == "__main__":
    main()
