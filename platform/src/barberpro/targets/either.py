"""One target of several: each call goes to the one that the plan names, or that knows the deployment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from barberpro.planning.model import Plan
from barberpro.targets.protocol import Target

#: Calls that are about this machine, not about a deployment.
OF_THIS_MACHINE: str = "local"


class _Either:
    def __init__(self, targets: Mapping[str, Target], where: Callable[[str], str]) -> None:
        self._targets, self._where = targets, where

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: object, **options: object) -> object:
            first = arguments[0] if arguments else None
            chosen: str = OF_THIS_MACHINE
            if isinstance(first, Plan):
                chosen = first.request.target
            elif isinstance(first, str):
                chosen = self._where(first)
            return getattr(self._targets[chosen], name)(*arguments, **options)

        return call


def either(targets: Mapping[str, Target], where: Callable[[str], str]) -> Target:
    """A target that passes each call on. The first argument of all methods of ``Target`` but
    ``publishing`` is a plan or the id of a deployment; ``where`` names the target of an id."""
    return cast("Target", _Either(targets, where))
