"""From an outbox row to an e-mail: values, texts, headers, calendar file.

Header injection cannot happen: `email.message` with a modern policy refuses line ends in headers,
and addresses go through `headerregistry.Address`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from jinja2 import TemplateNotFound

from barberpro_app.kit.links import BookingLinks
from barberpro_app.kit.qr import png
from barberpro_app.notification.calendar import Event, render_events
from barberpro_app.notification.texts import PICTURE, Rendered, Texts, match_locale
from barberpro_app.notification.values import BookingValues
from barberpro_app.settings import AppConfiguration

#: Messages about bookings that are not in anybody's calendar yet.
NOT_YET = frozenset(
    {"booking_offer", "booking_pay", "booking_requested", "booking_declined", "booking_lapsed"}
)


class UnsendableError(Exception):
    """This message can never be sent: its address, kind or content is not valid."""


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A claimed row of the outbox."""

    id: UUID
    kind: str
    recipient: str
    locale: str | None
    payload: Mapping[str, Any]
    attempts: int
    created_at: datetime
    attempt_id: UUID
    client_id: UUID | None = None
    handed_at: datetime | None = None


class Composer:
    """Makes e-mails of one deployment."""

    def __init__(self, app: AppConfiguration, links: BookingLinks) -> None:
        if app.mail is None:
            raise ValueError("no mail is configured")
        self._app = app
        self._neutral = app.compliance.health_data
        self._sender = _address(app.mail.sender, "" if self._neutral else app.brand.name)
        self._links = links
        self._values_of = BookingValues(app, links)
        self.zone = app.zone
        self._texts = Texts(app.words, neutral=self._neutral, brand=app.brand)
        self._host = urlsplit(app.public_url).hostname or "localhost"

    def compose(self, message: OutgoingMessage, *, sign_in_url: str = "") -> EmailMessage:
        """Raises `UnsendableError`."""
        try:
            return self._compose(message, sign_in_url)
        except (MessageError, TemplateNotFound, KeyError, ValueError, TypeError) as error:
            raise UnsendableError(f"{type(error).__name__}: {message.kind}") from error

    def _compose(self, message: OutgoingMessage, sign_in_url: str) -> EmailMessage:
        locale = match_locale(message.locale, self._app.locale)
        values = self._values(message, locale, sign_in_url)
        rendered = self._texts.render(message.kind, locale, values)
        email = self._envelope(message, rendered, locale)
        if f"cid:{PICTURE}" in rendered.html:
            self._show_code(email, str(message.payload["code"]))
        if message.kind.startswith("booking_") and message.kind not in NOT_YET:
            self._attach_events(email, message, [message.payload], locale)
        elif "bookings" in message.payload:
            self._attach_events(email, message, message.payload["bookings"], locale)
        return email

    def _envelope(self, message: OutgoingMessage, rendered: Rendered, locale: str) -> EmailMessage:
        email = EmailMessage(policy=SMTP)
        email["From"] = self._sender
        email["To"] = _address(message.recipient, "")
        email["Subject"] = rendered.subject
        email["Date"] = format_datetime(datetime.now(UTC))
        # the same at each attempt, so that a receiver that got it before can drop the second
        email["Message-ID"] = f"<{message.id}@{self._host}>"
        email["Auto-Submitted"] = "auto-generated"  # RFC 3834 §5
        email["Content-Language"] = locale
        if self._app.brand.contact_email:
            email["Reply-To"] = _address(self._app.brand.contact_email, "")
        email.set_content(rendered.text, cte="quoted-printable")
        email.add_alternative(rendered.html, subtype="html", cte="quoted-printable")
        return email

    def _values(self, message: OutgoingMessage, locale: str, sign_in_url: str) -> dict[str, Any]:
        brand = self._app.brand
        common: dict[str, Any] = {
            "brand": "" if self._neutral else brand.name,
            "contact": " · ".join(
                part for part in (brand.contact_email, brand.contact_phone) if part
            ),
            "home": self._app.public_url,
        }
        if message.kind == "sign_in_link":
            return {**common, "url": sign_in_url, "minutes": 15}
        if message.kind.startswith("booking_"):
            return {**common, **self._values_of.booking(message.payload, locale)}
        if message.kind.startswith("waiting_"):
            return {**common, **self._values_of.waiting(message.payload, locale)}
        if message.kind == "portfolio_ask":
            url = self._links.photographs_url(UUID(message.payload["item_id"]))
            return {**common, **message.payload, "url": url}
        if message.kind.startswith("team_"):
            return {**common, **self._values_of.team(message.payload, locale)}
        if message.kind == "series_gap":
            return {**common, **self._values_of.gap(message.payload, locale)}
        if "bookings" in message.payload:
            return {**common, **self._values_of.series(message.payload, locale)}
        return {**common, **message.payload}

    def _show_code(self, email: EmailMessage, code: str) -> None:
        """The QR code that reception scans, inside the HTML part."""
        html = email.get_body(("html",))
        if isinstance(html, EmailMessage):
            html.add_related(png(self._links.short_url(code)), "image", "png", cid=f"<{PICTURE}>")

    def _attach_events(
        self,
        email: EmailMessage,
        message: OutgoingMessage,
        bookings: Sequence[Mapping[str, Any]],
        locale: str,
    ) -> None:
        cancelled = message.kind in {"booking_cancelled", "series_cancelled"}
        events = [self._event(message, item, locale, cancelled=cancelled) for item in bookings]
        email.add_attachment(
            render_events(events, "BarberPro"),
            subtype="calendar",
            filename=f"{bookings[0]['code']}.ics",
            params={"method": "CANCEL" if cancelled else "PUBLISH"},
            cte="base64",
        )

    def _event(
        self, message: OutgoingMessage, booking: Mapping[str, Any], locale: str, *, cancelled: bool
    ) -> Event:
        values = self._values_of.booking(booking, locale)
        what = values["service"] or self._texts.words(locale)["booking"].capitalize()
        return Event(
            uid=f"{booking.get('visit_id') or booking['id']}@{self._host}",
            sequence=int(booking["version"]),
            starts_at=datetime.fromisoformat(booking["starts_at"]),
            ends_at=datetime.fromisoformat(booking["ends_at"]),
            stamp=message.created_at,
            summary=f"{what} · {self._app.brand.name}" if not self._neutral else what,
            description=f"{values['code']}\n{values['url']}",
            location=values["place"],
            url=values["url"],
            cancelled=cancelled,
        )


def _address(address: str, name: str) -> Address:
    return Address(display_name=name, addr_spec=address)
