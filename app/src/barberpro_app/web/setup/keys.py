"""Keys of outside services that the owner types: tried, sealed, used at once, never shown again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.identity.auth import require_role
from barberpro_app.vault import service as vault
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.setup.common import panel
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.rendering import Reader, reader_of, see, submitted

#: With all keys by their names in the vault: what is wrong, as (field, key of a text), or nothing.
Attempt = Callable[[Reader, Mapping[str, str]], Awaitable[tuple[str, str] | None]]


@dataclass(frozen=True)
class KeyPage:
    """One outside service. `fields`: form field -> key of the vault; `shown`: those that are no secret;
    `given`: keys that are not typed, but come with the others; `facts`: what the steps name."""

    home: str
    texts: str
    fields: Mapping[str, str]
    shown: frozenset[str]
    attempt: Attempt
    given: Callable[[Reader], Mapping[str, str]]
    facts: Callable[[Reader], Mapping[str, str]]

    def router(self) -> APIRouter:
        """Only an owner gives keys: who has them writes in the business's name."""
        found = APIRouter(include_in_schema=False, dependencies=[Depends(require_role("owner"))])
        found.add_api_route(self.home, self._show, methods=["GET"])
        found.add_api_route(self.home, self._keep, methods=["POST"])
        found.add_api_route(f"{self.home}/quitar", self._remove, methods=["POST"])
        return found

    async def _show(self, request: Request, reader: Reader = Depends(reader_of)) -> Response:
        return await self._page(request, reader, Form.empty())

    async def _page(self, request: Request, reader: Reader, form: Form) -> Response:
        secrets, t = reader.site.settings.secrets, reader.t
        now = {name: secrets.optional(key) for name, key in self.fields.items()}
        for name in self.fields:  # a secret that was typed is never shown again
            known = now[name]
            if name not in self.shown:
                form.values.pop(name, None)
            elif name not in form.values and known is not None:
                form.values[name] = [known.reveal()]
        async with reader.database.connection() as connection:
            kept = await vault.kept_at(connection)
        return panel(
            request, reader, "keys", t(f"{self.texts}.title"), form=form, prefix=self.texts,
            enabled=all(value is not None for value in now.values()), typed=self._since(kept),
            fields=[(name, name not in self.shown, now[name] is not None) for name in self.fields],
            labels={name: t(f"{self.texts}.{name}") for name in self.fields},
            facts=self.facts(reader), home=self.home,
        )  # fmt: skip

    def _since(self, kept: Mapping[str, datetime]) -> datetime | None:
        return max((kept[key] for key in self.fields.values() if key in kept), default=None)

    async def _keep(self, request: Request, reader: Reader = Depends(reader_of)) -> Response:
        """A field that is left empty keeps the key that is there."""
        form = await submitted(request)
        secrets = reader.site.settings.secrets
        values: dict[str, str] = {}
        for name, key in self.fields.items():
            there = secrets.optional(key)
            value = form.text(name, most=600, required=there is None)
            if value and not vault.KEYS[key].fullmatch(value):
                form.refuse(name, f"{self.texts}.format.{name}")
            values[key] = value or (there.reveal() if there else "")
        if form.ok:
            wrong = await self.attempt(reader, values)
            if wrong is not None:
                form.refuse(*wrong)
        if not form.ok:
            return await self._page(request, reader, form)
        values.update(self.given(reader))
        async with reader.database.transaction() as connection:
            await vault.keep(connection, secrets, actor(request, reader.principal), values)
        return await self._reload(reader)

    async def _remove(self, request: Request, reader: Reader = Depends(reader_of)) -> Response:
        await submitted(request)
        async with reader.database.transaction() as connection:
            who = actor(request, reader.principal)
            for key in (*self.fields.values(), *self.given(reader)):
                await vault.remove(connection, who, key)
        return await self._reload(reader)

    async def _reload(self, reader: Reader) -> Response:
        """Counts here at once, and in other processes within seconds."""
        async with reader.database.connection() as connection:
            await vault.load(connection, reader.site.settings.secrets)
        return see(f"{self.home}?hecho=1")


def nothing(reader: Reader) -> dict[str, Any]:
    """Of a service whose keys are all typed."""
    return {}
