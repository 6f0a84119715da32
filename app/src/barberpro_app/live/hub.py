"""One connection that listens to the database, and everybody who wants to hear of changes.

A change says that something of a provider's days is different, not what: who looks fetches the page
anew. Nothing is lost by that when a connection breaks: after each gap everybody is told to look again.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import psycopg

from barberpro_app.kit.logging import get_logger

#: Changes that one reader may be behind; one who is further behind is told to look again.
QUEUE = 32
#: Changes that are remembered for who comes back.
REMEMBERED = 256
#: Seconds between two looks at whether the connection still lives, and before a new one is tried.
CHECK_SECONDS = 20.0
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Change:
    """What changed: of one provider or of all (None), on these local days or on any (None)."""

    kind: str
    provider: UUID | None = None
    first: date | None = None
    last: date | None = None


#: Everything may be different: the reader has to look again.
LOOK_AGAIN = Change("again")


#: Changes of what waits for the team; no visitor's page shows any of it.
DESK = frozenset({"walk_in", "message", "request"})


@dataclass(frozen=True, slots=True)
class Interest:
    """Which changes a reader wants: of these providers (None: all), on these days; `team`: whether of
    what waits for the team too."""

    providers: frozenset[UUID] | None
    first: date
    last: date
    team: bool = True

    def covers(self, change: Change) -> bool:
        if change.kind in DESK and not self.team:
            return False
        if None not in (self.providers, change.provider) and (
            change.provider not in (self.providers or ())
        ):
            return False
        if change.first is not None and change.first > self.last:
            return False
        return change.last is None or change.last >= self.first


class Subscription:
    """One reader's queue, of limited length. `None` from `next` is the end."""

    def __init__(self, interest: Interest) -> None:
        self._interest = interest
        self._waiting: asyncio.Queue[tuple[int, Change] | None] = asyncio.Queue(QUEUE + 1)

    def offer(self, number: int, change: Change) -> None:
        if change is not LOOK_AGAIN and not self._interest.covers(change):
            return
        if change is LOOK_AGAIN or self._waiting.qsize() >= QUEUE:
            self._clear()
            change = LOOK_AGAIN
        self._waiting.put_nowait((number, change))

    def end(self) -> None:
        self._clear()
        self._waiting.put_nowait(None)

    async def next(self) -> tuple[int, Change] | None:
        return await self._waiting.get()

    def _clear(self) -> None:
        while not self._waiting.empty():
            self._waiting.get_nowait()


class Hub:
    """Listens, remembers the last changes, and hands each to who is interested."""

    def __init__(
        self,
        url: str,
        again: Callable[[], Awaitable[None]] | None = None,
        heard: Callable[[], None] | None = None,
    ) -> None:
        """`again` is awaited whenever the database answers after it did not; `heard` is called before
        anybody is told of a change."""
        self._url = url
        self._again = again
        self._heard = heard
        self._epoch = secrets.token_hex(4)
        self._number = 0
        self._recent: deque[tuple[int, Change]] = deque(maxlen=REMEMBERED)
        self._subscriptions: set[Subscription] = set()
        self.stopped = False

    @property
    def position(self) -> str:
        """Where we are; what a page says that was made now, so that nothing after it is missed."""
        return self.identify(self._number)

    def identify(self, number: int) -> str:
        return f"{self._epoch}-{number}"

    def subscribe(self, interest: Interest, since: str) -> Subscription:
        """From `since` (a position) on; if that is not known here, the first word is to look again."""
        subscription = Subscription(interest)
        epoch, _, given = since.partition("-")
        number = int(given) if given.isascii() and given.isdigit() and len(given) < 16 else -1
        oldest = self._recent[0][0] - 1 if self._recent else self._number
        if epoch != self._epoch or not oldest <= number <= self._number:
            subscription.offer(self._number, LOOK_AGAIN)
        else:
            for past, change in self._recent:
                if past > number:
                    subscription.offer(past, change)
        if self.stopped:
            subscription.end()
        else:
            self._subscriptions.add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        self._subscriptions.discard(subscription)

    def publish(self, change: Change) -> None:
        if self._heard is not None:
            self._heard()
        self._number += 1
        self._recent.append((self._number, change))
        for subscription in self._subscriptions:
            subscription.offer(self._number, change)

    def stop(self) -> None:
        """Ends every open answer, so that the process can end; browsers come back by themselves."""
        self.stopped = True
        for subscription in self._subscriptions:
            subscription.end()
        self._subscriptions.clear()

    async def run(self) -> None:
        """Listens until cancelled; a server that is away is waited for."""
        pause = FIRST_PAUSE
        while True:
            try:
                connection = await psycopg.AsyncConnection.connect(
                    self._url, autocommit=True, connect_timeout=5,
                    application_name="barberpro-live", keepalives_idle=20,
                )  # fmt: skip
                async with connection:
                    await connection.execute("LISTEN agenda")
                    if self._again is not None:
                        await self._again()
                    self.publish(LOOK_AGAIN)  # whatever happened while nobody listened
                    pause = FIRST_PAUSE
                    await self._listen(connection)
            except psycopg.Error as error:
                log.debug("live_waits_for_database", error=type(error).__name__)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _listen(self, connection: psycopg.AsyncConnection) -> None:
        while True:
            async for notice in connection.notifies(timeout=CHECK_SECONDS):
                self.publish(read_change(notice.payload))
            await connection.execute("SELECT 1")


def read_change(payload: str) -> Change:
    """The change of a notification; one that cannot be read may be anything."""
    try:
        document = json.loads(payload)
        return Change(
            str(document["kind"]),
            UUID(document["provider"]) if document.get("provider") else None,
            date.fromisoformat(document["first"]) if document.get("first") else None,
            date.fromisoformat(document["last"]) if document.get("last") else None,
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        log.warning("live_notice_unreadable", length=len(payload))
        return LOOK_AGAIN
