"""Works off what WhatsApp told us. Each event is one transaction with its end, so that it acts once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.booking.errors import NotChangeableError, TooLateToCancelError
from barberpro_app.booking.schemas import CancelRequest
from barberpro_app.contact_channel import repository as channels
from barberpro_app.contact_channel import service as consents
from barberpro_app.contact_channel.numbers import country_of, same_number, whatsapp_number
from barberpro_app.identity.principal import SYSTEM, client_principal
from barberpro_app.kit import integrations
from barberpro_app.kit.database import Connection, Database
from barberpro_app.kit.errors import AppError
from barberpro_app.kit.links import BookingLinks
from barberpro_app.kit.logging import get_logger
from barberpro_app.notification.repository import fall_back, mark_address
from barberpro_app.notification.texts import match_locale
from barberpro_app.settings import Settings
from barberpro_app.visit import service as visits
from barberpro_app.whatsapp_webhook import repository
from barberpro_app.whatsapp_webhook.words import ANSWERS, wish_of

BATCH = 50
KEEP = timedelta(days=8)  # Meta repeats for up to seven
#: Meta's error of a person who has no WhatsApp or has blocked us.
_UNDELIVERABLE = 131026
_CATEGORIES = {"utility", "marketing", "authentication", "service"}

log = get_logger(__name__)


class Inbox:
    """The worker's half of the webhook."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._app = settings.app
        self._database = database
        self._links = BookingLinks(settings.secrets.key("session-key"), settings.app.public_url)

    async def run_once(self) -> int:
        """One batch; how many. Raises `UnavailableError`."""
        async with self._database.connection() as connection:
            rows = await repository.claim_events(connection, BATCH)
        for row in rows:
            await self._work(row)
        return len(rows)

    async def prune(self) -> int:
        async with self._database.connection() as connection:
            return await repository.prune_events(connection, KEEP)

    async def _work(self, row: dict[str, Any]) -> None:
        handle = {"status": self._report, "template": self._template}.get(
            row["kind"], self._message
        )
        try:
            async with self._database.transaction() as connection:
                if await repository.end_event(connection, row["id"]):
                    await handle(connection, row["id"], row["document"])
        except (AppError, psycopg.Error, ValueError) as error:
            log.warning("whatsapp_event_failed", kind=row["kind"], error=type(error).__name__)
            async with self._database.connection() as connection:
                await repository.event_failed(connection, row["id"], type(error).__name__)

    async def _report(
        self, connection: Connection, _event_id: str, document: dict[str, Any]
    ) -> None:
        error = document["error"] or {}
        reason = f"({error.get('code')}) {error.get('title')}"[:200] if error else "failed"
        billed = document["category"] in _CATEGORIES and document["status"] != "failed"
        changed = await repository.report(
            connection,
            {"wamid": document["wamid"], "status": document["status"], "error": reason,
             "message": _key(document["message_id"]), "billed": billed},
        )  # fmt: skip
        if changed is None:
            return
        log.info("delivery", message_id=str(changed["id"]), state=document["status"])
        if billed and not changed["billed_before"]:
            await repository.add_usage(
                connection, _instant(document["at"]), document["category"],
                country_of(document["recipient"] or changed["recipient"]),
                billable=document["billable"],
            )  # fmt: skip
        if document["status"] != "failed":
            await integrations.note(connection, "whatsapp")
            return
        if error.get("code") == _UNDELIVERABLE and changed["client_id"]:
            await mark_address(
                connection, changed["client_id"], "whatsapp", changed["recipient"], reason
            )
        if await fall_back(connection, changed["id"]):
            await repository.settle_failed(connection, changed["id"], reason)

    async def _template(
        self, connection: Connection, _event_id: str, document: dict[str, Any]
    ) -> None:
        """Something became of it: the worker asks what, so that nothing depends on their order."""
        await repository.look_at_template(connection, document["name"], document["language"])

    async def _message(
        self, connection: Connection, event_id: str, document: dict[str, Any]
    ) -> None:
        wa_id = document["from"]
        at = min(_instant(document["at"]), datetime.now(UTC))
        unhelped = await repository.heard(connection, wa_id, at)
        rows = await channels.at_numbers(connection, self._forms(wa_id))
        for row in rows:
            if same_number(row["address"], wa_id):
                await channels.set_wa_id(connection, row["client_id"], wa_id)
        locale = match_locale(None, self._app.locale)
        wish = wish_of(document["text"])
        answer: str | None
        if wish:
            actor = Actor(SYSTEM, f"whatsapp:{event_id}"[:120])
            await consents.by_word(connection, actor, self._forms(wa_id), agreed=wish == "start")
            answer = "stopped" if wish == "stop" else "started"
            if wish == "start" and not rows:
                answer = "help"
        elif document["pressed"]:
            answer, locale, url = await self._pressed(connection, wa_id, document["pressed"])
            await self._reply(connection, wa_id, event_id, answer, locale, url)
            return
        else:
            answer = "help" if unhelped else None
            await repository.helped(connection, wa_id)
        if answer is not None:
            await self._reply(connection, wa_id, event_id, answer, locale)

    def _forms(self, wa_id: str) -> list[str]:
        """A number as it came, and as we keep numbers."""
        normal = whatsapp_number(wa_id, self._app.country)
        return [wa_id, normal] if normal and normal != wa_id else [wa_id]

    async def _reply(
        self, connection: Connection, wa_id: str, to: str, answer: str, locale: str, url: str = ""
    ) -> None:
        brand = self._app.brand
        contact = " · ".join(part for part in (brand.contact_phone, brand.contact_email) if part)
        home = self._app.public_url
        text = ANSWERS[locale][answer].format(url=url, contact=contact or home, home=home)
        await repository.add_reply(connection, wa_id, to, text)

    async def _pressed(
        self, connection: Connection, wa_id: str, pressed: str
    ) -> tuple[str, str, str]:
        """Does what a button says; the answer, its language, and a link for it."""
        action, _, token = pressed.partition(":")
        booking_id = self._links.booking_id(token)
        default = match_locale(None, self._app.locale)
        if booking_id is None or action not in {"confirm", "reschedule", "cancel"}:
            return "unknown", default, ""
        found = await repository.booking_for_number(connection, booking_id, self._forms(wa_id))
        if found is None:
            return "unknown", default, ""
        locale = match_locale(found["locale"], self._app.locale)
        url = self._links.url(booking_id)
        if found["status"] == "held" and action == "confirm":
            return "reschedule", locale, url  # an offer is taken on its page
        stands = found["status"] in {"held", "requested", "confirmed"} and found[
            "starts_at"
        ] > datetime.now(UTC)
        if not stands:
            again = found["status"] == "cancelled" and action == "cancel"
            return ("cancelled" if again else "gone"), locale, ""
        if action == "reschedule":
            return "reschedule", locale, f"{url}/cambiar"
        actor = Actor(client_principal(found["client_id"]), "whatsapp")
        if action == "cancel":
            return await self._cancel(connection, actor, booking_id), locale, ""
        if await repository.comes(connection, booking_id, found["starts_at"]):
            what = AuditedObject("booking", str(booking_id))
            await record(connection, actor, "booking.attendance_confirmed", what)
        return "confirmed", locale, ""

    async def _cancel(self, connection: Connection, actor: Actor, booking_id: UUID) -> str:
        """Within the policies, as on the page."""
        try:
            async with connection.transaction():
                await visits.cancel_sitting(
                    connection, self._app, actor, booking_id, CancelRequest(reason="WhatsApp")
                )
        except TooLateToCancelError:
            return "too_late"
        except NotChangeableError:
            return "gone"
        return "cancelled"


def _instant(seconds: str) -> datetime:
    """Meta's time stamps are seconds since 1970, as text."""
    if seconds.isascii() and seconds.isdigit() and len(seconds) <= 11:
        return datetime.fromtimestamp(int(seconds), UTC)
    return datetime.now(UTC)


def _key(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
