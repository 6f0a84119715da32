"""Messages while the peer fails three calls of ten and the worker is killed every few seconds.

Each must be accepted by the peer exactly once, or be a dead letter that the peer never accepted.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from figures import Figure, emit

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / part) for part in ("tests/support", "tests/doubles", "app/src")]

from support_delivery import deliver  # noqa: E402 - after the path above
from support_postgres import TestServer  # noqa: E402
from support_whatsapp import whatsapp_line  # noqa: E402

from barberpro_app.kit.logging import configure_logging  # noqa: E402
from barberpro_app.migrations.run import run_migrations  # noqa: E402

MESSAGES = int(os.environ.get("BARBERPRO_MESSAGES", "1000"))
KILL_SECONDS = 3.0
LIMIT_SECONDS = 900.0


def main() -> None:
    configure_logging("warning")
    server = TestServer.start()
    last = time.monotonic()

    def kill_now(_accepted: int) -> bool:
        nonlocal last
        if time.monotonic() - last < KILL_SECONDS:
            return False
        last = time.monotonic()
        return True

    try:
        server.execute("CREATE DATABASE messages")
        url = server.url("messages")
        run_migrations(url)
        with (
            tempfile.TemporaryDirectory() as folder,
            whatsapp_line(Path(folder), url, report_seconds=20) as line,
        ):
            ended = deliver(line, MESSAGES, kill_now, LIMIT_SECONDS)
    finally:
        server.stop()
    for item in (*ended.lost, *ended.wrong):
        print(f"  not as it must be: {item}", flush=True)
    right = ended.asked - len(ended.wrong) - len(ended.lost)
    note = (
        f"{ended.sent} accepted once, {ended.dead_letters} dead letters; peer fails 30 %,"
        f" {ended.kills} workers killed"
    )
    emit(
        Figure(
            f"messages exactly once or in the dead letter, of {MESSAGES}",
            right,
            "",
            MESSAGES,
            at_least=True,
            note=note,
        )
    )


if __name__ == "__main__":
    main()
