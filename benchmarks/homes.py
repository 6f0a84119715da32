"""A throw-away operator for a benchmark: a home of its own, removed with all that ran in it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests" / "support"), str(ROOT / "platform" / "src")]

from support_operator import Operator  # noqa: E402 - after the path above

ARGUMENTS = ("--market", "small", "--region", "argentina-central")


@contextmanager
def operator() -> Iterator[Operator]:
    someone = Operator.create("home")
    try:
        yield someone
    finally:
        someone.leave()


def deploy(someone: Operator, name: str, vertical: str = "barbershop") -> str:
    return someone.must("deploy", "--vertical", vertical, "--name", name, *ARGUMENTS)
