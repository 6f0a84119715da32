"""The WhatsApp Cloud API: one call, and what its answers mean for the outbox.

Sources: developers.facebook.com, WhatsApp Business Platform, Cloud API: "Messages" (reference),
"Error codes", "Throughput and rate limits". The API has no idempotency key: if the answer is lost,
only a report with our `biz_opaque_callback_data` says that the message arrived.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

import httpx

from barberpro_app.kit.logging import redact
from barberpro_app.settings import Secret, WhatsApp

#: Too many calls or messages: of the app, of the account, of the number, of the pair of numbers.
LIMITS = {4, 80007, 130429, 131048, 131056}
#: "Try again later": unknown, service, something went wrong, unavailable, maintenance, restoring.
PASSING = {1, 2, 131000, 131016, 131057, 133004}
#: About us, not about the message: token, permission, blocked, payment, registration.
ABOUT_US = {0, 3, 10, 190, 368, 131005, 131031, 131042, 133010, *range(200, 300)}
#: The person has no WhatsApp, has not taken its terms, or has blocked us.
NO_SUCH_ADDRESS = 131026
FIRST_LIMIT = timedelta(seconds=60)
LONGEST_LIMIT = timedelta(hours=1)
_LARGEST_ANSWER = 65_536

Verdict = Literal["sent", "later", "limited", "unreachable", "unknown", "refused"]


@dataclass(frozen=True, slots=True)
class Sending:
    """`later`: refused for now; `limited`: with everything else, for `wait`; `unreachable`: no
    connection, or we may not; `unknown`: it may have arrived; `refused`: never."""

    verdict: Verdict
    reason: str = ""
    external_id: str = ""
    wait: timedelta = timedelta()
    no_such_address: bool = False


class WhatsAppApi:
    """One number of the business. Keeps connections; `close` ends them."""

    def __init__(self, settings: WhatsApp, number_id: str, token: Secret) -> None:
        self._address = f"{settings.api}/{settings.version}/{number_id}/messages"
        self._token = token
        self._timeout = settings.timeout_seconds
        self._client: httpx.AsyncClient | None = None

    async def send(self, body: dict[str, Any]) -> Sending:
        """Never raises for what a server or a network may do."""
        try:
            answer = await self._connected().post(
                self._address,
                json=body,
                headers={"Authorization": f"Bearer {self._token.reveal()}"},
            )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            return Sending("unreachable", type(error).__name__)
        except (httpx.HTTPError, OSError) as error:  # after it may have been read
            return Sending("unknown", type(error).__name__)
        return judge(answer.status_code, answer.content, answer.headers.get("retry-after", ""))

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _connected(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=self._timeout, follow_redirects=False)
        return self._client


def judge(status: int, content: bytes, retry_after: str = "") -> Sending:
    """What an answer means. An error that is not Meta's own JSON (a proxy's) says nothing about the
    message."""
    body = _json(content)
    if status == 200:
        name = _name(body)
        return Sending("sent", external_id=name) if name else Sending("unknown", "200 without id")
    fault = body.get("error")
    if not isinstance(fault, dict):
        if status == 429:
            return Sending("limited", "429", wait=_wait(retry_after))
        return Sending("unknown", f"{status}") if status >= 500 else Sending("refused", f"{status}")
    code = fault.get("code")
    code = code if isinstance(code, int) else -1
    reason = redact(f"{status} ({code}) {str(fault.get('message', ''))[:150]}")
    if status == 429 or code in LIMITS:
        return Sending("limited", reason, wait=_wait(retry_after))
    if code in ABOUT_US or status in {401, 403}:
        return Sending("unreachable", reason)
    if code in PASSING or status >= 500:
        return Sending("later", reason)
    return Sending("refused", reason, no_such_address=code == NO_SUCH_ADDRESS)


def _wait(retry_after: str) -> timedelta:
    """Retry-After in seconds (RFC 9110 §10.2.3), within bounds; a minute where there is none."""
    if retry_after.isascii() and retry_after.isdigit():
        return min(timedelta(seconds=int(retry_after[:6])), LONGEST_LIMIT)
    return FIRST_LIMIT


def _json(content: bytes) -> dict[str, Any]:
    if len(content) > _LARGEST_ANSWER:
        return {}
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _name(body: dict[str, Any]) -> str:
    messages = body.get("messages")
    if isinstance(messages, list) and messages and isinstance(messages[0], dict):
        return str(messages[0].get("id") or "")
    return ""
