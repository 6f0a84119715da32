"""Sends what is in the outbox for WhatsApp.

Each message leaves once, or is a dead letter: it is noted as leaving before it does, and if nobody
noted what became of it (a lost answer, a killed worker), it is not sent again by itself. A report of
Meta's settles it; without one in time it is a dead letter that says so, for a person to decide.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

from barberpro_app.contact_channel.numbers import to_send
from barberpro_app.integration_processor.templates import WhatsAppComposer
from barberpro_app.integration_processor.whatsapp_api import Sending, WhatsAppApi
from barberpro_app.kit import integrations
from barberpro_app.kit.database import Database
from barberpro_app.kit.links import BookingLinks
from barberpro_app.kit.logging import get_logger
from barberpro_app.kit.metrics import Metrics
from barberpro_app.notification import repository
from barberpro_app.notification.compose import OutgoingMessage, UnsendableError
from barberpro_app.notification.outbox import LONGEST_AGE, MOST_ATTEMPTS, wait_before
from barberpro_app.notification.quiet import QuietHours
from barberpro_app.settings import AppConfiguration, Settings

NAME = "whatsapp"
BATCH = 20
UNKNOWN = "it is not known whether it arrived"

log = get_logger(__name__)


class Processor:
    """The sending half of one deployment's WhatsApp number."""

    def __init__(self, settings: Settings, database: Database, metrics: Metrics) -> None:
        """Raises `ConfigurationError` where it is not set up."""
        app, secrets = settings.app, settings.secrets
        self._links = BookingLinks(secrets.key("session-key"), app.public_url)
        self._app = app
        self._database = database
        self._metrics = metrics
        self._composer = WhatsAppComposer(app, self._links)
        number = secrets.text("whatsapp-phone-number-id").reveal()
        self._api = WhatsAppApi(app.whatsapp, number, secrets.text("whatsapp-token"))
        self._lease = timedelta(seconds=app.whatsapp.report_seconds)
        self._stopping = False
        self._working = asyncio.Lock()

    def use(self, app: AppConfiguration) -> None:
        """From the next message on, this is the brand that writes."""
        self._composer = WhatsAppComposer(app, self._links)

    async def run(self) -> int:
        """Sends what is due; how many were tried. Raises `UnavailableError`."""
        total = tried = 0
        while not self._stopping:
            async with self._working:
                tried = await self.run_once()
            total += tried
            if tried < BATCH:
                break
        return total

    async def stop(self) -> None:
        """The message in hand is the last; returns when it is noted what became of it."""
        self._stopping = True
        async with self._working:
            return

    async def run_once(self) -> int:
        """One batch; how many were tried. Raises `UnavailableError`."""
        async with self._database.connection() as connection:
            if await integrations.is_limited(connection, NAME):
                return 0
            hours = QuietHours.of(await repository.preferences(connection), self._app.zone)
            rows = await repository.claim(connection, BATCH, NAME, self._lease)
        messages = [OutgoingMessage(**row) for row in rows]
        try:
            for position, message in enumerate(messages):
                if not await self._handle(message, hours) or self._stopping:
                    await self._give_back([left.attempt_id for left in messages[position + 1 :]])
                    break
        finally:
            await self._api.close()
        return len(rows)

    async def _give_back(self, attempts: list[UUID], until: datetime | None = None) -> None:
        async with self._database.connection() as connection:
            await repository.give_back(connection, attempts, until)

    async def _handle(self, message: OutgoingMessage, hours: QuietHours) -> bool:
        """False if nothing more can be sent for now."""
        if message.handed_at is not None:
            await self._fail(message, UNKNOWN, fall_back=False)
            return True
        if datetime.now(UTC) - message.created_at > LONGEST_AGE:
            await self._fail(message, "too old")
            return True
        until = None if message.kind == "whatsapp_reply" else hours.wait(message)
        if until is not None:
            await self._give_back([message.attempt_id], until)
            return True
        to = to_send(message.recipient, drop_nine=self._app.whatsapp.drop_mobile_nine)
        try:
            body = self._composer.compose(message, to)
        except UnsendableError as error:
            await self._fail(message, str(error))
            return True
        async with self._database.connection() as connection:
            answer = await repository.hand(connection, message.id, message.attempt_id, self._lease)
        if answer == "go":
            return await self._note(message, await self._api.send(body))
        if answer == "not_agreed":
            await self._fail(message, answer)
        elif answer != "lost":
            await self._cancel(message, answer)
        return True

    async def _note(self, message: OutgoingMessage, sending: Sending) -> bool:
        attempt, reason = message.attempt_id, sending.reason
        outcome = self._outcome(message, sending)
        async with self._database.connection() as connection:
            if outcome == "sent":
                await repository.mark_sent(connection, message.id, attempt, sending.external_id)
                await integrations.note(connection, NAME)
            elif outcome == "unknown":
                await repository.mark_unknown(connection, message.id, attempt, self._lease, reason)
                await integrations.note(connection, NAME, reason)
            elif outcome == "later":
                wait = max(sending.wait, wait_before(message.attempts))
                await repository.mark_later(connection, message.id, attempt, wait, reason)
                if sending.verdict == "limited":
                    await integrations.note_limit(connection, NAME, sending.wait, reason)
                else:
                    await integrations.note(connection, NAME, reason)
            if sending.no_such_address and message.client_id is not None:
                await repository.mark_address(
                    connection, message.client_id, NAME, message.recipient, reason
                )
        self._tell(message, outcome, reason)
        if outcome == "failed":
            await self._fail(message, reason)
        return sending.verdict not in {"limited", "unreachable"}

    def _outcome(self, message: OutgoingMessage, sending: Sending) -> str:
        if sending.verdict in {"sent", "unknown"}:
            return sending.verdict
        if sending.verdict == "refused":
            return "failed"
        if sending.verdict == "later" and message.attempts >= MOST_ATTEMPTS:
            return "failed"
        return "later"

    async def _fail(self, message: OutgoingMessage, reason: str, *, fall_back: bool = True) -> None:
        """A dead letter, unless the same goes by e-mail."""
        async with self._database.transaction() as connection:
            instead = fall_back and await repository.fall_back(connection, message.id)
            state = "cancelled" if instead else "failed"
            said = f"by e-mail instead: {reason}" if instead else reason
            await repository.mark_failed(connection, message.id, message.attempt_id, said, state)
        self._tell(message, "by_email" if instead else "failed", reason)

    async def _cancel(self, message: OutgoingMessage, reason: str) -> None:
        async with self._database.connection() as connection:
            await repository.mark_failed(
                connection, message.id, message.attempt_id, reason, "cancelled"
            )
        self._tell(message, "cancelled", reason)

    def _tell(self, message: OutgoingMessage, outcome: str, reason: str) -> None:
        self._metrics.messages.labels(message.kind, outcome).inc()
        (log.info if outcome == "sent" else log.warning)(
            "message", channel=NAME, message_id=str(message.id), kind=message.kind,
            outcome=outcome, attempt=message.attempts, reason=reason,
        )  # fmt: skip
