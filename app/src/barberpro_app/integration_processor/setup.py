"""Whether WhatsApp is set up: which of its secrets are there."""

from __future__ import annotations

from barberpro_app.settings import WHATSAPP_SECRETS, Settings


def is_set_up(settings: Settings) -> bool:
    """All of them: without reports nobody would know what arrived, and BAJA would not be heard."""
    return all(settings.secrets.optional(name) is not None for name in WHATSAPP_SECRETS)


def is_heard(settings: Settings) -> bool:
    """Whether what WhatsApp tells is worked off in this deployment."""
    return "whatsapp-webhook" in settings.app.services and is_set_up(settings)
