"""Running ``kubectl`` and ``helm``: what they wrote, or an error that says what to do."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from barberpro.errors import BarberProError

SECONDS = 60.0
MENDS = {
    "kubectl": "install it: https://kubernetes.io/docs/tasks/tools/",
    "helm": "install it: https://helm.sh/docs/intro/install/",
}


class ProgramMissingError(BarberProError):
    """A program that the Kubernetes target needs is not on PATH."""


@dataclass(frozen=True, slots=True)
class Finished:
    """How a program ended, and what it wrote."""

    code: int
    output: str
    errors: str


def run(
    words: Sequence[str],
    *,
    stdin: str = "",
    environment: Mapping[str, str] | None = None,
    seconds: float = SECONDS,
) -> Finished:
    """Run a program of PATH to its end. Nothing is asked of a terminal.

    Raises:
        ProgramMissingError: it is not on PATH.
        BarberProError: it did not end within ``seconds``.
    """
    program = shutil.which(words[0])
    if program is None:
        raise ProgramMissingError(
            f"{words[0]} is not on PATH",
            where=os.environ.get("PATH", ""),
            mend=MENDS.get(words[0], f"install {words[0]}"),
        )
    try:
        finished = subprocess.run(
            [program, *words[1:]], input=stdin, env=environment, capture_output=True, text=True,
            errors="replace", timeout=seconds, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise BarberProError(
            f"{words[0]} did not answer within {seconds:.0f} s",
            where=" ".join(words),
            mend="see that the cluster answers: kubectl get --raw /readyz",
        ) from error
    return Finished(finished.returncode, finished.stdout, finished.stderr)
