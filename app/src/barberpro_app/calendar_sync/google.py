"""A calendar at Google, by its Calendar API v3.

Source: developers.google.com/workspace/calendar/api: references of Events, CalendarList and Channels;
guides "Synchronize resources efficiently", "Push notifications", "Handle API errors". Our event's id
is the booking's key in hexadecimal, so that inserting it twice is answered with 409.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from barberpro_app.calendar_sync.errors import PeerError, wait_of
from barberpro_app.calendar_sync.google_oauth import body_of
from barberpro_app.calendar_sync.guard import Reply, Web
from barberpro_app.calendar_sync.peers import Changes, Choice, OutsideEvent, Period, Window, Written
from barberpro_app.notification.calendar import Event

OWN_KEY = "barberproBooking"
CHANNEL_SECONDS = 7 * 86400
#: A channel is made anew this long before it ends.
RENEW_BEFORE = timedelta(hours=24)
_LIMITS = {"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded"}
_MOST_PAGES = 200


@dataclass(frozen=True, slots=True)
class Channel:
    """A push channel: Google tells us at `address` that something changed, until `until`."""

    resource: str
    until: datetime


class Google:
    """One calendar of one account. `access` gives an access token, a new one if asked to."""

    def __init__(
        self, api: str, calendar: str, access: Callable[[bool], Awaitable[str]], *,
        host: str, private: bool, own_network: bool,
    ) -> None:  # fmt: skip
        """`host` marks our events; `private`: others who see the calendar do not see them."""
        self._api = f"{api.rstrip('/')}/calendar/v3"
        self._events = f"{self._api}/calendars/{quote(calendar, safe='')}/events"
        self._access = access
        self._host = host
        self._private = private
        self._web = Web(own_network=own_network)

    async def close(self) -> None:
        await self._web.close()

    async def choices(self) -> list[Choice]:
        """The account's calendars that can be written to."""
        query = urlencode({"minAccessRole": "writer", "maxResults": 250})
        body = await self._call("GET", f"{self._api}/users/me/calendarList?{query}")
        items = [item for item in body.get("items", []) if isinstance(item, dict)]
        items.sort(key=lambda item: not item.get("primary"))
        return [
            Choice(
                str(item["id"])[:1000],
                str(item.get("summaryOverride") or item.get("summary") or item["id"])[:200],
            )
            for item in items
            if item.get("id")
        ]

    # --- our events

    async def put(self, subject_id: UUID, event: Event, etag: str | None) -> Written:
        """Inserted if we have not written it yet, else changed; whichever it was, both end the same."""
        body = self._body(subject_id, event)
        one = f"{self._events}/{subject_id.hex}"
        if etag is None:
            reply = await self._send("POST", self._events, {"id": subject_id.hex, **body})
            if reply.status != 409:
                return _written(reply)
        reply = await self._send("PUT", one, body)  # also brings back one that was deleted there
        if reply.status in {404, 410}:
            reply = await self._send("POST", self._events, {"id": subject_id.hex, **body})
        return _written(reply)

    def _body(self, subject_id: UUID, event: Event) -> dict[str, Any]:
        return {
            "summary": event.summary,
            "description": event.description,
            "location": event.location,
            "start": {"dateTime": event.starts_at.astimezone(UTC).isoformat(), "timeZone": "UTC"},
            "end": {"dateTime": event.ends_at.astimezone(UTC).isoformat(), "timeZone": "UTC"},
            "status": "confirmed",
            "transparency": "opaque",
            "visibility": "private" if self._private else "default",
            "source": {"title": "BarberPro", "url": event.url},
            "extendedProperties": {"private": {OWN_KEY: str(subject_id), "host": self._host}},
        }

    async def remove(self, subject_id: UUID) -> None:
        reply = await self._send("DELETE", f"{self._events}/{subject_id.hex}")
        if reply.status not in {200, 204, 404, 410}:
            raise _refusal(reply)

    # --- outside events

    async def changes(
        self, cursor: str | None, known: Mapping[str, str], window: Window
    ) -> Changes:
        """A full look has a window, a later one the token of the one before, and nothing else
        (reference of Events: list, `syncToken`)."""
        first = (
            {"syncToken": cursor}
            if cursor
            else {"timeMin": window.start.isoformat(), "timeMax": window.end.isoformat()}
        )
        changes = Changes(full=cursor is None)
        page = ""
        for _ in range(_MOST_PAGES):
            query = {"singleEvents": "true", "maxResults": "250", **first}
            if page:
                query["pageToken"] = page
            body = await self._call("GET", f"{self._events}?{urlencode(query)}")
            zone = _zone(body.get("timeZone"), window.zone)
            for item in body.get("items", []):
                self._take(changes, item, zone)
            page = str(body.get("nextPageToken") or "")
            if not page:
                changes.cursor = str(body["nextSyncToken"]) if "nextSyncToken" in body else None
                return changes
        raise PeerError("later", "too many pages")

    def _take(self, changes: Changes, item: Any, zone: ZoneInfo) -> None:
        if not isinstance(item, dict) or not item.get("id"):
            return
        source = str(item["id"])
        if item.get("status") == "cancelled":
            changes.gone.append(source)
            return
        private = item.get("extendedProperties", {}).get("private", {})
        ours = None
        if private.get("host") == self._host and source == str(private.get(OWN_KEY)).replace(
            "-", ""
        ):
            with suppress(ValueError):
                ours = UUID(hex=source)
        etag, uid = str(item.get("etag", "")), str(item.get("iCalUID", ""))
        try:
            period = _period(item, zone)
        except (KeyError, TypeError, ValueError):
            changes.events.append(OutsideEvent(source, etag, uid, (), ours, readable=False))
            return
        busy = ours is not None or not _is_free(item)
        changes.events.append(
            OutsideEvent(source, etag, uid, (period,) if period and busy else (), ours)
        )

    # --- push

    async def watch(self, channel_id: UUID, token: str, address: str) -> Channel:
        """Asks to be told of changes at `address`."""
        body = await self._call(
            "POST", f"{self._events}/watch",
            {"id": str(channel_id), "type": "web_hook", "address": address, "token": token,
             "params": {"ttl": str(CHANNEL_SECONDS)}},
        )  # fmt: skip
        until = datetime.fromtimestamp(int(body["expiration"]) / 1000, UTC)
        return Channel(str(body["resourceId"]), until)

    async def unwatch(self, channel_id: UUID, resource: str) -> None:
        body = {"id": str(channel_id), "resourceId": resource}
        reply = await self._send("POST", f"{self._api}/channels/stop", body)
        if reply.status not in {200, 204, 404}:
            raise _refusal(reply)

    # --- calls

    async def _call(
        self, method: str, url: str, body: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        reply = await self._send(method, url, body)
        if reply.status != 200:
            raise _refusal(reply)
        return body_of(reply)

    async def _send(self, method: str, url: str, body: dict[str, Any] | None = None) -> Reply:
        """With a fresh token once, where the one at hand is refused."""
        content = json.dumps(body).encode() if body is not None else b""
        for fresh in (False, True):
            headers = {"Authorization": f"Bearer {await self._access(fresh)}"}
            if body is not None:
                headers["Content-Type"] = "application/json"
            try:
                reply = await self._web.send(method, url, headers=headers, content=content)
            except PeerError as error:
                if error.verdict != "refused" or fresh:
                    raise
                continue
            if reply.status == 403 and (limit := _limit(reply)):
                raise PeerError("limited", limit, wait_of(reply.headers.get("retry-after", "")))
            return reply
        raise PeerError("refused", "401")


def _written(reply: Reply) -> Written:
    body = body_of(reply)
    if reply.status not in {200, 201} or "id" not in body:
        raise _refusal(reply)
    return Written(str(body["id"]), str(body.get("etag", "")))


def _reasons(reply: Reply) -> list[str]:
    fault = body_of(reply).get("error")
    errors = fault.get("errors", []) if isinstance(fault, dict) else []
    return [str(item.get("reason", "")) for item in errors if isinstance(item, dict)]


def _limit(reply: Reply) -> str:
    return next((reason for reason in _reasons(reply) if reason in _LIMITS), "")


def _refusal(reply: Reply) -> PeerError:
    reason = f"{reply.status} {' '.join(_reasons(reply))}".strip()
    if reply.status == 410:
        return PeerError("expired", reason)
    if reply.status == 400 and "sync" in reason.lower():
        return PeerError("expired", reason)
    return PeerError("rejected" if reply.status in {400, 403, 413} else "later", reason)


def _zone(name: object, default: ZoneInfo) -> ZoneInfo:
    try:
        return ZoneInfo(str(name)) if name else default
    except (ZoneInfoNotFoundError, ValueError):
        return default


def _is_free(item: dict[str, Any]) -> bool:
    """Marked so, a place of work, or an invitation that was declined."""
    if item.get("transparency") == "transparent" or item.get("eventType") == "workingLocation":
        return True
    attendees = item.get("attendees", [])
    return any(
        person.get("self") and person.get("responseStatus") == "declined" for person in attendees
    )


def _period(item: dict[str, Any], zone: ZoneInfo) -> Period | None:
    start, end = _instant(item["start"], zone), _instant(item["end"], zone)
    return (start, end) if start < end else None


def _instant(value: dict[str, Any], zone: ZoneInfo) -> datetime:
    if "date" in value:
        return datetime.combine(date.fromisoformat(value["date"]), time(), zone).astimezone(UTC)
    found = datetime.fromisoformat(value["dateTime"])
    if found.tzinfo is None:
        found = found.replace(tzinfo=_zone(value.get("timeZone"), zone))
    return found.astimezone(UTC)
