"""Imports what is slow to import while something else is waited for.

DBOS alone takes a second. A command that will need it starts this first, plans and starts servers
meanwhile, and asks for the engine when both are there.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Protocol, cast

from barberpro.runs.events import Listener
from barberpro.runs.protocol import Runs
from barberpro.targets.protocol import Target


class RunEngine(Runs, Protocol):
    """The share of ``runs.engine.Engine`` that commands use."""

    def request_stop(self) -> None: ...


@cache
def _importing() -> Future[ModuleType]:
    pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="import")
    future = pool.submit(import_module, "barberpro.cli.engine_room")
    pool.shutdown(wait=False)
    return future


def begin() -> None:
    """Starts the import; a second call does nothing."""
    _importing()


def open_engine(
    url: str,
    target: Target,
    documents: Callable[[str], Path],
    catalogs: tuple[Path, ...],
    send: Listener,
) -> AbstractContextManager[RunEngine]:
    """``engine_room.open_engine``, once it is imported."""
    opened = _importing().result().open_engine(url, target, documents, catalogs, send)
    return cast("AbstractContextManager[RunEngine]", opened)
