"""The business account at Meta: whether it is ours, and its templates' job where it is set up."""

from __future__ import annotations

from importlib import import_module
from typing import Literal

from barberpro_app.integration_processor.setup import is_set_up
from barberpro_app.kit.database import Database
from barberpro_app.settings import Settings

ACCOUNT = "whatsapp-business-account-id"
#: `account`: Meta does not know it with this token; `other`: our number is of another one.
Verdict = Literal["ok", "account", "other", "token", "away"]


async def whatsapp_templates(database: Database, settings: Settings) -> int:
    """The worker's turn; its libraries are loaded only where there is an account."""
    if settings.secrets.optional(ACCOUNT) is None or not is_set_up(settings):
        return 0
    done: int = await import_module("barberpro_app.integration_processor.template_job").run(
        database, settings
    )
    return done


async def look(settings: Settings, account_id: str) -> Verdict:
    """Asks Meta whether this account has our number. Never raises for what a network may do."""
    module = import_module("barberpro_app.integration_processor.template_api")
    token = settings.secrets.text("whatsapp-token").reveal()
    number = settings.secrets.text("whatsapp-phone-number-id").reveal()
    async with module.TemplateApi(settings.app.whatsapp, account_id, token) as api:
        try:
            numbers = await api.numbers()
        except module.TemplateApiError as error:
            if error.fault == "about_us":
                return "token"
            return "account" if error.fault == "refused" else "away"
    return "ok" if number in numbers else "other"
