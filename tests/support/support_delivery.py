"""Messages by WhatsApp to a peer that fails, from workers that are killed without a word."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from meta_whatsapp import FAULTS
from support_whatsapp import Line, post_notification

REPORTS_SECONDS = 120.0


@dataclass(frozen=True)
class Delivery:
    """What became of `asked` messages; the lists hold ids of those that are not as they must be."""

    asked: int
    sent: int
    dead_letters: int
    lost: list[str]
    #: sent and not accepted by the peer exactly once, or a dead letter and accepted
    wrong: list[str]
    kills: int


@contextmanager
def worker(line: Line) -> Iterator[subprocess.Popen[bytes]]:
    """A real worker process, which is killed in the end."""
    with (line.accounts.home.folder / "worker.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "barberpro_app", "worker"],
            env=line.accounts.home.environment, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait(60)


def deliver(line: Line, count: int, kill_now: Callable[[int], bool], limit: float) -> Delivery:
    """Puts `count` messages into the outbox and lets workers send them to a peer that fails three
    calls of ten, in every way that it knows. `kill_now` is asked, with the number of messages that the
    peer accepted, whether the worker dies now. Ends when none is open; raises after `limit` seconds."""
    meta = line.meta
    meta.fault_rate, meta.hang_seconds = 0.3, 1.2
    meta.rate_faults = (*FAULTS, "500", "passing", "reset", "lost")
    meta.shuffle = meta.duplicates = True
    ids = {_put(line, number) for number in range(count)}
    kills = 0
    with line.accounts.browser() as browser:
        meta.webhook = lambda body, signature: post_notification(browser, body, signature)
        until = time.monotonic() + limit
        while _open(line):
            with worker(line):
                while _open(line) and not kill_now(len(meta.accepted)):
                    line.accounts.rows(
                        "UPDATE message SET next_attempt_at = now() WHERE state = 'pending'"
                    )
                    assert time.monotonic() < until, Counter(row[0] for row in line.states())
                    time.sleep(0.2)
            kills += 1
        meta.reports.join()  # a message whose answer was lost is known by the report on it,
        _work_off_reports(line)  # which a worker reads, perhaps after it was given up
    arrived = Counter(item["biz_opaque_callback_data"] for item in meta.accepted)
    states = dict(line.accounts.rows("SELECT id::text, state FROM message"))
    wrong = [
        f"{key} {state}, accepted {arrived[key]}"
        for key, state in states.items()
        if state not in {"sent", "failed"} or arrived[key] != (1 if state == "sent" else 0)
    ]
    ended = Counter(states.values())
    return Delivery(count, ended["sent"], ended["failed"], sorted(ids ^ set(states)), wrong, kills)


def _put(line: Line, number: int) -> str:
    phone = f"54911{number:08d}"
    return str(line.put(line.client(phone, f"c{number}@example.com"), phone))


def _work_off_reports(line: Line) -> None:
    until = time.monotonic() + REPORTS_SECONDS
    pending = "SELECT count(*) FROM whatsapp_event WHERE state = 'pending'"
    if line.accounts.rows(pending)[0][0]:
        # what a killed worker had in hand does not wait for its lease
        line.accounts.rows(
            "UPDATE whatsapp_event SET next_attempt_at = now() WHERE state = 'pending'"
        )
        with worker(line):
            while line.accounts.rows(pending)[0][0]:
                assert time.monotonic() < until, "reports are not read"
                time.sleep(0.2)


def _open(line: Line) -> int:
    return sum(1 for row in line.states() if row[0] in {"pending", "sending"})
