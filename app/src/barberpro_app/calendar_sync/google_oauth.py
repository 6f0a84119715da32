"""Signing in at Google for a calendar: OAuth 2.0 with PKCE (RFC 6749, 7636).

Source: developers.google.com/identity/protocols/oauth2/web-server. The `state` names who began, for
whom and until when, signed; the verifier is made of it by the same key, so nothing has to be kept.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal
from urllib.parse import urlencode
from uuid import UUID

from barberpro_app.calendar_sync.errors import PeerError
from barberpro_app.calendar_sync.guard import Reply, Web
from barberpro_app.calendar_sync.sealing import Sealer
from barberpro_app.kit import clock
from barberpro_app.settings import Calendars, Settings

SCOPES = (
    "https://www.googleapis.com/auth/calendar.events"
    " https://www.googleapis.com/auth/calendar.calendarlist.readonly"
)
STATE_LIFETIME = timedelta(minutes=15)
BACK = "/calendarios/google/vuelta"


@dataclass(frozen=True, slots=True)
class Granted:
    """What a code was exchanged for."""

    access_token: str
    refresh_token: str
    scope: str


class GoogleSignIn:
    """The OAuth client of one deployment."""

    def __init__(self, settings: Settings, sealer: Sealer) -> None:
        """Raises `ConfigurationError` without `google-client-id` and `google-client-secret`."""
        self._addresses = settings.app.calendars
        self._id = settings.secrets.text("google-client-id")
        self._secret = settings.secrets.text("google-client-secret")
        self._back = settings.app.public_url.rstrip("/") + BACK
        self._sealer = sealer

    def address(self, provider_id: UUID, person: str) -> str:
        """Where to send the browser. `person`: who asks, as the session names them."""
        until = int((clock.now() + STATE_LIFETIME).timestamp())
        value = f"{provider_id.hex}.{until:x}.{secrets.token_urlsafe(9)}"
        state = f"{value}.{self._sealer.mac('google state', value + chr(10) + person)}"
        challenge = hashlib.sha256(self._verifier(state).encode()).digest()
        parameters = {
            "client_id": self._id.reveal(),
            "redirect_uri": self._back,
            "response_type": "code",
            "scope": SCOPES,
            "access_type": "offline",
            "prompt": "consent",
            "include_granted_scopes": "false",
            "state": state,
            "code_challenge": base64.urlsafe_b64encode(challenge).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        return f"{self._addresses.google_accounts}/o/oauth2/v2/auth?{urlencode(parameters)}"

    def provider_of(self, state: str, person: str) -> UUID | None:
        """For whom this was begun; None if not by this person, too long ago, or not here."""
        value, _, mac = state.rpartition(".")
        parts = value.split(".")
        if len(parts) != 3 or not state.isascii():
            return None
        if not self._sealer.is_mac(mac, "google state", value + "\n" + person):
            return None
        if int(parts[1], 16) < clock.now().timestamp():
            return None
        return UUID(hex=parts[0])

    async def exchange(self, code: str, state: str) -> Granted:
        """Raises `PeerError`."""
        body = await self._token(
            {"grant_type": "authorization_code", "code": code, "redirect_uri": self._back,
             "code_verifier": self._verifier(state)}
        )  # fmt: skip
        granted = Granted(str(body.get("access_token", "")), str(body.get("refresh_token", "")),
                          str(body.get("scope", "")))  # fmt: skip
        if not granted.access_token or not granted.refresh_token:
            raise PeerError("refused", "no lasting access was given")
        if not set(SCOPES.split()) <= set(granted.scope.split()):
            raise PeerError("refused", "access to the calendar was not ticked")
        return granted

    async def refresh(self, refresh_token: str) -> tuple[str, int]:
        """An access token and its lifetime in seconds. Raises `PeerError`."""
        body = await self._token({"grant_type": "refresh_token", "refresh_token": refresh_token})
        lifetime = body.get("expires_in")
        return str(body["access_token"]), lifetime if isinstance(lifetime, int) else 300

    async def revoke(self, refresh_token: str) -> None:
        """Raises `PeerError`; a token that is revoked already is no fault."""
        await self._post(f"{self._addresses.google_oauth}/revoke", {"token": refresh_token})

    def _verifier(self, state: str) -> str:
        return self._sealer.mac("google verifier", state, 32)

    async def _token(self, values: dict[str, str]) -> dict[str, Any]:
        client = {"client_id": self._id.reveal(), "client_secret": self._secret.reveal()}
        reply = await self._post(f"{self._addresses.google_oauth}/token", {**values, **client})
        body = body_of(reply)
        if reply.status == 200 and body.get("access_token"):
            return body
        fault = str(body.get("error", ""))
        if fault in {"invalid_grant", "invalid_client", "unauthorized_client", "invalid_request"}:
            raise PeerError("refused", fault)
        raise PeerError("later", f"{reply.status} {fault}".strip())

    async def _post(self, url: str, values: dict[str, str]) -> Reply:
        return await _form(self._addresses, url, values)


async def try_client(
    addresses: Calendars, back: str, client_id: str, client_secret: str
) -> Literal["ok", "client", "address", "away"]:
    """Whether Google knows this client and its secret, and our address `back`: a code of nobody's is
    exchanged, and what Google finds wrong with the request says so. Never raises for what a network
    may do."""
    values = {"grant_type": "authorization_code", "code": "4/0", "redirect_uri": back,
              "client_id": client_id, "client_secret": client_secret}  # fmt: skip
    try:
        reply = await _form(addresses, f"{addresses.google_oauth}/token", values)
    except PeerError:
        return "away"
    fault = str(body_of(reply).get("error", ""))
    if fault == "redirect_uri_mismatch":
        return "address"
    if fault in {"invalid_client", "unauthorized_client"}:
        return "client"
    return "ok" if fault == "invalid_grant" else "away"


async def _form(addresses: Calendars, url: str, values: dict[str, str]) -> Reply:
    web = Web(own_network=addresses.own_network)
    try:
        return await web.send(
            "POST", url, content=urlencode(values).encode(), unauthorized=True,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )  # fmt: skip
    finally:
        await web.close()


def body_of(reply: Reply) -> dict[str, Any]:
    """The JSON object of an answer; an empty one for anything else."""
    try:
        found = json.loads(reply.content)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
