"""What WhatsApp told, worked off where it is set up; keys may come and go while the worker runs."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from barberpro_app.kit.database import Database
from barberpro_app.settings import Settings


class Heard:
    """The inbox, whose libraries are loaded only once there is something to hear; `is_heard` says
    whether WhatsApp is set up now."""

    def __init__(
        self, settings: Settings, database: Database, is_heard: Callable[[Settings], bool]
    ) -> None:
        self._settings, self._database, self._is_heard = settings, database, is_heard
        self._inbox: Any = None

    async def run(self) -> int:
        """One batch; how many. Raises `UnavailableError`."""
        if not self._is_heard(self._settings):
            return 0
        done: int = await self._of().run_once()
        return done

    async def prune(self) -> int:
        """Removes what is old, also after WhatsApp was disconnected. Raises `UnavailableError`."""
        removed: int = await self._of().prune()
        return removed

    def _of(self) -> Any:
        if self._inbox is None:
            module = import_module("barberpro_app.whatsapp_webhook.inbox")
            self._inbox = module.Inbox(self._settings, self._database)
        return self._inbox
