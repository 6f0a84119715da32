"""A calendar on a CalDAV server (RFC 4791), such as Nextcloud, iCloud, Fastmail or Radicale.

Changes come by sync token (RFC 6578) where the server has them, else by its ctag and a list of etags.
Our event has an address of its own, made of the booking's key: writing it twice is writing it once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Mapping
from urllib.parse import unquote, urljoin, urlsplit
from uuid import UUID

import httpx

from barberpro_app.calendar_sync import caldav_xml as xml
from barberpro_app.calendar_sync.caldav_xml import C, D, Multistatus, Resource, S
from barberpro_app.calendar_sync.errors import PeerError
from barberpro_app.calendar_sync.expand import read
from barberpro_app.calendar_sync.guard import Reply, Web
from barberpro_app.calendar_sync.peers import Changes, Choice, OutsideEvent, Window, Written
from barberpro_app.notification.calendar import Event, render_object

_XML = {"Content-Type": "application/xml; charset=utf-8"}
_BATCH = 50
_MOST_PAGES = 200
_ATTEMPTS = 3
_THERE = {200, 201, 204}
_GONE = {404, 410}


class BasicOrDigest(httpx.Auth):
    """Basic (RFC 7617), or Digest (RFC 7616) where the server wants that."""

    def __init__(self, user: str, password: str) -> None:
        self._basic = httpx.BasicAuth(user, password)
        self._digest = httpx.DigestAuth(user, password)
        self._wants_digest = False

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if not self._wants_digest:
            answer = yield from _first(self._basic.auth_flow(request))
            asked = answer.headers.get("www-authenticate", "").lower()
            if answer.status_code != 401 or not asked.startswith("digest"):
                return
            self._wants_digest = True
            request.headers.pop("Authorization", None)
        yield from self._digest.auth_flow(request)


def _first(
    flow: Generator[httpx.Request, httpx.Response, None],
) -> Generator[httpx.Request, httpx.Response, httpx.Response]:
    return (yield next(flow))


class CalDav:
    """One account, and one calendar of it once it is chosen. `host` is that of our UIDs."""

    def __init__(
        self, user: str, password: str, calendar: str, host: str, *, own_network: bool
    ) -> None:
        self._web = Web(own_network=own_network, auth=BasicOrDigest(user, password))
        self._calendar = calendar if calendar.endswith("/") else f"{calendar}/"
        self._host = host

    async def close(self) -> None:
        await self._web.close()

    # --- finding calendars (RFC 6764 §6, RFC 4791 §6.2.1)

    async def choices(self, address: str) -> list[Choice]:
        """The calendars of the account that can be written to. `address`: of a calendar, of the
        account's home, or of the server. Raises `PeerError`."""
        found = await self._look(address, "0")
        if not found:
            found = await self._look(urljoin(address, "/.well-known/caldav"), "0")
        here = next(iter(found), None)
        if here is None:
            raise PeerError("rejected", "no calendar server")
        if _is_calendar(here[1]):
            return [_choice(*here)]
        home = await self._home(*here)
        return [_choice(url, part) for url, part in await self._look(home, "1")
                if _is_calendar(part)]  # fmt: skip

    async def _home(self, url: str, part: Resource) -> str:
        home = part.href_in(f"{C}calendar-home-set")
        principal = part.href_in(f"{D}current-user-principal")
        if not home and principal:
            for _, found in await self._look(urljoin(url, principal), "0"):
                home = found.href_in(f"{C}calendar-home-set")
            url = urljoin(url, principal)
        return urljoin(url, home) if home else url

    async def _look(self, url: str, depth: str) -> list[tuple[str, Resource]]:
        """Resources with their addresses; none where there is no WebDAV."""
        body = xml.propfind(
            "d:resourcetype", "d:displayname", "d:current-user-principal", "c:calendar-home-set",
            "c:supported-calendar-component-set", "d:current-user-privilege-set",
        )  # fmt: skip
        reply = await self._web.send(
            "PROPFIND", url, headers={**_XML, "Depth": depth}, content=body
        )
        if reply.status != 207:
            return []
        return [(urljoin(reply.url, part.href), part)
                for part in xml.multistatus(reply.content).resources]  # fmt: skip

    # --- our events

    async def put(self, subject_id: UUID, event: Event, etag: str | None) -> Written:
        """`etag`: of what we wrote last. Whatever stands at our address gives way: the booking is
        what holds, and a change by hand is shown as a conflict when changes are read."""
        url = self._address(subject_id)
        content = render_object(event, "BarberPro").encode()
        condition = {"If-Match": etag} if etag else {"If-None-Match": "*"}
        for _ in range(_ATTEMPTS):
            reply = await self._web.send(
                "PUT", url, content=content,
                headers={"Content-Type": "text/calendar; charset=utf-8", **condition},
            )  # fmt: skip
            if reply.status in _THERE:
                return Written(urlsplit(url).path, await self._etag_after(reply, url))
            if reply.status not in {404, 409, 410, 412}:
                raise _refusal(reply)
            there = await self._etag(url)
            condition = {"If-Match": there} if there else {"If-None-Match": "*"}
        raise _refusal(reply)

    async def remove(self, subject_id: UUID) -> None:
        reply = await self._web.send("DELETE", self._address(subject_id))
        if reply.status not in _THERE | _GONE:
            raise _refusal(reply)

    def _address(self, subject_id: UUID) -> str:
        return f"{self._calendar}{subject_id}.ics"

    async def _etag_after(self, reply: Reply, url: str) -> str:
        """A server that changes what it stores gives no etag with its answer (RFC 4791 §5.3.4)."""
        return reply.headers.get("etag") or await self._etag(url)

    async def _etag(self, url: str) -> str:
        """ "" if there is nothing."""
        reply = await self._web.send(
            "PROPFIND", url, headers={**_XML, "Depth": "0"}, content=xml.propfind("d:getetag")
        )
        if reply.status != 207:
            return ""
        return next((part.text(f"{D}getetag") for part in xml.multistatus(reply.content).resources),
                    "")  # fmt: skip

    # --- outside events

    async def changes(
        self, cursor: str | None, known: Mapping[str, str], window: Window
    ) -> Changes:
        kind, _, value = (cursor or "").partition(":")
        if kind == "sync":
            return await self._since(value, window)
        if kind == "ctag":
            return await self._listed(value, known, window)
        start = await self._cursor()
        body = xml.query(window.start, window.end, data=True)
        answer = await self._report(body, depth="1")
        return Changes(await self._read(answer.resources, window), cursor=start, full=True)

    async def _cursor(self) -> str:
        """Where a later look can go on: taken before everything is read, so that nothing falls in
        between."""
        reply = await self._web.send(
            "PROPFIND", self._calendar, headers={**_XML, "Depth": "0"},
            content=xml.propfind("d:sync-token", "s:getctag"),
        )  # fmt: skip
        if reply.status != 207:
            raise _refusal(reply)
        for part in xml.multistatus(reply.content).resources:
            if token := part.text(f"{D}sync-token"):
                return f"sync:{token}"
            return f"ctag:{part.text(f'{S}getctag')}"
        return "ctag:"

    async def _since(self, token: str, window: Window) -> Changes:
        changed: dict[str, Resource] = {}
        gone: set[str] = set()
        for _ in range(_MOST_PAGES):
            answer = await self._report(xml.changes_since(token), depth="0", token=True)
            more = False
            for part in answer.resources:
                if part.status == 507:  # there is more than the server tells at once
                    more = True
                elif part.status in _GONE:
                    gone.add(part.href)
                    changed.pop(part.href, None)
                elif not self._is_self(part.href):
                    changed[part.href] = part
                    gone.discard(part.href)
            more = more and answer.sync_token != token
            token = answer.sync_token or token
            if not more:
                break
        events, missing = await self._fetch(list(changed), window)
        return Changes(events, [self._source(h) for h in gone | missing], f"sync:{token}")

    async def _listed(self, ctag: str, known: Mapping[str, str], window: Window) -> Changes:
        now = await self._cursor()
        if ctag and now == f"ctag:{ctag}":
            return Changes(cursor=now)
        body = xml.query(window.start, window.end, data=False)
        answer = await self._report(body, depth="1")
        etags = {part.href: part.text(f"{D}getetag") for part in answer.resources}
        there = {self._source(href) for href in etags}
        changed = [href for href, etag in etags.items()
                   if not etag or known.get(self._source(href)) != etag]  # fmt: skip
        events, missing = await self._fetch(changed, window)
        gone = [source for source in known if source not in there]
        return Changes(events, gone + [self._source(href) for href in missing], now)

    async def _fetch(self, hrefs: list[str], window: Window) -> tuple[list[OutsideEvent], set[str]]:
        """The objects, and the addresses where there was none any more."""
        events: list[OutsideEvent] = []
        missing: set[str] = set()
        for first in range(0, len(hrefs), _BATCH):
            answer = await self._report(xml.multiget(hrefs[first : first + _BATCH]), depth="1")
            missing |= {part.href for part in answer.resources if part.status in _GONE}
            events += await self._read(answer.resources, window)
        return events, missing

    async def _report(self, body: bytes, *, depth: str, token: bool = False) -> Multistatus:
        reply = await self._web.send(
            "REPORT", self._calendar, headers={**_XML, "Depth": depth}, content=body
        )
        if reply.status == 207:
            return xml.multistatus(reply.content)
        if token and (
            reply.status in {400, 409, 410, 412, 507}
            or xml.names_fault(reply.content, f"{D}valid-sync-token")
        ):
            raise PeerError("expired", f"{reply.status}")
        raise _refusal(reply)

    async def _read(self, parts: list[Resource], window: Window) -> list[OutsideEvent]:
        """Off the loop: a calendar full of repetitions takes its time."""
        found = [
            (self._source(part.href), part.text(f"{D}getetag"), part.text(f"{C}calendar-data"))
            for part in parts
            if f"{C}calendar-data" in part.props
        ]
        return await asyncio.to_thread(
            lambda: [read(source, etag, text, window, self._host) for source, etag, text in found]
        )

    def _source(self, href: str) -> str:
        """The path, however the server writes it."""
        return unquote(urlsplit(urljoin(self._calendar, href)).path)

    def _is_self(self, href: str) -> bool:
        own = unquote(urlsplit(self._calendar).path)
        return self._source(href).rstrip("/") == own.rstrip("/")


