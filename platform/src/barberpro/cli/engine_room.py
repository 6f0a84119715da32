"""The one module of the command line that imports the engine, and with it DBOS: see ``preload``."""

from __future__ import annotations

from barberpro.runs.engine import Engine, UnfinishedRunError

__all__ = ["Engine", "UnfinishedRunError"]
