"""Templates at Meta: sending them for approval, and what became of them.

Sources (developers.facebook.com, WhatsApp Business Platform): "Templates" (`POST
/{business-account-id}/message_templates`, `GET` of the same, `POST /{template-id}` to edit), "Phone
numbers" (`GET /{business-account-id}/phone_numbers`), "Error codes".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

import httpx

from barberpro_app.integration_processor.whatsapp_api import ABOUT_US, LIMITS, PASSING
from barberpro_app.kit.logging import redact
from barberpro_app.settings import WhatsApp

#: Too many calls to this business account, or templates in an hour.
_LIMITS = LIMITS | {80008}
_LARGEST_ANSWER = 2_097_152
_PAGE = 100
_MOST_PAGES = 20
LIMITED = timedelta(minutes=15)

#: `refused`: this text, with a reason; `about_us`: token or permission; `away`: nobody can say now.
Fault = Literal["refused", "about_us", "limited", "away"]


class TemplateApiError(Exception):
    """Meta did not do it; `fault` says whose fault it is."""

    def __init__(self, fault: Fault, reason: str) -> None:
        self.fault = fault
        self.reason = redact(reason)[:300]
        super().__init__(self.reason)


@dataclass(frozen=True, slots=True)
class Known:
    """A template as Meta has it; `status` in small letters."""

    external_id: str
    name: str
    language: str
    status: str
    reason: str
    texts: tuple[str, ...]


class TemplateApi:
    """One business account. `async with` ends its connections."""

    def __init__(self, settings: WhatsApp, account_id: str, token: str) -> None:
        self._base = f"{settings.api}/{settings.version}"
        self._account = account_id
        self._client = httpx.AsyncClient(
            timeout=settings.timeout_seconds, follow_redirects=False,
            headers={"Authorization": f"Bearer {token}"},
        )  # fmt: skip

    async def __aenter__(self) -> TemplateApi:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def numbers(self) -> set[str]:
        """The ids of the account's telephone numbers. Raises `TemplateApiError`."""
        rows = await self._pages("phone_numbers", "id")
        return {str(row.get("id", "")) for row in rows}

    async def every(self) -> dict[tuple[str, str], Known]:
        """What Meta has, by name and language. Raises `TemplateApiError`."""
        fields = "id,name,language,status,rejected_reason,components"
        found = [_known(row) for row in await self._pages("message_templates", fields)]
        return {(one.name, one.language): one for one in found}

    async def create(self, definition: Mapping[str, Any]) -> Known:
        """Sends a new one for approval. Raises `TemplateApiError`."""
        body = await self._call("POST", f"{self._account}/message_templates", dict(definition))
        return Known(
            str(body.get("id", ""))[:64], definition["name"], definition["language"],
            str(body.get("status", "PENDING")).lower()[:40], "", texts_of(definition["components"]),
        )  # fmt: skip

    async def edit(self, external_id: str, definition: Mapping[str, Any]) -> None:
        """Gives one that is there another text, which is looked at anew. Raises `TemplateApiError`."""
        await self._call("POST", external_id, {"components": definition["components"]})

    async def _pages(self, edge: str, fields: str) -> list[dict[str, Any]]:
        """All rows. The next page is asked for by its cursor, and not at an address from an answer."""
        rows: list[dict[str, Any]] = []
        after = ""
        for _ in range(_MOST_PAGES):
            query = {"fields": fields, "limit": str(_PAGE)} | ({"after": after} if after else {})
            body = await self._call("GET", f"{self._account}/{edge}", None, query)
            data = body.get("data")
            rows += [row for row in data if isinstance(row, dict)] if isinstance(data, list) else []
            paging = body.get("paging")
            cursors = paging.get("cursors") if isinstance(paging, dict) else None
            after = str(cursors.get("after") or "") if isinstance(cursors, dict) else ""
            if not after or not isinstance(paging, dict) or "next" not in paging:
                break
        return rows

    async def _call(
        self, method: str, path: str, body: Any, query: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        try:
            answer = await self._client.request(
                method, f"{self._base}/{path}", json=body, params=query
            )
        except (httpx.HTTPError, OSError) as error:
            raise TemplateApiError("away", type(error).__name__) from error
        return _judged(answer.status_code, answer.content)


def _judged(status: int, content: bytes) -> dict[str, Any]:
    try:
        body = json.loads(content) if len(content) <= _LARGEST_ANSWER else None
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise TemplateApiError("limited" if status == 429 else "away", f"{status}")
    fault = body.get("error")
    if status == 200 and not isinstance(fault, dict):
        return body
    if not isinstance(fault, dict):
        raise TemplateApiError("limited" if status == 429 else "away", f"{status}")
    code = fault.get("code")
    said = fault.get("error_user_msg") or fault.get("message") or ""
    reason = f"({code}) {said}"
    if status == 429 or code in _LIMITS:
        raise TemplateApiError("limited", reason)
    if code in ABOUT_US or status in {401, 403}:
        raise TemplateApiError("about_us", reason)
    if status >= 500 or code in PASSING:
        raise TemplateApiError("away", reason)
    raise TemplateApiError("refused", reason)


def _known(row: Mapping[str, Any]) -> Known:
    reason = str(row.get("rejected_reason") or "")
    return Known(
        str(row.get("id", ""))[:64], str(row.get("name", "")), str(row.get("language", "")),
        str(row.get("status", "")).lower()[:40], "" if reason == "NONE" else reason[:300],
        texts_of(row.get("components")),
    )  # fmt: skip


def texts_of(components: Any) -> tuple[str, ...]:
    """Body and buttons, to compare ours with theirs."""
    found: list[str] = []
    for part in components if isinstance(components, list) else []:
        if not isinstance(part, dict):
            continue
        if part.get("type") == "BODY":
            found.insert(0, str(part.get("text", "")))
        buttons = [one for one in part.get("buttons") or [] if isinstance(one, dict)]
        found.extend(str(button.get("text", "")) for button in buttons)
    return tuple(found)
