"""From a stored connection to the calendar itself: credentials, access tokens, push channels."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from barberpro_app.calendar_sync.caldav import CalDav
from barberpro_app.calendar_sync.errors import PeerError
from barberpro_app.calendar_sync.google import RENEW_BEFORE, Google
from barberpro_app.calendar_sync.google_oauth import GoogleSignIn
from barberpro_app.calendar_sync.peers import Peer
from barberpro_app.calendar_sync.sealing import Sealer
from barberpro_app.kit import clock
from barberpro_app.kit.addresses import is_public
from barberpro_app.kit.database import Database
from barberpro_app.kit.errors import ConfigurationError
from barberpro_app.kit.logging import get_logger
from barberpro_app.settings import Settings

#: kind of calendar -> its name among the integrations
INTEGRATIONS = {"caldav": "caldav", "google": "google-calendar"}
HOOK = "/webhooks/google-calendar"
#: A new access token is fetched this long before the old one ends, in seconds.
_SPARE = 60.0

log = get_logger(__name__)
Row = dict[str, Any]


class Reach:
    """Makes peers of connections; keeps Google's access tokens in memory."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._sealer = Sealer(settings.secrets.key("token-key"))
        self._host = urlsplit(settings.app.public_url).hostname or "localhost"
        self._access: dict[UUID, tuple[str, float]] = {}

    def peer(self, row: Row) -> Peer:
        """Raises `PeerError` (refused) for credentials that cannot be read."""
        credentials = self._sealer.open(row["id"], bytes(row["sealed"]))
        own_network = self._settings.app.calendars.own_network
        if row["kind"] == "caldav":
            return CalDav(
                credentials["user"], credentials["password"], row["calendar"], self._host,
                own_network=own_network,
            )  # fmt: skip

        async def access(fresh: bool) -> str:
            return await self._token(row["id"], credentials["refresh_token"], fresh=fresh)

        return Google(
            self._settings.app.calendars.google_api, row["calendar"], access, host=self._host,
            private=self._settings.app.compliance.health_data, own_network=own_network,
        )  # fmt: skip

    async def _token(self, connection_id: UUID, refresh_token: str, *, fresh: bool) -> str:
        token, until = self._access.get(connection_id, ("", 0.0))
        if token and not fresh and time.monotonic() < until:
            return token
        token, lifetime = await self._sign_in().refresh(refresh_token)
        self._access[connection_id] = (token, time.monotonic() + lifetime - _SPARE)
        return token

    def _sign_in(self) -> GoogleSignIn:
        try:
            return GoogleSignIn(self._settings, self._sealer)
        except ConfigurationError as error:
            raise PeerError("unreachable", "Google is not set up any more") from error

    async def renew_channel(self, database: Database, row: Row, peer: Peer) -> None:
        """Has Google tell us of changes, where it can reach this site. Without a channel the calendar
        is looked at every few minutes all the same."""
        if not isinstance(peer, Google) or not self._can_be_told():
            return
        until = row["channel_until"]
        if until is not None and until > clock.now() + RENEW_BEFORE:
            return
        new = uuid4()
        token = self._sealer.mac("google channel", str(new))
        address = self._settings.app.public_url.rstrip("/") + HOOK
        try:
            channel = await peer.watch(new, token, address)
        except (PeerError, KeyError, ValueError) as error:
            log.warning("calendar_channel", connection_id=str(row["id"]), reason=str(error)[:200])
            return
        async with database.connection() as connection:
            await connection.execute(
                "UPDATE calendar_connection SET channel_id = %s, channel_resource = %s,"
                " channel_until = %s WHERE id = %s",
                (new, channel.resource, channel.until, row["id"]),
            )
        if row["channel_id"] is not None:
            await self._stop_channel(row, peer)

    def _can_be_told(self) -> bool:
        return is_public(self._settings.app.public_url) or self._settings.app.calendars.own_network

    async def _stop_channel(self, row: Row, peer: Google) -> None:
        try:
            await peer.unwatch(row["channel_id"], row["channel_resource"] or "")
        except PeerError as error:  # it ends by itself within a week
            log.info("calendar_channel_left", connection_id=str(row["id"]), reason=error.reason)

    async def let_go(self, row: Row, peer: Peer) -> None:
        """Ends the channel and gives the access back; what fails ends by itself."""
        if not isinstance(peer, Google):
            return
        if row["channel_id"] is not None:
            await self._stop_channel(row, peer)
        try:
            credentials = self._sealer.open(row["id"], bytes(row["sealed"]))
            await self._sign_in().revoke(credentials["refresh_token"])
        except PeerError as error:
            log.info("calendar_access_left", connection_id=str(row["id"]), reason=error.reason)
        self._access.pop(row["id"], None)
