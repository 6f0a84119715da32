"""What a network may keep of a deployment: files under an address that contains their hash, alone.

Everything else is one person's or changes at any moment. Photographs are left out on purpose: whoever
withdraws their consent must find them gone everywhere at once (Ley 25.326 art. 16).
"""

from __future__ import annotations

from typing import Protocol

KEPT_PREFIXES = ("/static/", "/marca/")


def may_keep(path: str) -> bool:
    """Whether a network may keep what is at ``path``, as far as the origin permits it too."""
    return path.startswith(KEPT_PREFIXES)


class Cdn(Protocol):
    """One zone at one network. Every method is safe to repeat; raises like ``adapters.dns``."""

    title: str

    def keep_only_files(self, domain: str, deployment: str) -> bool:
        """Sets the rules of ``domain``; False where they stood already."""
        ...

    def forget(self, deployment: str) -> bool:
        """Removes the deployment's rules; False where there were none."""
        ...
