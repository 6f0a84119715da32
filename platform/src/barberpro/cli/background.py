"""``--no-wait``: the same command again, in a process of its own that outlives the terminal."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click

from barberpro.errors import BarberProError


def run_in_background(deployment: str, logs: Path) -> int:
    """Starts this command line without ``--no-wait``, detached; its output goes to a file."""
    words = [word for word in sys.argv[1:] if word != "--no-wait"]
    log = logs / f"background-{deployment}.log"
    try:
        logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        with log.open("ab") as sink:
            process = subprocess.Popen(
                [sys.executable, "-m", "barberpro", *words, "--wait", "--non-interactive"],
                stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, start_new_session=True,
            )  # fmt: skip
    except OSError as error:
        raise BarberProError(f"cannot start in the background: {error}", where=str(log)) from error
    click.echo(
        f"started in the background as process {process.pid}; output goes to {log}", err=True
    )
    click.echo(f"follow it with: barberpro runs --deployment {deployment} --follow", err=True)
    return 0
