"""Each message by WhatsApp arrives once or is a dead letter, whatever the peer and the worker do."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from meta_whatsapp import FAULTS
from support_whatsapp import Line, post_notification, whatsapp_line

MESSAGES = 100
KILLS = 3
ENOUGH_SECONDS = 40.0


@contextmanager
def _worker(line: Line) -> Iterator[subprocess.Popen[bytes]]:
    """A real worker process, which is killed without a word in the end."""
    with (line.accounts.home.folder / "worker.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "barberpro_app", "worker"],
            env=line.accounts.home.environment, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


def _open(line: Line) -> int:
    return sum(1 for row in line.states() if row[0] in {"pending", "sending"})


def _progress(line: Line, seconds: float) -> None:
    """Lets the worker work; those that wait for another attempt are hurried."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and _open(line):
        line.accounts.rows("UPDATE message SET next_attempt_at = now() WHERE state = 'pending'")
        time.sleep(0.2)


def test_each_message_arrives_once_though_the_peer_fails_and_the_worker_is_killed(
    tmp_path: Path, migrated_url: str
) -> None:
    with whatsapp_line(tmp_path, migrated_url) as line:
        meta = line.meta
        meta.fault_rate, meta.hang_seconds = 0.3, 1.2
        meta.rate_faults = (*FAULTS, "500", "passing", "reset", "lost")
        meta.shuffle = meta.duplicates = True
        ids = {
            str(line.put(line.client(f"54911{number:08d}", f"c{number}@example.com"),
                         f"54911{number:08d}"))
            for number in range(MESSAGES)
        }  # fmt: skip
        with line.accounts.browser() as browser:
            meta.webhook = lambda body, signature: post_notification(browser, body, signature)
            started = time.monotonic()
            for _ in range(KILLS):
                with _worker(line):
                    before = len(meta.accepted)
                    while len(meta.accepted) < before + 8 and _open(line):
                        _progress(line, 0.2)
                        assert time.monotonic() < started + ENOUGH_SECONDS, line.states()
            with _worker(line):
                while _open(line):
                    _progress(line, 0.5)
                    assert time.monotonic() < started + ENOUGH_SECONDS, line.states()
        arrived = Counter(item["biz_opaque_callback_data"] for item in meta.accepted)
        states = dict(line.accounts.rows("SELECT id::text, state FROM message"))
    assert set(states) == ids  # none lost, none made up
    assert set(states.values()) <= {"sent", "failed"}
    for key, state in states.items():
        assert arrived[key] == (1 if state == "sent" else 0), (key, state, arrived[key])
    assert sum(state == "sent" for state in states.values()) > MESSAGES / 2
    log = (tmp_path / "worker.log").read_text()
    assert "rate.limit" in log
    assert "54911" not in log


def test_many_workers_send_each_message_once(tmp_path: Path, migrated_url: str) -> None:
    with whatsapp_line(tmp_path, migrated_url) as line:
        client = line.client()
        ids = {str(line.put(client)) for _ in range(45)}
        line.send(workers=4)
        arrived = Counter(item["biz_opaque_callback_data"] for item in line.meta.accepted)
    assert arrived == dict.fromkeys(ids, 1)
    assert {row[0] for row in line.states()} == {"sent"}
