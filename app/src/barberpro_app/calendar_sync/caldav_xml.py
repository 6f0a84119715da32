"""The XML of WebDAV and CalDAV: what we ask (RFC 4918, 4791, 6578, 5397), and answers read safely."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from barberpro_app.calendar_sync.errors import PeerError

D, C, S = "{DAV:}", "{urn:ietf:params:xml:ns:caldav}", "{http://calendarserver.org/ns/}"
_SPACES = (
    'xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:s="http://calendarserver.org/ns/"'
)
_HEAD = '<?xml version="1.0" encoding="utf-8"?>'


def propfind(*names: str) -> bytes:
    """Names with a prefix: d, c or s."""
    wanted = "".join(f"<{name}/>" for name in names)
    return f"{_HEAD}<d:propfind {_SPACES}><d:prop>{wanted}</d:prop></d:propfind>".encode()


def query(start: datetime, end: datetime, *, data: bool) -> bytes:
    """The events of a time range (RFC 4791 §7.8), with or without what they say."""
    return (
        f"{_HEAD}<c:calendar-query {_SPACES}><d:prop><d:getetag/>"
        f"{'<c:calendar-data/>' if data else ''}</d:prop>"
        '<c:filter><c:comp-filter name="VCALENDAR"><c:comp-filter name="VEVENT">'
        f'<c:time-range start="{_instant(start)}" end="{_instant(end)}"/>'
        "</c:comp-filter></c:comp-filter></c:filter></c:calendar-query>"
    ).encode()


def multiget(hrefs: Iterable[str]) -> bytes:
    """Named objects (RFC 4791 §7.9)."""
    named = "".join(f"<d:href>{escape(href)}</d:href>" for href in hrefs)
    return (
        f"{_HEAD}<c:calendar-multiget {_SPACES}><d:prop><d:getetag/><c:calendar-data/></d:prop>"
        f"{named}</c:calendar-multiget>"
    ).encode()


def changes_since(token: str) -> bytes:
    """What changed since a sync token (RFC 6578 §3.2)."""
    return (
        f"{_HEAD}<d:sync-collection {_SPACES}><d:sync-token>{escape(token)}</d:sync-token>"
        "<d:sync-level>1</d:sync-level><d:prop><d:getetag/></d:prop></d:sync-collection>"
    ).encode()


def _instant(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


@dataclass(slots=True)
class Resource:
    """One part of a multistatus; `status` where the whole resource has one (404: gone)."""

    href: str
    status: int = 200
    props: dict[str, Element] = field(default_factory=dict)

    def text(self, name: str) -> str:
        found = self.props.get(name)
        return (found.text or "").strip() if found is not None else ""

    def href_in(self, name: str) -> str:
        """The address inside a property such as current-user-principal."""
        found = self.props.get(name)
        href = found.find(f"{D}href") if found is not None else None
        return (href.text or "").strip() if href is not None else ""

    def has(self, name: str, child: str) -> bool:
        found = self.props.get(name)
        return found is not None and found.find(child) is not None


@dataclass(slots=True)
class Multistatus:
    """An answer 207 (RFC 4918 §13)."""

    resources: list[Resource]
    sync_token: str


def multistatus(content: bytes) -> Multistatus:
    """Raises `PeerError` for anything else, and for XML that is an attack."""
    root = _root(content)
    if root.tag != f"{D}multistatus":
        raise PeerError("later", "not an answer of a calendar server")
    found = [_resource(part) for part in root.findall(f"{D}response")]
    token = root.find(f"{D}sync-token")
    return Multistatus(found, (token.text or "").strip() if token is not None else "")


def names_fault(content: bytes, name: str) -> bool:
    """Whether an error's body names this precondition."""
    try:
        return _root(content).find(f".//{name}") is not None
    except PeerError:
        return False


def _root(content: bytes) -> Element:
    try:
        root: Element = fromstring(content, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise PeerError("later", "the answer is not XML that we read") from error
    return root


def _resource(part: Element) -> Resource:
    href = part.find(f"{D}href")
    resource = Resource((href.text or "").strip() if href is not None else "")
    status = part.find(f"{D}status")
    if status is not None:
        resource.status = _code(status)
    for group in part.findall(f"{D}propstat"):
        status, props = group.find(f"{D}status"), group.find(f"{D}prop")
        if props is not None and (status is None or _code(status) == 200):
            resource.props |= {prop.tag: prop for prop in props}
    return resource


def _code(status: Element) -> int:
    """Of "HTTP/1.1 404 Not Found"."""
    parts = (status.text or "").split()
    return int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else 200
