"""WhatsApp: the business's number at Meta and its keys, tried with Meta before they are kept."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from barberpro_app.kit.addresses import is_public
from barberpro_app.web.setup.keys import KeyPage
from barberpro_app.web.site.rendering import Reader

FIELDS = {
    "numero": "whatsapp-phone-number-id",
    "token": "whatsapp-token",
    "secreta": "whatsapp-app-secret",
}
_WRONG = {
    "token": ("token", "whatsapp.refused.token"),
    "number": ("numero", "whatsapp.refused.numero"),
    "secret": ("secreta", "whatsapp.refused.secreta"),
    "away": ("token", "whatsapp.unreachable"),
}


def _account() -> Any:
    """Its library is loaded only where it is asked for."""
    return import_module("barberpro_app.integration_processor.account")


async def _try(reader: Reader, keys: Mapping[str, str]) -> tuple[str, str] | None:
    number, token, secret = (keys[key] for key in FIELDS.values())
    verdict = await _account().look(reader.app.whatsapp, number, token, secret)
    return _WRONG.get(verdict)


def _given(reader: Reader) -> dict[str, str]:
    token = _account().verify_token(reader.site.settings.secrets)
    return {"whatsapp-verify-token": token}


def _facts(reader: Reader) -> dict[str, str]:
    """What Meta is to be told; the token is of no use but to shake hands with us."""
    base = reader.app.public_url.rstrip("/")
    return {
        "address": f"{base}/webhooks/whatsapp",
        "word": _given(reader)["whatsapp-verify-token"],
        "public": "1" if is_public(base) else "",
    }


PAGE = KeyPage(
    home="/ajustes/whatsapp", texts="whatsapp", fields=FIELDS, shown=frozenset({"numero"}),
    attempt=_try, given=_given, facts=_facts,
)  # fmt: skip
router = PAGE.router()
