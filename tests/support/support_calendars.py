"""A deployment with calendars, against a real Radicale or the double of Google."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
from google_calendar import CLIENT_ID, CLIENT_SECRET, GoogleAccount
from psycopg.types.json import Jsonb
from support_accounts import Accounts
from support_app import CONFIGURATION, free_port
from support_shop import Shop, staff

from barberpro_app.booking import service as bookings
from barberpro_app.booking.schemas import Booking, BookRequest, CancelRequest, RescheduleRequest
from barberpro_app.calendar_sync.service import sealer_of
from barberpro_app.calendar_sync.working import CalendarWorker
from barberpro_app.kit.database import Database
from barberpro_app.kit.metrics import Metrics

USER, PASSWORD = "martin", "app-pass-ñ"
SERVICES = [*CONFIGURATION["services"], "calendar-sync"]
HOST = "barbershop-test.localhost"


@dataclass
class CalDavServer:
    """A running Radicale with one user and one calendar; `log` is what it was asked."""

    url: str
    calendar: str
    client: httpx.Client
    log: Path

    def put(self, name: str, *lines: str, uid: str = "") -> str:
        """An event (or what takes its place) by somebody else's program; its etag."""
        body = event(*lines, uid=uid or f"{name}@outside")
        answer = self.client.put(f"{self.calendar}{name}.ics", content=body.encode(),
                                 headers={"Content-Type": "text/calendar"})  # fmt: skip
        assert answer.status_code in {201, 204}, answer.text
        return answer.headers["etag"]

    def delete(self, name: str) -> None:
        assert self.client.delete(f"{self.calendar}{name}.ics").status_code in {200, 204}

    def objects(self) -> dict[str, str]:
        """What the calendar holds: name -> iCalendar text."""
        query = (
            '<c:calendar-query xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:prop>'
            "<c:calendar-data/></d:prop><c:filter><c:comp-filter name='VCALENDAR'/></c:filter>"
            "</c:calendar-query>"
        )
        answer = self.client.request("REPORT", self.calendar, content=query, headers={"Depth": "1"})
        assert answer.status_code == 207, answer.text
        names = httpx.Response(207, content=answer.content).text.split("<href>")[1:]
        found = [part.split("</href>")[0].rsplit("/", 1)[-1] for part in names]
        return {name.removesuffix(".ics"): self.client.get(self.calendar + name).text
                for name in found if name.endswith(".ics")}  # fmt: skip


def event(*lines: str, uid: str) -> str:
    body = [
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//outside//EN", "BEGIN:VEVENT", f"UID:{uid}",
        "DTSTAMP:20260101T000000Z", "SUMMARY:Dentista", *lines, "END:VEVENT", "END:VCALENDAR",
    ]  # fmt: skip
    return "\r\n".join(body) + "\r\n"


