"""The outbox against a real SMTP server that refuses, delays, drops and dies."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from contextlib import redirect_stdout
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.types.json import Jsonb
from support_accounts import OPERATOR, ORIGIN, Accounts, MailServer, bearer, mail_server

from barberpro_app.identity.service import redeem_link, request_sign_in_link
from barberpro_app.kit.database import Database
from barberpro_app.kit.links import BookingLinks
from barberpro_app.kit.logging import configure_logging
from barberpro_app.kit.metrics import Metrics
from barberpro_app.notification import outbox as outboxes
from barberpro_app.notification import service
from barberpro_app.notification.compose import Composer
from barberpro_app.notification.outbox import (
    FIRST_WAIT,
    LONGEST_WAIT,
    MOST_ATTEMPTS,
    Outbox,
    wait_before,
)
from barberpro_app.notification.repository import LEASE, delete_old
from barberpro_app.notification.service import NotFailedError
from barberpro_app.notification.transport import Transport

BOOKING = {
    "id": "01a20ba6-ae11-7cd6-bebc-e19aff1ce218", "code": "ABCD2345", "status": "confirmed",
    "starts_at": "2026-12-01T18:30:00+00:00", "ends_at": "2026-12-01T19:00:00+00:00",
    "zone": "America/Argentina/Buenos_Aires", "price_centavos": 1200000, "version": 2,
    "provider": {"id": "x", "name": "Martín"}, "location": {"id": "x", "name": "Palermo"},
    "service": {"id": "x", "name": {"es-AR": "Corte clásico", "en": "Classic haircut"}},
    "client": {"id": "x", "name": "Clara", "email": "clara@example.com", "locale": "es-AR"},
}  # fmt: skip


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


@pytest.fixture
def accounts(tmp_path: Path, migrated_url: str, server: MailServer) -> Accounts:
    mail = {"host": "127.0.0.1", "port": server.port, "from": "turnos@barbershop-test.localhost"}
    return Accounts.make(tmp_path, migrated_url, mail=mail)


def _put(
    accounts: Accounts,
    kind: str = "booking_confirmed",
    recipient: str = "clara@example.com",
    payload: dict[str, Any] | None = None,
    locale: str | None = "es-AR",
) -> UUID:
    row = accounts.rows(
        "INSERT INTO message (kind, recipient, locale, payload, dedupe_key)"
        " VALUES (%s, %s, %s, %s, %s) RETURNING id",
        kind, recipient, locale, Jsonb(BOOKING if payload is None else payload), uuid4().hex,
    )  # fmt: skip
    found: UUID = row[0][0]
    return found


def _outbox(accounts: Accounts, database: Database, metrics: Metrics | None = None) -> Outbox:
    app, secrets = accounts.settings.app, accounts.settings.secrets
    assert app.mail is not None
    links = BookingLinks(secrets.key("session-key"), app.public_url)
    transport = Transport(app.mail, None)
    return Outbox(database, Composer(app, links), transport, metrics or Metrics(), app.public_url)


def _send(accounts: Accounts, workers: int = 1) -> int:
    async def work(database: Database) -> int:
        counts = await asyncio.gather(
            *(_outbox(accounts, database).run_once() for _ in range(workers))
        )
        return sum(counts)

    return accounts.using(work)


def _due(accounts: Accounts) -> None:
    accounts.rows("UPDATE message SET next_attempt_at = now() WHERE state <> 'sent'")


def _state(accounts: Accounts) -> list[tuple[Any, ...]]:
    return accounts.rows(
        "SELECT state, attempts, coalesce(last_error, '') FROM message ORDER BY id"
    )


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def test_each_message_is_sent_once_by_many_workers(accounts: Accounts, server: MailServer) -> None:
    keys = {str(_put(accounts)) for _ in range(30)}
    while _send(accounts, workers=4):
        pass
    ids = [message["Message-ID"] for message in server.received]
    assert sorted(ids) == sorted(f"<{key}@barbershop-test.localhost>" for key in keys)
    assert {row[0] for row in _state(accounts)} == {"sent"}


def test_a_refusal_for_now_is_tried_again_and_one_for_ever_is_not(
    accounts: Accounts, server: MailServer
) -> None:
    _put(accounts)
    server.answers = ["451 4.3.0 later, clara@example.com", "554 5.7.1 never"]
    _send(accounts)
    state, attempts, error = _state(accounts)[0]
    assert (state, attempts) == ("pending", 1)
    assert "451" in error
    assert "clara" not in error
    assert _send(accounts) == 0  # not due yet
    _due(accounts)
    _send(accounts)
    assert [row[:2] for row in _state(accounts)] == [("failed", 2)]
    assert server.received == []
    _due(accounts)
    assert _send(accounts) == 0


def test_one_bad_address_does_not_hold_up_the_others(
    accounts: Accounts, server: MailServer
) -> None:
    server.recipient_answers = {"bad@example.com": "550 5.1.1 no such user bad@example.com"}
    _put(accounts, recipient="bad@example.com")
    _put(accounts, recipient="good@example.com")
    _send(accounts)
    assert [row[0] for row in _state(accounts)] == ["failed", "sent"]
    assert [message["To"] for message in server.received] == ["good@example.com"]


def test_a_server_that_is_away_is_waited_for(tmp_path: Path, migrated_url: str) -> None:
    accounts = Accounts.make(tmp_path, migrated_url)  # port 1: nobody listens
    _put(accounts)
    for attempt in range(1, MOST_ATTEMPTS + 3):
        _due(accounts)
        _send(accounts)
        assert _state(accounts)[0][:2] == ("pending", attempt)
    accounts.rows("UPDATE message SET created_at = now() - interval '4 days'")
    _due(accounts)
    _send(accounts)
    assert _state(accounts)[0][0] == "failed"


def test_a_server_that_keeps_saying_later_ends_as_a_dead_letter(
    accounts: Accounts, server: MailServer
) -> None:
    _put(accounts)
    accounts.rows("UPDATE message SET attempts = %s", MOST_ATTEMPTS - 1)
    server.answers = ["450 busy"]
    _send(accounts)
    assert _state(accounts)[0][:2] == ("failed", MOST_ATTEMPTS)


def test_a_connection_lost_after_the_message_sends_the_same_message_again(
    accounts: Accounts, server: MailServer
) -> None:
    """SMTP cannot tell whether it arrived; the same Message-ID lets the receiver drop one."""
    _put(accounts)
    server.drop_after_data = 1
    _send(accounts)
    _due(accounts)
    _send(accounts)
    assert _state(accounts)[0][0] == "sent"
    assert len({message["Message-ID"] for message in server.received}) == 1


def test_what_a_dead_worker_had_in_hand_is_taken_over_after_the_lease(
    accounts: Accounts, server: MailServer
) -> None:
    _put(accounts)
    accounts.rows("UPDATE message SET state = 'sending', next_attempt_at = now() + %s", LEASE)
    assert _send(accounts) == 0
    accounts.rows("UPDATE message SET next_attempt_at = now() - interval '1 second'")
    assert _send(accounts) == 1
    assert len(server.received) == 1


def test_a_stopped_outbox_gives_back_what_it_did_not_try(
    accounts: Accounts, server: MailServer
) -> None:
    for _ in range(4):
        _put(accounts)

    async def work(database: Database) -> None:
        outbox = _outbox(accounts, database)
        outbox.stop()
        await outbox.run_once()

    accounts.using(work)
    assert {row[:2] for row in _state(accounts)} == {("pending", 0)}
    assert server.received == []


def test_who_waits_for_an_answer_goes_before_the_next_message(
    accounts: Accounts, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outboxes, "REST_SECONDS", 300)
    for _ in range(3):
        _put(accounts)

    async def work(database: Database) -> None:
        metrics = Metrics()
        metrics.in_flight = 1
        outbox = _outbox(accounts, database, metrics)
        sending = asyncio.create_task(outbox.run_once())
        async with asyncio.timeout(60):
            while not server.received:  # noqa: ASYNC110 - the server is in another thread
                await asyncio.sleep(0.01)
        outbox.stop()  # ends the rest, which nothing else does so soon
        await sending

    accounts.using(work)
    assert len(server.received) == 1
    assert [row[:2] for row in _state(accounts)] == [("sent", 1), ("pending", 0), ("pending", 0)]


def test_what_cannot_be_a_message_fails_at_once(accounts: Accounts, server: MailServer) -> None:
    hopeless: list[tuple[str, str, dict[str, Any] | None]] = [
        ("a@example.com\r\nBcc: victim@example.com", "booking_confirmed", None),
        ("not an address", "booking_confirmed", None),
        ("a@example.com, b@example.com", "booking_confirmed", None),
        ("a@example.com", "no_such_kind", None),
        ("a@example.com", "../layout", None),
        ("a@example.com", "booking_confirmed", {}),
        ("a@example.com", "booking_confirmed", {**BOOKING, "zone": "Mars/Olympus"}),
    ]
    for recipient, kind, payload in hopeless:
        _put(accounts, kind, recipient, payload)
    _send(accounts)
    assert [row[0] for row in _state(accounts)] == ["failed"] * len(hopeless)
    assert server.received == []


def test_names_cannot_add_headers_marks_or_html(accounts: Accounts, server: MailServer) -> None:
    evil = "Eve\r\nBcc: v@example.com\n> Click | https://evil.example\n<script>x</script>"
    _put(accounts, payload={**BOOKING, "client": {**BOOKING["client"], "name": evil}})  # type: ignore[dict-item]
    _send(accounts)
    message = server.received[0]
    assert message["Bcc"] is None
    html = _body(message, "html")
    assert "<script>" not in html
    assert 'href="https://evil.example"' not in html
    assert "&lt;script&gt;" in html


def test_a_confirmation_says_what_when_and_where(accounts: Accounts, server: MailServer) -> None:
    ((place,),) = accounts.rows(
        "INSERT INTO location (key, name, address, zone)"
        " VALUES ('p', 'Palermo', 'Thames 1', 'America/Argentina/Buenos_Aires') RETURNING id"
    )
    _put(accounts, payload={**BOOKING, "location": {"id": str(place), "name": "Palermo"}})
    _put(accounts, locale="en-GB")
    _send(accounts)
    spanish, english = server.received
    assert spanish["Subject"] == "Tu turno está confirmado: martes 1 de diciembre, 15:30"
    assert english["Subject"] == "Your appointment is confirmed: Tuesday, December 1, 15:30"
    assert spanish["From"] == "BarberShop Prueba <turnos@barbershop-test.localhost>"
    assert spanish["Auto-Submitted"] == "auto-generated"
    assert spanish["Reply-To"] == "hola@barbershop-test.localhost"
    text = _body(spanish, "plain")
    for part in (
        "Corte clásico",
        "Martín",
        "Palermo, Thames 1",
        "$ 12.000",
        "ABCD2345",
        f"{ORIGIN}/reserva/",
    ):
        assert part in text, text
        assert part in _body(spanish, "html")
    assert "Classic haircut" in _body(english, "plain")


def test_words_of_the_vertical_agree(tmp_path: Path, migrated_url: str, server: MailServer) -> None:
    words = {"es-AR": {"booking": "sesión", "booking_gender": "f"}}
    mail = {"host": "127.0.0.1", "port": server.port, "from": "t@x.localhost"}
    accounts = Accounts.make(tmp_path, migrated_url, words=words, mail=mail)
    for kind in ("booking_confirmed", "booking_cancelled", "booking_rescheduled"):
        _put(accounts, kind)
    _send(accounts)
    subjects = [str(message["Subject"]) for message in server.received]
    assert subjects[0].startswith("Tu sesión está confirmada: ")
    assert subjects[1].endswith("quedó cancelada")


def test_health_services_stay_neutral(
    tmp_path: Path, migrated_url: str, server: MailServer
) -> None:
    accounts = Accounts.make(
        tmp_path,
        migrated_url,
        vertical="psychology",
        brand={"name": "Psicología Recoleta", "contact_email": "hola@x.localhost"},
        words={"es-AR": {"booking": "sesión", "provider": "psicóloga", "booking_gender": "f"}},
        compliance={"health_data": True},
        mail={"host": "127.0.0.1", "port": server.port, "from": "reservas@x.localhost"},
    )
    service_name = {"es-AR": "Psicoterapia", "en": "Psychotherapy"}
    payload = {**BOOKING, "service": {"id": "x", "name": service_name}}
    for kind in ("booking_confirmed", "booking_rescheduled", "booking_cancelled"):
        for locale in ("es-AR", "en"):
            _put(accounts, kind, payload=payload, locale=locale)
    _put(accounts, "sign_in_link", payload={"client_id": str(accounts.client("c@example.com"))})
    _send(accounts)
    assert len(server.received) == 7
    for message in server.received:
        whole = str(message["Subject"]) + str(message["From"]) + _body(message, "plain")
        whole += _body(message, "html")
        for attachment in message.iter_attachments():
            whole += str(attachment.get_content())
        for word in ("psico", "psicó", "psycho", "sesión", "martín"):
            assert word not in whole.lower(), whole


def test_the_sign_in_mail_works_and_its_token_is_stored_nowhere(
    accounts: Accounts, server: MailServer
) -> None:
    owner = accounts.staff("owner")
    accounts.run(
        lambda c: request_sign_in_link(c, owner.email, next_path="/agenda", locale="es-AR")
    )
    _send(accounts)
    text = _body(server.received[0], "plain")
    token = text.partition(f"{ORIGIN}/sign-in/")[2].split()[0]
    for table in ("message", "sign_in_link", "audit_event"):
        assert token not in str(accounts.rows(f"SELECT t::text FROM {table} t"))
    session = accounts.run(lambda c: redeem_link(c, token))
    assert (session.principal.id, session.next_path) == (str(owner.id), "/agenda")


def test_a_sign_in_mail_that_comes_too_late_is_not_sent(
    accounts: Accounts, server: MailServer
) -> None:
    owner = accounts.staff("owner")
    accounts.run(lambda c: request_sign_in_link(c, owner.email))
    accounts.rows("UPDATE message SET created_at = now() - interval '16 minutes'")
    _send(accounts)
    assert _state(accounts)[0][0] == "failed"
    assert server.received == []


def test_the_worker_is_woken_for_a_sign_in_link(accounts: Accounts, server: MailServer) -> None:
    owner = accounts.staff("owner")
    with accounts.browser(with_worker=True) as browser:
        server.wait_for(0)
        accounts.run(lambda c: request_sign_in_link(c, owner.email))
        browser.app.state.wake_worker()
        server.wait_for(1)
        health = browser.get("/health").json()
        assert health["services"]["notification"] == "running"


def test_a_failed_message_can_be_sent_again(accounts: Accounts, server: MailServer) -> None:
    key = _put(accounts)
    server.answers = ["554 no"]
    _send(accounts)
    with accounts.browser() as browser:
        headers = bearer(accounts.token(browser, "settings:read", "settings:write"))
        listed = browser.get("/api/v1/messages?state=failed", headers=headers).json()["items"]
        assert [item["id"] for item in listed] == [str(key)]
        assert "clara" not in str(listed)
        path = f"/api/v1/messages/{key}/resend"
        assert browser.post(path, headers=headers).status_code == 204
        _send(accounts)
        assert len(server.received) == 1
        again = browser.post(path, headers=headers)
        assert (again.status_code, again.json()["code"]) == (409, "message_not_failed")
        missing = browser.post(f"/api/v1/messages/{uuid4()}/resend", headers=headers)
        assert missing.status_code == 404
        assert browser.post(path).status_code == 401
    with pytest.raises(NotFailedError):
        accounts.run(lambda c: service.send_again(c, OPERATOR, key))
    assert ("message.sent_again",) in accounts.rows("SELECT action FROM audit_event")


def test_sent_messages_are_forgotten_after_a_while(accounts: Accounts, server: MailServer) -> None:
    _put(accounts)
    _send(accounts)
    assert accounts.run(lambda c: delete_old(c, timedelta(days=30))) == 0
    accounts.rows("UPDATE message SET sent_at = now() - interval '31 days'")
    assert accounts.run(lambda c: delete_old(c, timedelta(days=30))) == 1


def test_logs_of_sending_name_nobody(accounts: Accounts, server: MailServer) -> None:
    server.answers = ["450 mailbox of clara@example.com is busy"]
    _put(accounts)
    _put(accounts)
    log = io.StringIO()
    try:
        configure_logging("debug", log)
        _send(accounts)
    finally:
        with redirect_stdout(io.StringIO()):
            configure_logging()
    assert "450 mailbox" in log.getvalue()
    for personal in ("clara", "Clara", "example.com"):
        assert personal not in log.getvalue()


@given(st.integers(1, 200), st.floats(0, 1))
def test_waits_grow_and_stay_within_bounds(attempts: int, draw: float) -> None:
    wait = wait_before(attempts, lambda: draw)
    assert FIRST_WAIT / 2 <= wait <= LONGEST_WAIT
    if wait < LONGEST_WAIT / 4:
        assert wait_before(attempts + 2, lambda: draw) >= 2 * wait
