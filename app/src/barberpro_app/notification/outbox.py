"""Empties the outbox: claims, sends, notes what became of each message.

A message is sent at least once and, apart from a crash between the server's "250" and our note of
it, exactly once; its Message-ID stays the same, so that mail systems can drop a double.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from barberpro_app.identity.repository import Subject
from barberpro_app.identity.service import LINK_LIFETIME, make_link
from barberpro_app.kit import integrations
from barberpro_app.kit.database import Database
from barberpro_app.kit.logging import get_logger
from barberpro_app.kit.metrics import Metrics
from barberpro_app.notification import repository
from barberpro_app.notification.compose import Composer, OutgoingMessage, UnsendableError
from barberpro_app.notification.quiet import REMINDERS, QuietHours
from barberpro_app.notification.transport import Delivery, Transport

BATCH = 20
#: After this many answers of "later" a message is a dead letter: about a day and a half.
MOST_ATTEMPTS = 12
FIRST_WAIT = timedelta(seconds=4)
LONGEST_WAIT = timedelta(hours=6)
#: Without a server at all messages wait this long before they are dead letters.
LONGEST_AGE = timedelta(days=3)
#: While somebody waits for an answer of this process, each message is followed by a rest: writing one
#: takes as long as answering ten requests.
REST_SECONDS = 0.2
#: Who asked for a sign-in link has gone by then.
SIGN_IN_AGE = timedelta(minutes=15)

log = get_logger(__name__)


def wait_before(attempts: int, draw: Callable[[], float] = random.random) -> timedelta:
    """Exponential back-off with jitter: between half and all of 4 s, 8 s, 16 s ... 6 h."""
    doublings = min(max(attempts - 1, 0), 30)
    full = min(FIRST_WAIT * (1 << doublings), LONGEST_WAIT)
    return full * (0.5 + draw() / 2)


class Outbox:
    """The sending half of the outbox of one deployment."""

    def __init__(
        self,
        database: Database,
        composer: Composer,
        transport: Transport,
        metrics: Metrics,
        public_url: str,
    ) -> None:
        self._database = database
        self._composer = composer
        self._transport = transport
        self._metrics = metrics
        self._public_url = public_url
        self._stopping = asyncio.Event()
        self._sending = asyncio.Lock()  # a batch has the connection for itself

    def use(self, composer: Composer, transport: Transport | None = None) -> None:
        """From the next message on, another one writes them, or takes them away."""
        self._composer = composer
        if transport is not None:
            self._transport = transport

    def stop(self) -> None:
        """The message in hand is the last; the others of the batch are given back."""
        self._stopping.set()

    async def run_once(self) -> int:
        """Sends what is due, one batch; how many were tried. Raises `UnavailableError`."""
        async with self._sending:
            return await self._run_once()

    async def _run_once(self) -> int:
        async with self._database.connection() as connection:
            rows = await repository.claim(connection, BATCH)
        try:
            for position, row in enumerate(rows):
                if self._stopping.is_set():
                    await self._give_back([left["attempt_id"] for left in rows[position:]])
                    break
                await self._handle(OutgoingMessage(**row))
                await self._rest()
        finally:
            await self._transport.close()
        return len(rows)

    async def _rest(self) -> None:
        """Whoever waits for an answer goes first."""
        if self._metrics.in_flight:
            try:
                await asyncio.wait_for(self._stopping.wait(), REST_SECONDS)
            except TimeoutError:
                return

    async def _give_back(self, attempts: list[UUID], until: datetime | None = None) -> None:
        async with self._database.connection() as connection:
            await repository.give_back(connection, attempts, until)

    async def _handle(self, message: OutgoingMessage) -> None:
        too_old = SIGN_IN_AGE if message.kind == "sign_in_link" else LONGEST_AGE
        if datetime.now(UTC) - message.created_at > too_old:
            await self._note(message, Delivery("refused", "too old"))
            return
        if not await self._may_leave(message):
            return
        try:
            email = self._composer.compose(message, sign_in_url=await self._sign_in_url(message))
        except UnsendableError as error:
            await self._note(message, Delivery("refused", str(error)))
            return
        await self._note(message, await self._transport.send(email))

    async def _may_leave(self, message: OutgoingMessage) -> bool:
        """Reminders wait for the morning, and are dropped once their booking is at another time."""
        if message.kind not in REMINDERS:
            return True
        async with self._database.connection() as connection:
            hours = QuietHours.of(await repository.preferences(connection), self._composer.zone)
            until = hours.wait(message)
            if until is not None:
                await repository.give_back(connection, [message.attempt_id], until)
                return False
            answer = await repository.hand(
                connection, message.id, message.attempt_id, repository.LEASE
            )
            if answer == "outdated":
                await repository.mark_failed(
                    connection, message.id, message.attempt_id, answer, "cancelled"
                )
        return answer == "go"

    async def _sign_in_url(self, message: OutgoingMessage) -> str:
        """The token is made now, so that only its hash is ever stored."""
        if message.kind != "sign_in_link":
            return ""
        staff, client = message.payload.get("staff_id"), message.payload.get("client_id")
        subject = Subject(UUID(staff) if staff else None, UUID(client) if client else None)
        async with self._database.transaction() as connection:
            link = await make_link(
                connection,
                self._public_url,
                subject,
                next_path=str(message.payload.get("next") or ""),
                lifetime=LINK_LIFETIME,
            )
        return link.url

    async def _note(self, message: OutgoingMessage, delivery: Delivery) -> None:
        outcome = self._outcome(message, delivery)
        async with self._database.transaction() as connection:
            attempt = message.attempt_id
            if outcome == "sent":
                await repository.mark_sent(connection, message.id, attempt)
            elif outcome == "later":
                wait = wait_before(message.attempts)
                await repository.mark_later(connection, message.id, attempt, wait, delivery.reason)
            else:
                await repository.mark_failed(connection, message.id, attempt, delivery.reason)
            if delivery.no_such_address and message.client_id is not None:
                await repository.mark_address(
                    connection, message.client_id, "email", message.recipient, delivery.reason
                )
            await integrations.note(connection, "mail", _peer_error(delivery))
        self._metrics.messages.labels(message.kind, outcome).inc()
        (log.info if outcome == "sent" else log.warning)(
            "message",
            message_id=str(message.id),
            kind=message.kind,
            outcome=outcome,
            attempt=message.attempts,
            reason=delivery.reason,
        )

    def _outcome(self, message: OutgoingMessage, delivery: Delivery) -> str:
        if delivery.verdict == "sent":
            return "sent"
        if delivery.verdict == "refused":
            return "failed"
        if delivery.verdict == "later" and message.attempts >= MOST_ATTEMPTS:
            return "failed"
        return "later"


def _peer_error(delivery: Delivery) -> str:
    """What is wrong with the server; "" where only one message was refused."""
    return delivery.reason if delivery.verdict in {"later", "unreachable"} else ""
