"""Reminders: once per booking, time and rule; never for a booking that is not at that time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from support_accounts import Accounts, MailServer, bearer, mail_server

from barberpro_app.identity.repository import Subject
from barberpro_app.kit.database import Database
from barberpro_app.kit.links import BookingLinks
from barberpro_app.kit.metrics import Metrics
from barberpro_app.notification.compose import Composer
from barberpro_app.notification.outbox import Outbox
from barberpro_app.notification.transport import Transport
from barberpro_app.reminders import jobs


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


@pytest.fixture
def accounts(tmp_path: Path, migrated_url: str, server: MailServer) -> Accounts:
    mail = {"host": "127.0.0.1", "port": server.port, "from": "turnos@barbershop-test.localhost"}
    made = Accounts.make(tmp_path, migrated_url, mail=mail)
    made.home.json("seed", str(tmp_path / "seed.json"))
    _quiet(made, 0, 0)
    return made


def _quiet(accounts: Accounts, start: int, end: int) -> None:
    accounts.rows(
        "INSERT INTO settings_value (key, value) VALUES ('messages', jsonb_build_object("
        "'whatsapp', false, 'quiet_from', %s::int, 'quiet_to', %s::int))"
        " ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value",
        start, end,
    )  # fmt: skip


def _booked(accounts: Accounts, hours: float, email: str = "clara@example.com") -> UUID:
    known = accounts.rows("SELECT id FROM client WHERE email = %s", email)
    client = known[0][0] if known else accounts.client(email)
    starts = datetime.now(UTC) + timedelta(hours=hours)
    key: UUID = accounts.rows(
        "INSERT INTO booking (code, status, client_id, provider_id, service_id, location_id,"
        " starts_at, ends_at, zone, price_centavos, created_at)"
        " SELECT new_booking_code(), 'confirmed', %s, p.id, s.id, l.id, %s, %s, l.zone, 1200000,"
        " now() - interval '10 days' FROM provider p, service s, location l LIMIT 1 RETURNING id",
        client, starts, starts + timedelta(minutes=30),
    )[0][0]  # fmt: skip
    return key


def _make(accounts: Accounts, workers: int = 1) -> int:
    async def work(database: Database) -> int:
        return sum(await asyncio.gather(*(jobs.run(database) for _ in range(workers))))

    return accounts.using(work)


def _send(accounts: Accounts) -> None:
    async def work(database: Database) -> None:
        app, secrets = accounts.settings.app, accounts.settings.secrets
        assert app.mail is not None
        links = BookingLinks(secrets.key("session-key"), app.public_url)
        await Outbox(
            database, Composer(app, links), Transport(app.mail, None), Metrics(), app.public_url
        ).run_once()

    accounts.using(work)


def _states(accounts: Accounts) -> list[str]:
    return [row[0] for row in accounts.rows("SELECT state FROM message ORDER BY id")]


def test_one_reminder_per_booking_and_rule_by_any_number_of_workers(
    accounts: Accounts, server: MailServer
) -> None:
    _booked(accounts, 23.5)
    _booked(accounts, 26)
    assert _make(accounts, workers=4) == 1
    assert _make(accounts) == 0
    _send(accounts)
    subjects = [str(message["Subject"]) for message in server.received]
    assert len(subjects) == 1
    assert subjects[0].startswith("Recordatorio: tu turno es el ")


@pytest.mark.parametrize("change", [
    "UPDATE booking SET status = 'cancelled'",
    "UPDATE booking SET starts_at = starts_at + interval '1 hour', ends_at = ends_at + interval '1 hour'",
    "UPDATE booking SET starts_at = now() - interval '1 hour'",
])  # fmt: skip
def test_a_reminder_of_a_time_that_does_not_hold_is_not_sent(
    accounts: Accounts, server: MailServer, change: str
) -> None:
    _booked(accounts, 23.5)
    _make(accounts)
    accounts.rows(change)
    _send(accounts)
    assert server.received == []
    assert _states(accounts) == ["cancelled"]


def test_a_moved_booking_is_reminded_of_its_new_time_once(
    accounts: Accounts, server: MailServer
) -> None:
    _booked(accounts, 23.5)
    _make(accounts)
    later = "UPDATE booking SET starts_at = starts_at + interval '%s hours', ends_at = ends_at + interval '%s hours'"
    accounts.rows(later % (72, 72))
    assert _make(accounts) == 0
    accounts.rows(later % (-73, -73))
    assert _make(accounts) == 1
    accounts.rows(later % (1, 1))  # back to the first time
    assert _make(accounts) == 0


def test_after_a_pause_late_ones_are_sent_and_old_ones_dropped(accounts: Accounts) -> None:
    _booked(accounts, 22)  # two hours late
    _booked(accounts, 20)  # four
    assert _make(accounts) == 2
    assert _states(accounts) == ["pending"]
    found = accounts.rows("SELECT state FROM reminder ORDER BY state")
    assert [row[0] for row in found] == ["made", "too_late"]


def test_who_booked_after_the_reminder_was_due_is_not_reminded(accounts: Accounts) -> None:
    _booked(accounts, 23)
    accounts.rows("UPDATE booking SET created_at = now()")
    assert _make(accounts) == 0
    assert accounts.rows("SELECT state FROM reminder") == [("booked_later",)]


def test_held_and_ended_bookings_and_paused_rules_make_none(accounts: Accounts) -> None:
    _booked(accounts, 23.5)
    accounts.rows("UPDATE booking SET status = 'completed'")
    assert _make(accounts) == 0
    accounts.rows("UPDATE booking SET status = 'confirmed', version = version + 1")
    accounts.rows("UPDATE reminder_rule SET active = false")
    assert _make(accounts) == 0


def test_at_night_a_reminder_waits(accounts: Accounts, server: MailServer) -> None:
    now = datetime.now(accounts.settings.app.zone)
    minute = now.hour * 60 + now.minute
    _booked(accounts, 23.5)
    # a booking of this very day would not wait
    if (now + timedelta(hours=23.5)).date() == now.date():
        pytest.skip("not in this hour")
    _quiet(accounts, (minute - 5) % 1440, (minute + 60) % 1440)
    _make(accounts)
    _send(accounts)
    assert server.received == []
    assert accounts.rows("SELECT state, attempts FROM message") == [("pending", 0)]


def test_an_address_that_does_not_exist_is_marked(accounts: Accounts, server: MailServer) -> None:
    server.recipient_answers = {
        "clara@example.com": "550 5.1.1 no such user",
        "policy@example.com": "550 5.7.1 we do not like you",
    }
    _booked(accounts, 23.5)
    _booked(accounts, 23.6, "policy@example.com")
    _make(accounts)
    _send(accounts)
    marked = accounts.rows("SELECT address, problem FROM contact_channel")
    assert [row[0] for row in marked] == ["clara@example.com"]
    _booked(accounts, 23.4)
    assert _make(accounts) == 0
    assert ("unreachable",) in accounts.rows("SELECT state FROM reminder")
    accounts.rows("UPDATE client SET email = 'c2@example.com' WHERE email = 'clara@example.com'")
    assert accounts.rows("SELECT 1 FROM contact_channel") == []


def test_rules_and_preferences_over_http(accounts: Accounts) -> None:
    with accounts.browser() as browser:
        headers = bearer(accounts.token(browser, "settings:read", "settings:write"))
        home = "/api/v1/settings/reminders"
        made = browser.post(home, json={"minutes_before": 120, "kind": "booking_ask"},
                            headers=headers)  # fmt: skip
        assert made.status_code == 201
        rule = next(item for item in made.json()["items"] if item["minutes_before"] == 120)
        again = browser.post(home, json={"minutes_before": 120, "kind": "booking_ask"},
                             headers=headers)  # fmt: skip
        assert again.status_code == 409
        patch = {"version": 1, "active": False}
        path = f"{home}/{rule['id']}"
        assert browser.request("PATCH", path, json=patch, headers=headers).status_code == 200
        assert browser.request("PATCH", path, json=patch, headers=headers).status_code == 409
        assert browser.request("DELETE", path, headers=headers).status_code == 204
        assert browser.request("DELETE", path, headers=headers).status_code == 404
        for wrong in ({"minutes_before": 0}, {"minutes_before": 10**9}, {"minutes_before": "x"},
                      {"minutes_before": 60, "kind": "x"}, {}):  # fmt: skip
            assert browser.post(home, json=wrong, headers=headers).status_code == 422
        quiet = {"version": 1, "whatsapp": False, "quiet_from": 1320, "quiet_to": 480}
        where = "/api/v1/settings/messages"
        assert browser.request("PUT", where, json=quiet, headers=headers).json()["version"] == 2
        assert browser.request("PUT", where, json=quiet, headers=headers).status_code == 409
        assert browser.get(home).status_code == 401


def test_the_owner_sets_reminders_on_a_page(accounts: Accounts) -> None:
    owner = accounts.rows("SELECT id FROM staff_user WHERE role = 'owner'")[0][0]
    with accounts.browser() as browser:
        cookies = {"Cookie": f"__Host-session={accounts.session(Subject(owner, None))}"}
        page = browser.get("/ajustes/recordatorios", headers=cookies)
        assert page.status_code == 200, page.text
        assert "24 h antes" in page.text
        assert "WhatsApp todavía no está configurado" in page.text
        assert browser.get("/ajustes/recordatorios").status_code in {303, 401, 403}
        assert browser.post(f"/ajustes/recordatorios/{uuid4()}/quitar",
                            headers=cookies).status_code == 403  # fmt: skip
