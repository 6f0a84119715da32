"""The business's number at Meta: whether its keys are good, before they are kept.

Sources (developers.facebook.com): WhatsApp Business Platform, "Phone numbers" (`GET
/{version}/{phone-number-id}`); Graph API, "Secure Graph API calls" (`appsecret_proof`: the token's
HMAC-SHA256 under the app secret, which the API refuses where it is another app's).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Literal

import httpx

from barberpro_app.settings import Secrets, WhatsApp

#: `token`, `number`, `secret`: this one is wrong; `away`: nobody can say now.
Verdict = Literal["ok", "token", "number", "secret", "away"]
_LARGEST_ANSWER = 65_536
_TOKEN_FAULTS = {102, 190}


def verify_token(secrets: Secrets) -> str:
    """What Meta has to say to us in the handshake, where the owner connects the number: always the
    same, so that the page can show it again. Raises `ConfigurationError`."""
    mac = hmac.digest(secrets.key("token-key"), b"whatsapp verify token", "sha256")
    return base64.urlsafe_b64encode(mac[:18]).decode()


async def look(settings: WhatsApp, number_id: str, token: str, app_secret: str) -> Verdict:
    """Asks Meta for the number with these keys. Never raises for what a network may do."""
    proof = hmac.new(app_secret.encode(), token.encode(), hashlib.sha256).hexdigest()
    try:
        async with httpx.AsyncClient(
            timeout=settings.timeout_seconds, follow_redirects=False
        ) as client:
            answer = await client.get(
                f"{settings.api}/{settings.version}/{number_id}",
                params={"fields": "id,display_phone_number", "appsecret_proof": proof},
                headers={"Authorization": f"Bearer {token}"},
            )
    except (httpx.HTTPError, OSError):
        return "away"
    return _judge(answer.status_code, answer.content, number_id)


def _judge(status: int, content: bytes, number_id: str) -> Verdict:
    try:
        body = json.loads(content[:_LARGEST_ANSWER])
    except (ValueError, RecursionError):
        return "away"
    if not isinstance(body, dict):
        return "away"
    if status == 200:
        # another object of theirs has no telephone number
        there = str(body.get("id")) == number_id and "display_phone_number" in body
        return "ok" if there else "number"
    fault = body.get("error")
    if not isinstance(fault, dict) or status >= 500 or status == 429:
        return "away"
    if "appsecret_proof" in str(fault.get("message", "")):
        return "secret"
    return "token" if fault.get("code") in _TOKEN_FAULTS or status == 401 else "number"
