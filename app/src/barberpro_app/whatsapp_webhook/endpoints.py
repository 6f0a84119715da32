"""Notifications of WhatsApp: the handshake, and the signed ones, stored at once and worked off later.

developers.facebook.com, Graph API, "Webhooks: Getting started": Meta repeats what is not answered
with 200 for days, so only what is stored is answered so.
"""

from __future__ import annotations

import hmac

from fastapi import APIRouter, Request, Response

from barberpro_app.edge import database_of
from barberpro_app.kit.errors import AppError, NotAllowedError, NotFoundError
from barberpro_app.kit.logging import get_logger
from barberpro_app.settings import Secret, Settings
from barberpro_app.whatsapp_webhook import repository
from barberpro_app.whatsapp_webhook.events import events_of
from barberpro_app.whatsapp_webhook.signature import is_genuine

router = APIRouter(include_in_schema=False)
ADDRESS = "/webhooks/whatsapp"
#: Meta's own notifications are at most 3 MB; the app takes bodies of 1 MB, and these are of kilobytes.
LARGEST_BODY = 524_288

log = get_logger(__name__)


class ForgedNotificationError(NotAllowedError):
    """This notification is not signed by WhatsApp."""

    code = "forged_notice"
    status = 401


class NotificationTooLargeError(AppError):
    """This notification is larger than WhatsApp's are."""

    code = "too_large"
    status = 413


@router.get(ADDRESS)
async def shake_hands(request: Request) -> Response:
    """Meta asks once whether the address is ours."""
    expected = _secret(request, "whatsapp-verify-token").reveal()
    asked = request.query_params
    given, challenge = asked.get("hub.verify_token", ""), asked.get("hub.challenge", "")
    known = hmac.compare_digest(given.encode(), expected.encode())
    if not known or asked.get("hub.mode") != "subscribe" or not 1 <= len(challenge) <= 200:
        log.warning("forged_notice", integration="whatsapp")
        raise NotAllowedError
    return Response(
        challenge, media_type="text/plain", headers={"X-Content-Type-Options": "nosniff"}
    )


@router.post(ADDRESS)
async def notified(request: Request) -> Response:
    """Stores what a notification says."""
    secret = _secret(request, "whatsapp-app-secret").reveal()
    number_id = _secret(request, "whatsapp-phone-number-id").reveal()
    raw = await _body(request)
    if not is_genuine(raw, request.headers.get("x-hub-signature-256", ""), secret):
        log.warning("forged_notice", integration="whatsapp")
        raise ForgedNotificationError
    account = request.app.state.settings.secrets.optional("whatsapp-business-account-id")
    events = events_of(raw, number_id, account.reveal() if account else "")
    if events:
        async with database_of(request).connection() as connection:
            await repository.add_events(connection, events)
    return Response(status_code=200)


def _secret(request: Request, name: str) -> Secret:
    """Where it is not set up, there is no such address."""
    settings: Settings = request.app.state.settings
    secret = settings.secrets.optional(name)
    if secret is None:
        raise NotFoundError
    return secret


async def _body(request: Request) -> bytes:
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > LARGEST_BODY:
            raise NotificationTooLargeError
    return bytes(raw)
