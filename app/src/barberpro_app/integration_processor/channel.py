"""The outbox of WhatsApp by whatever is set up now: keys may come and go while the worker runs."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from barberpro_app.integration_processor.instead import ByEmailInstead
from barberpro_app.integration_processor.setup import is_set_up
from barberpro_app.kit.database import Database
from barberpro_app.kit.metrics import Metrics
from barberpro_app.settings import WHATSAPP_SECRETS, AppConfiguration, Settings


class Channel:
    """Passes each turn on to the processor of these keys, or to e-mail where there are none. The
    processor's libraries are loaded only where it is set up."""

    def __init__(self, settings: Settings, database: Database, metrics: Metrics) -> None:
        self._settings, self._database, self._metrics = settings, database, metrics
        self._app = settings.app
        self._keys: tuple[str, ...] | None = None
        self._now: Any = ByEmailInstead(database)
        self._stopping = False

    def use(self, app: AppConfiguration) -> None:
        """From the next message on, this is the brand that writes."""
        self._app = app
        self._now.use(app)

    async def run(self) -> int:
        """How many messages were tried or moved. Raises `UnavailableError`."""
        keys = self._wanted()
        if keys != self._keys and not self._stopping:
            self._now = self._made() if keys else ByEmailInstead(self._database)
            self._now.use(self._app)
            self._keys = keys
        tried: int = await self._now.run()
        return tried

    async def stop(self) -> None:
        """The message in hand is the last."""
        self._stopping = True
        await self._now.stop()

    def _wanted(self) -> tuple[str, ...] | None:
        settings = self._settings
        if "integration-processor" not in settings.app.services or not is_set_up(settings):
            return None
        return tuple(settings.secrets.text(name).reveal() for name in WHATSAPP_SECRETS)

    def _made(self) -> Any:
        module = import_module("barberpro_app.integration_processor.processor")
        return module.Processor(self._settings, self._database, self._metrics)
