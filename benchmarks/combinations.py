"""Every combination of deposit, package, series, approval, waiting list, group, several services,
resource, rule for missed bookings and loyalty, set up and lived through by the API: booked, paid, moved,
cancelled, refunded, completed. Counts those after whose steps something was not as it must be.

What is refused for good reason (`REFUSED`) is asked for too, and the rest of the combination lived through.
`--every N` takes each N-th one.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from itertools import product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "doubles"))

from figures import Figure, emit
from support_combinations import FEATURES, REFUSED, live, open_all_days
from support_desk import Desk, open_desk
from support_postgres import TestServer
from support_shop import open_shop

from barberpro_app.migrations.run import run_migrations


def lived(desk: Desk, every: list[frozenset[str]]) -> int:
    """How many went wrong; each is told."""
    wrong = 0
    for combination in every:
        try:
            live(desk, combination)
        except Exception as fault:  # noqa: BLE001 - counted, told, and the next one is lived
            wrong += 1
            print(f"{sorted(combination)}: {fault}", file=sys.stderr)
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1)
    step = parser.parse_args().every
    every = [
        frozenset(feature for feature, on in zip(FEATURES, values, strict=True) if on)
        for values in product((False, True), repeat=len(FEATURES))
    ][::step]
    started = time.perf_counter()
    server = TestServer.start()
    try:
        server.execute("CREATE DATABASE combinations")
        run_migrations(server.url("combinations"))
        shop = asyncio.run(open_shop(server.url("combinations")))
        open_all_days(shop)
        with tempfile.TemporaryDirectory() as folder, open_desk(shop, Path(folder)) as desk:
            wrong = lived(desk, every)
    finally:
        server.stop()
    note = (
        f"{len(every)} combinations of {len(FEATURES)} features, {len(REFUSED)} pairs refused in words,"
        f" {time.perf_counter() - started:.0f} s"
    )
    emit(Figure("combinations of features that do not work together, or leave the books wrong", wrong, "combinations", 0, note=note))  # fmt: skip


if __name__ == "__main__":
    main()
