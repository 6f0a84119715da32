"""The feed of a provider: an iCalendar address that any calendar program can subscribe to."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from uuid import UUID

from barberpro_app.calendar_sync import repository
from barberpro_app.calendar_sync.entries import Entries
from barberpro_app.calendar_sync.sealing import Sealer
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import NotFoundError
from barberpro_app.notification.calendar import render_feed
from barberpro_app.settings import AppConfiguration

BACK = timedelta(days=30)
MOST = 5000
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


class FeedLinks:
    """Addresses of feeds: the feed's id and a signature, so that the table alone gives none away."""

    def __init__(self, sealer: Sealer, public_url: str) -> None:
        self._sealer = sealer
        self._public_url = public_url.rstrip("/")

    def url(self, feed_id: UUID) -> str:
        mac = self._sealer.mac("feed", feed_id.hex)
        return f"{self._public_url}/calendario/{feed_id.hex}{mac}.ics"

    def feed_id(self, token: str) -> UUID | None:
        """None for what is not one of ours."""
        head, mac = token[:32], token[32:]
        if not token.isascii() or not self._sealer.is_mac(mac, "feed", head):
            return None
        return UUID(hex=head)


@dataclass(frozen=True, slots=True)
class RenderedFeed:
    """The file with what caches compare."""

    content: bytes
    etag: str
    modified: datetime

    @property
    def last_modified(self) -> str:
        return format_datetime(self.modified, usegmt=True)

    def is_known(self, etags: str, since: str) -> bool:
        """By If-None-Match, else by If-Modified-Since (RFC 9110 §13.2.2)."""
        if etags:
            given = {part.strip().removeprefix("W/") for part in etags.split(",")}
            return self.etag in given or "*" in given
        try:
            return bool(since) and parsedate_to_datetime(since) >= self.modified
        except (ValueError, TypeError):
            return False


async def render(connection: Connection, app: AppConfiguration, feed_id: UUID) -> RenderedFeed:
    """The last month and everything to come. Raises `NotFoundError` for a feed that was revoked."""
    feed = await repository.feed_by_id(connection, feed_id)
    if feed is None:
        raise NotFoundError
    rows = await repository.entries(connection, feed["provider_id"], BACK, MOST)
    entries = Entries(app)
    name = app.brand.name if app.compliance.health_data else f"{app.brand.name} · {feed['name']}"
    events = [entries.event(row, feed["detail"]) for row in rows]
    content = render_feed(events, "BarberPro", name).encode()
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    modified = max([_EPOCH, *(row["updated_at"] for row in rows)]).astimezone(UTC)
    return RenderedFeed(content, etag, modified.replace(microsecond=0))