def _is_calendar(part: Resource) -> bool:
    """A calendar for events that this user may write into, as far as the server says."""
    if not part.has(f"{D}resourcetype", f"{C}calendar"):
        return False
    kinds = part.props.get(f"{C}supported-calendar-component-set")
    if kinds is not None and len(kinds) and "VEVENT" not in {k.get("name") for k in kinds}:
        return False
    rights = part.props.get(f"{D}current-user-privilege-set")
    if rights is None or not len(rights):
        return True
    named = {right.tag for privilege in rights for right in privilege}
    return not named.isdisjoint({f"{D}all", f"{D}write", f"{D}write-content", f"{D}bind"})


def _choice(url: str, part: Resource) -> Choice:
    name = part.text(f"{D}displayname") or unquote(urlsplit(url).path.rstrip("/").split("/")[-1])
    return Choice(url[:1000], " ".join(name.split())[:200])


def _refusal(reply: Reply) -> PeerError:
    """403 is about us (the calendar is read-only now, or somebody else's), 404 about the calendar."""
    if reply.status == 403:
        return PeerError("rejected", "403: the server does not let us write here")
    if reply.status in _GONE:
        return PeerError("later", f"{reply.status}: the calendar is not there")
    return PeerError("rejected" if reply.status in {400, 405, 413, 415, 422} else "later",
                     f"{reply.status}")  # fmt: skip
