"""A booking as its pages show it, its calendar file, and who acts on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from starlette.requests import Request

from barberpro_app.audit.trail import Actor
from barberpro_app.booking.schemas import Booking
from barberpro_app.identity.auth import ANONYMOUS, SYSTEM
from barberpro_app.identity.principal import Principal, client_principal
from barberpro_app.kit.errors import NotFoundError
from barberpro_app.kit.links import BookingLinks
from barberpro_app.kit.requests import request_id_of
from barberpro_app.notification.calendar import Event, render_event
from barberpro_app.visit.schemas import Visit
from barberpro_app.web.site.rendering import Reader


@dataclass(frozen=True)
class LineView:
    """One service of a visit."""

    id: UUID
    status: str
    starts_at: datetime
    service_name: str
    provider_name: str
    version: int


@dataclass(frozen=True)
class BookingView:
    """The parts of a booking that pages show, in the reader's language."""

    id: UUID
    code: str
    status: str
    starts_at: datetime
    ends_at: datetime
    zone: str
    minutes: int
    price_centavos: int
    service_name: str
    provider_name: str
    location_name: str
    address: str
    version: int
    note: str
    cancel_reason: str
    hold_expires_at: datetime | None
    token: str
    #: the visit that it is of, if it is not alone
    visit_id: UUID | None = None
    lines: tuple[LineView, ...] = ()
    #: what is used beside the provider, for the team
    resources: str = ""
    #: in a class, and where it is given
    seats: int = 1
    place: str = ""


def in_language(texts: dict[str, str], locale: str, default: str) -> str:
    """The text in the reader's language, else in the brand's, else in any."""
    return texts.get(locale) or texts.get(default) or next(iter(texts.values()), "")


def view(request: Request, reader: Reader, booking: Booking, address: str = "") -> BookingView:
    return BookingView(
        id=booking.id,
        code=booking.code,
        status=booking.status,
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
        zone=booking.zone,
        minutes=booking.service.minutes,
        price_centavos=booking.price_centavos,
        service_name=in_language(booking.service.name, reader.locale, reader.app.locale),
        provider_name=booking.provider.name,
        location_name=booking.location.name,
        address=address,
        version=booking.version,
        note=booking.note,
        cancel_reason=booking.cancel_reason or "",
        hold_expires_at=booking.hold_expires_at,
        token=links_of(request).token(booking.id),
        visit_id=booking.visit_id,
        lines=_lines(reader, booking),
        resources=", ".join(item.name for item in booking.resources),
        seats=booking.seats,
        place=booking.place or "",
    )


def _lines(reader: Reader, booking: Booking) -> tuple[LineView, ...]:
    """The services of a visit, each by itself; of a single booking none."""
    if not isinstance(booking, Visit):
        return ()
    return tuple(
        LineView(
            line.id,
            line.status,
            line.starts_at,
            in_language(line.service.name, reader.locale, reader.app.locale),
            line.provider.name,
            line.version,
        )
        for line in booking.lines
    )


def links_of(request: Request) -> BookingLinks:
    links: BookingLinks = request.app.state.booking_links
    return links


def booking_of(request: Request, token: str) -> UUID:
    """The booking of a signed link. Raises `NotFoundError`."""
    found = links_of(request).booking_id(token)
    if found is None:
        raise NotFoundError
    return found


def actor(request: Request, principal: Principal) -> Actor:
    return Actor(principal, request_id_of(request.scope))


def visitor(request: Request, reader: Reader) -> Actor:
    """Who books on the public pages: a signed-in client, or nobody, also where staff look at them."""
    client = reader.principal.kind == "client"
    return actor(request, reader.principal if client else ANONYMOUS)


def reading(request: Request) -> Actor:
    """Who reads the booking of a signed link: the signature is the permission."""
    return actor(request, SYSTEM)


def holder(request: Request, booking: Booking) -> Actor:
    """Who acts by a signed link: the client of that booking, before there is one nobody."""
    if booking.client is None:
        return actor(request, ANONYMOUS)
    return actor(request, client_principal(booking.client.id))


def summary_line(reader: Reader, booking: BookingView) -> str:
    """The event's title. With health data it names the brand alone: calendars are seen by others."""
    if reader.app.compliance.health_data:
        return reader.app.brand.name
    return f"{booking.service_name} · {reader.app.brand.name}"


def calendar(request: Request, reader: Reader, booking: BookingView, made: datetime) -> str:
    """The booking as an iCalendar file; the same event as the one in the mail."""
    url = links_of(request).url(booking.id)
    event = Event(
        uid=f"{booking.visit_id or booking.id}@{urlsplit(reader.app.public_url).hostname}",
        sequence=booking.version,
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
        stamp=made,
        summary=summary_line(reader, booking),
        description=reader.t("ics.description", code=booking.code, url=url),
        location=_place(booking),
        url=url,
        cancelled=booking.status == "cancelled",
    )
    return render_event(event, reader.app.brand.name)


def _place(booking: BookingView) -> str:
    return ", ".join(part for part in (booking.location_name, booking.address) if part)


def google_calendar(request: Request, reader: Reader, booking: BookingView) -> str:
    """A link that opens Google Calendar with the event filled in."""
    url = links_of(request).url(booking.id)
    query = {
        "action": "TEMPLATE",
        "text": summary_line(reader, booking),
        "dates": "/".join(
            instant.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
            for instant in (booking.starts_at, booking.ends_at)
        ),
        "location": _place(booking),
        "details": reader.t("ics.description", code=booking.code, url=url),
    }
    return f"https://calendar.google.com/calendar/render?{urlencode(query)}"
