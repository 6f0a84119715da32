"""Sends templates to Meta and reads what became of them. Killed anywhere, the next turn goes on: what
Meta has is read first, and nothing that is there is made a second time."""

from __future__ import annotations

from datetime import timedelta

from barberpro_app.integration_processor import template_store as store
from barberpro_app.integration_processor.setup import is_set_up
from barberpro_app.integration_processor.template_account import ACCOUNT
from barberpro_app.integration_processor.template_api import (
    LIMITED,
    Known,
    TemplateApi,
    TemplateApiError,
    texts_of,
)
from barberpro_app.kit import integrations
from barberpro_app.kit.database import Database
from barberpro_app.kit.logging import get_logger
from barberpro_app.settings import Settings

FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=15), timedelta(hours=1)
#: Meta approves what it knows within minutes; one that was rejected or paused may be given anew.
_EDITABLE = {"approved", "rejected", "paused"}

log = get_logger(__name__)


async def run(database: Database, settings: Settings) -> int:
    """How many were looked at or sent. Raises `UnavailableError`."""
    account = settings.secrets.optional(ACCOUNT)
    if account is None or not is_set_up(settings):
        return 0
    async with database.connection() as connection:
        due = await store.claim(connection)
    if not due:
        return 0
    token = settings.secrets.text("whatsapp-token").reveal()
    async with TemplateApi(settings.app.whatsapp, account.reveal(), token) as api:
        work = _Turn(database, api, neutral=settings.app.compliance.health_data)
        attempts = max(row["attempts"] for row in due)
        left = {(row["name"], row["language"]): row["wanted"] for row in due}
        try:
            await work.all(left)
        except TemplateApiError as error:
            log.warning("whatsapp_templates", fault=error.fault, reason=error.reason)
            wait = LIMITED if error.fault == "limited" else _wait(attempts)
            async with database.connection() as connection:
                await store.later(connection, list(left), wait, error.reason)
                if error.fault == "about_us":
                    await integrations.note(connection, "whatsapp", error.reason)
    return len(due)


def _wait(attempts: int) -> timedelta:
    return min(FIRST_WAIT * (1 << min(attempts - 1, 20)), LONGEST_WAIT)


class _Turn:
    def __init__(self, database: Database, api: TemplateApi, *, neutral: bool) -> None:
        self._database, self._api = database, api
        self._ours = store.ours(neutral=neutral)

    async def all(self, left: dict[store.Key, bool]) -> None:
        """What is settled leaves `left`. Raises `TemplateApiError`."""
        theirs = await self._api.every()
        for key, wanted in list(left.items()):
            definition = self._ours.get(key)
            if definition is not None:
                await self._one(key, theirs.get(key), wanted=wanted)
            del left[key]

    async def _one(self, key: store.Key, known: Known | None, *, wanted: bool) -> None:
        definition = self._ours[key]
        same = known is None or known.texts == texts_of(definition["components"])
        try:
            if wanted and known is None:
                known, wanted = await self._api.create(definition), False
            elif wanted and known is not None and known.status in _EDITABLE:
                if not same or known.status != "approved":
                    await self._api.edit(known.external_id, definition)
                    known = Known(known.external_id, *key, "pending", "", known.texts)
                same, wanted = True, False
        except TemplateApiError as error:
            if error.fault != "refused":
                raise
            async with self._database.connection() as connection:
                await store.refused(connection, key, error.reason)
            return
        async with self._database.connection() as connection:
            await store.seen(connection, key, known, same_text=same, wanted=wanted and not same)
