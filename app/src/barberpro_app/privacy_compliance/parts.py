"""What other services say about the data that they keep of a client, when these are erased.

A service adds a line here and a module with two names: `TABLES`, those whose fate it decides, and
`erase(connection, client_id)`, which gives `(class of record, outcome, reason)` for each class. The
outcome is one of `erased`, `kept`, `review`; the reason is a law, or a key of the pages' texts.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from importlib import import_module
from typing import Protocol
from uuid import UUID

from barberpro_app.kit.database import Connection

Outcome = tuple[str, str, str]


class Part(Protocol):
    """A module of `BY_SERVICE`."""

    TABLES: frozenset[str]
    erase: Callable[[Connection, UUID], Awaitable[list[Outcome]]]


_BODY = "barberpro_app.body_data.erasure"

#: service -> module that decides about its tables; imported where the service is enabled.
BY_SERVICE: Mapping[str, str] = {
    "loyalty-program-service": "barberpro_app.loyalty.erasure",
    "portfolio-service": "barberpro_app.portfolio.erasure",
    "biometric-integration-service": _BODY,
    "progress-tracking-service": _BODY,
    "nutrition-service": _BODY,
}


def parts_of(services: Iterable[str]) -> list[Part]:
    """The parts of these services."""
    return [import_module(BY_SERVICE[name]) for name in services if name in BY_SERVICE]
