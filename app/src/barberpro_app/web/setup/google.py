"""Google Calendar: the business's client at Google, tried with Google before it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from barberpro_app.kit.addresses import is_public
from barberpro_app.web.setup.keys import KeyPage, nothing
from barberpro_app.web.site.rendering import Reader

FIELDS = {"cliente": "google-client-id", "secreta": "google-client-secret"}
_WRONG = {
    "client": ("secreta", "google.refused.secreta"),
    "address": ("cliente", "google.refused.direccion"),
    "away": ("cliente", "google.unreachable"),
}


def _back(reader: Reader) -> str:
    return reader.app.public_url.rstrip("/") + "/calendarios/google/vuelta"


async def _try(reader: Reader, keys: Mapping[str, str]) -> tuple[str, str] | None:
    module = import_module("barberpro_app.calendar_sync.google_oauth")
    client, secret = (keys[key] for key in FIELDS.values())
    verdict = await module.try_client(reader.app.calendars, _back(reader), client, secret)
    return _WRONG.get(verdict)


def _facts(reader: Reader) -> dict[str, str]:
    return {"address": _back(reader), "public": "1" if is_public(reader.app.public_url) else ""}


PAGE = KeyPage(
    home="/ajustes/google", texts="google", fields=FIELDS, shown=frozenset({"cliente"}),
    attempt=_try, given=nothing, facts=_facts,
)  # fmt: skip
router = PAGE.router()
