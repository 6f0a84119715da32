"""What every kind of calendar can do for us; `caldav` and `google` do it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from barberpro_app.notification.calendar import Event

Period = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Choice:
    """A calendar that may be connected."""

    calendar: str
    title: str


@dataclass(frozen=True, slots=True)
class Window:
    """From when to when outside events matter; `zone` is that of events without one."""

    start: datetime
    end: datetime
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class OutsideEvent:
    """One object of the calendar with what it keeps busy; `ours` if we wrote it."""

    source: str
    etag: str
    uid: str = ""
    periods: tuple[Period, ...] = ()
    ours: UUID | None = None
    readable: bool = True


@dataclass(slots=True)
class Changes:
    """What has changed; `full` if `events` is all there is. `cursor` is where to go on next time."""

    events: list[OutsideEvent] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    cursor: str | None = None
    full: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """Where our event stands, and which version of it."""

    remote: str
    etag: str


class Peer(Protocol):
    """One calendar. All methods raise `PeerError`."""

    async def put(self, subject_id: UUID, event: Event, etag: str | None) -> Written:
        """Writes our event, new or over the one before; safe to repeat."""
        ...

    async def remove(self, subject_id: UUID) -> None:
        """Takes our event away; nothing happens if it is not there."""
        ...

    async def changes(
        self, cursor: str | None, known: Mapping[str, str], window: Window
    ) -> Changes:
        """What changed since `cursor`; everything without one. `known`: source -> etag."""
        ...

    async def close(self) -> None:
        """Ends connections."""
        ...