@contextmanager
def radicale(folder: Path) -> Iterator[CalDavServer]:
    """On the loopback interface, with its files in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "users").write_text(f"{USER}:{PASSWORD}\n")
    port = free_port()
    log = folder / "log"
    command = [
        sys.executable, "-m", "radicale", "--config", "", "--server-hosts", f"127.0.0.1:{port}",
        "--auth-type", "htpasswd", "--auth-htpasswd-filename", str(folder / "users"),
        "--auth-htpasswd-encryption", "plain", "--auth-delay", "0",
        "--storage-filesystem-folder", str(folder / "store"), "--logging-level", "info",
    ]  # fmt: skip
    with log.open("wb") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=stream)
    url = f"http://127.0.0.1:{port}/"
    try:
        with httpx.Client(auth=httpx.BasicAuth(USER, PASSWORD), timeout=60) as client:
            deadline = time.monotonic() + 60
            while True:
                try:
                    client.get(url)
                    break
                except httpx.TransportError:
                    assert time.monotonic() < deadline, log.read_text()
                    assert process.poll() is None, log.read_text()
                    time.sleep(0.05)
            calendar = f"{url}{USER}/agenda/"
            made = client.request("MKCALENDAR", calendar, content=_MKCALENDAR.encode())
            assert made.status_code == 201, made.text
            yield CalDavServer(url, calendar, client, log)
    finally:
        process.terminate()
        process.wait(60)


_MKCALENDAR = (
    '<c:mkcalendar xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:set><d:prop>'
    "<d:displayname>Mi agenda</d:displayname></d:prop></d:set></c:mkcalendar>"
)


@dataclass
class Desk:
    """One deployment: its business, its files, and the worker's half as one turn at a time."""

    accounts: Accounts
    shop: Shop

    @property
    def provider(self) -> UUID:
        return self.shop.providers[0]

    def turn(self, worker: CalendarWorker | None = None) -> int:
        """Everything that is due, connections included; ends when nothing is tried any more."""

        async def work(database: Database) -> int:
            turns = worker or CalendarWorker(self.accounts.settings, database, Metrics())
            total = 0
            while tried := await turns.run():
                total += tried
            return total

        return self.accounts.using(work)

    def look(self) -> int:
        """As `turn`, after the time until the next look has passed."""
        self.rows("UPDATE calendar_connection SET next_sync_at = now()")
        return self.turn()

    def later(self) -> int:
        """As `turn`, after every wait has passed."""
        self.rows("UPDATE calendar_connection SET next_sync_at = now(), leased_until = NULL")
        self.rows("UPDATE calendar_mirror SET next_attempt_at = now()")
        self.rows("UPDATE integration_state SET limited_until = NULL")
        return self.turn()

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        return self.accounts.rows(query, *values)

    def book(self, clock: str, provider: int = 0, **changes: Any) -> Booking:
        draft = BookRequest.model_validate(
            {"service_id": self.shop.services["cut"], "location_id": self.shop.location,
             "provider_id": self.shop.providers[provider], "starts_at": self.shop.at(clock).isoformat(),
             "client": {"name": "Clara Sosa", "phone": "+54 9 11 2345-6789"}, **changes}
        )  # fmt: skip
        return self.accounts.run(lambda c: bookings.book(c, self.shop.app, staff("owner"), draft))

    def move(self, booking: Booking, clock: str, provider: int = 0) -> Booking:
        request = RescheduleRequest.model_validate(
            {"starts_at": self.shop.at(clock).isoformat(), "version": booking.version,
             "provider_id": self.shop.providers[provider]}
        )  # fmt: skip
        return self.accounts.run(
            lambda c: bookings.reschedule(c, self.shop.app, staff("owner"), booking.id, request)
        )

    def cancel(self, booking: Booking) -> None:
        request = CancelRequest.model_validate({"version": booking.version})
        self.accounts.run(
            lambda c: bookings.cancel(c, self.shop.app, staff("owner"), booking.id, request)
        )

    def busy(self) -> list[tuple[datetime, datetime]]:
        """Outside times of the day of tests, as local times."""
        zone = self.shop.app.zone
        return [
            (start.astimezone(zone), end.astimezone(zone))
            for start, end in self.rows(
                "SELECT lower(period), upper(period) FROM busy_time WHERE NOT ignored"
                " AND period && tstzrange(%s, %s) ORDER BY 1",
                self.shop.at("00:00"), self.shop.at("00:00") + timedelta(days=1),
            )
        ]  # fmt: skip

    def conflicts(self) -> list[tuple[str, str]]:
        """Open ones: kind and the booking's code."""
        return self.rows(
            "SELECT c.kind, b.code FROM calendar_conflict c JOIN booking b ON b.id = c.subject_id"
            " WHERE c.state = 'open' ORDER BY 1, 2"
        )

    def mirrors(self) -> list[tuple[str, int | None]]:
        return self.rows("SELECT state, written FROM calendar_mirror ORDER BY subject_id")


def add_connection(
    desk: Desk, kind: str, calendar: str, secret: dict[str, str], **more: Any
) -> UUID:
    """A working connection, without the pages."""
    made = uuid4()
    sealed = sealer_of(desk.accounts.settings).seal(made, secret)
    values = {"detail": "service", "provider": 0, **more}
    desk.rows(
        "INSERT INTO calendar_connection (id, provider_id, kind, state, account, calendar, title,"
        " sealed, detail, choices) VALUES (%s, %s, %s, 'active', 'x', %s, 'Agenda', %s, %s, %s)",
        made, desk.shop.providers[values["provider"]], kind, calendar, sealed, values["detail"],
        Jsonb([]),
    )  # fmt: skip
    desk.rows("SELECT calendar_fill(%s)", made)
    return made


def make_desk(
    shop: Shop, folder: Path, google: GoogleAccount | None = None, **changes: Any
) -> Desk:
    calendars: dict[str, Any] = {"own_network": True}
    if google is not None:
        calendars |= {
            "google_api": google.url,
            "google_accounts": google.url,
            "google_oauth": google.url,
        }
    accounts = Accounts.make(folder, shop.url, services=SERVICES, calendars=calendars, **changes)
    if google is not None:
        for name, value in (
            ("google-client-id", CLIENT_ID),
            ("google-client-secret", CLIENT_SECRET),
        ):
            (accounts.home.folder / "secrets" / name).write_text(value)
    return Desk(accounts, shop)
