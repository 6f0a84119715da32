"""The whole pipeline on an empty machine, tests included, against a bare script; and a second brand.

Both start with warm packages. The bare script does initdb, start, migrate, start the app, start
Caddy, and waits for 200; it has no registry, no plan, no seed, no roles, no tests, no monitoring.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from figures import Figure, emit, median
from homes import ARGUMENTS, deploy, operator

ROUNDS = int(os.environ.get("BARBERPRO_ROUNDS", "5"))
BIN = Path(sys.executable).parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def configuration(someone_plan: str) -> str:
    """``app.json`` of the same plan, as the local target writes it."""
    application = json.loads(someone_plan)["plan"]["application"]
    application["public_url"] = "https://bare.localhost"
    application["mail"] = {
        "host": "127.0.0.1",
        "port": 2525,
        "from": "x@bare.localhost",
        "username": "",
        "starttls": False,
    }
    return json.dumps(application)


def bare(application: str) -> float:
    work = Path(tempfile.mkdtemp(prefix="bp-bare-"))
    work.chmod(0o755)
    (work / "app.json").write_text(application)
    started = time.perf_counter()
    subprocess.run(
        ["bash", str(Path(__file__).with_name("bare.sh")), str(work), str(BIN), str(free_port())],
        check=True,
    )
    spent = time.perf_counter() - started
    for pid in reversed((work / "pids").read_text().split()):
        os.kill(int(pid), signal.SIGTERM)
    time.sleep(1)
    shutil.rmtree(work, ignore_errors=True)
    return spent


def ours() -> tuple[float, float]:
    with operator() as someone:
        started = time.perf_counter()
        deploy(someone, "Uno")
        first = time.perf_counter() - started
        started = time.perf_counter()
        deploy(someone, "Dos", "dental")
        return first, time.perf_counter() - started


def main() -> None:
    with operator() as someone:
        words = ["--vertical", "barbershop", "--name", "Uno", *ARGUMENTS]
        application = configuration(someone.must("plan", *words, "-o", "json"))
    pairs = [(bare(application), *ours()) for _ in range(ROUNDS)]
    bares, firsts, seconds = (median([pair[i] for pair in pairs]) for i in range(3))
    emit(
        Figure(
            "whole pipeline ÷ bare script",
            firsts / bares,
            "",
            2,
            note=f"{firsts:.1f} s ÷ {bares:.1f} s, medians of {ROUNDS}",
        )
    )
    emit(
        Figure(
            "whole pipeline, warm packages, tests included",
            firsts,
            "s",
            10,
            note="the command from the shell to its end",
        )
    )
    emit(
        Figure(
            "second deployment on the same machine",
            seconds,
            "s",
            6,
            note="another vertical, tests included",
        )
    )


if __name__ == "__main__":
    main()
