"""Sign-in links and sessions: single use, no enumeration, hashed, sliding, ended at once."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support_accounts import ORIGIN, Accounts

from barberpro_app.identity import service
from barberpro_app.identity.auth import SESSION_COOKIE
from barberpro_app.identity.errors import LinkInvalidError
from barberpro_app.identity.principal import ROLE_SCOPES
from barberpro_app.identity.repository import Subject, delete_expired
from barberpro_app.identity.service import (
    link_is_open,
    redeem_link,
    request_sign_in_link,
    session_principal,
    sign_out,
    sign_out_everywhere,
)
from barberpro_app.kit.database import Database


@pytest.fixture
def accounts(tmp_path: Path, migrated_url: str) -> Accounts:
    return Accounts.make(tmp_path, migrated_url)


def test_only_known_addresses_get_a_message_and_it_holds_no_token(accounts: Accounts) -> None:
    owner = accounts.staff("owner")
    client_id = accounts.client("clara@example.com")
    for email in ("OWNER@example.com ", "clara@example.com", "nobody@example.com", "x", "@" * 300):
        accounts.run(lambda c, e=email: request_sign_in_link(c, e, next_path="/agenda"))
    rows = accounts.rows("SELECT recipient, payload FROM message ORDER BY recipient")
    assert rows == [
        ("clara@example.com", {"staff_id": None, "next": "/agenda", "client_id": str(client_id)}),
        ("owner@example.com", {"staff_id": str(owner.id), "next": "/agenda", "client_id": None}),
    ]


def test_one_address_of_both_kinds_signs_in_as_staff(accounts: Accounts) -> None:
    owner = accounts.staff("owner", "both@example.com")
    accounts.client("both@example.com")
    accounts.run(lambda c: request_sign_in_link(c, "both@example.com"))
    assert [row[0]["staff_id"] for row in accounts.rows("SELECT payload FROM message")] == [
        str(owner.id)
    ]


def test_a_link_signs_in_once_whatever_races_for_it(accounts: Accounts) -> None:
    owner = accounts.staff("owner")
    token = accounts.link(Subject(staff_id=owner.id))

    async def race(database: Database) -> list[str]:
        async def attempt() -> str:
            try:
                async with database.transaction() as connection:
                    return (await redeem_link(connection, token)).token
            except LinkInvalidError:
                return ""

        return await asyncio.gather(*(attempt() for _ in range(12)))

    winners = [session for session in accounts.using(race) if session]
    assert len(winners) == 1
    principal = accounts.run(lambda c: session_principal(c, winners[0]))
    assert (principal.kind, principal.id, principal.name) == ("staff", str(owner.id), "Ana")
    assert principal.scopes == ROLE_SCOPES["owner"]


def test_looking_at_a_link_does_not_use_it_up(accounts: Accounts) -> None:
    client_id = accounts.client("clara@example.com")
    token = accounts.link(Subject(client_id=client_id), next_path="/mis-reservas")
    for _ in range(3):
        assert accounts.run(lambda c: link_is_open(c, token))
    session = accounts.run(lambda c: redeem_link(c, token))
    assert session.next_path == "/mis-reservas"
    assert session.principal.client_id == client_id
    assert not session.principal.has_scope("bookings:read")
    assert not accounts.run(lambda c: link_is_open(c, token))


def test_using_a_link_closes_the_others_of_the_same_person(accounts: Accounts) -> None:
    subject = Subject(client_id=accounts.client("clara@example.com"))
    first, second = accounts.link(subject), accounts.link(subject)
    other = accounts.link(Subject(client_id=accounts.client("otra@example.com")))
    accounts.run(lambda c: redeem_link(c, second))
    with pytest.raises(LinkInvalidError):
        accounts.run(lambda c: redeem_link(c, first))
    assert accounts.run(lambda c: redeem_link(c, other)).principal.kind == "client"


def test_what_is_not_a_link_is_refused(accounts: Accounts) -> None:
    hostile = "' OR 1=1 --" + "a" * 32
    for token in ("", "x", "a" * 43, "ñ" * 43, "a" * 42 + "\n", "a" * 5000, hostile):
        assert not accounts.run(lambda c, t=token: link_is_open(c, t))
        with pytest.raises(LinkInvalidError):
            accounts.run(lambda c, t=token: redeem_link(c, t))
        assert accounts.run(lambda c, t=token: session_principal(c, t)).is_anonymous


def test_a_link_expires_after_fifteen_minutes(accounts: Accounts) -> None:
    token = accounts.link(Subject(client_id=accounts.client("clara@example.com")))
    lifetime = accounts.rows("SELECT expires_at - created_at FROM sign_in_link")[0][0]
    assert lifetime == timedelta(minutes=15)
    accounts.rows("UPDATE sign_in_link SET expires_at = now() - interval '1 second'")
    assert not accounts.run(lambda c: link_is_open(c, token))
    with pytest.raises(LinkInvalidError):
        accounts.run(lambda c: redeem_link(c, token))


def test_neither_links_nor_sessions_are_stored_readable(accounts: Accounts) -> None:
    subject = Subject(client_id=accounts.client("clara@example.com"))
    unused, cookie = accounts.link(subject), accounts.session(subject)
    for table in ("sign_in_link", "session", "message", "audit_event"):
        stored = str(accounts.rows(f"SELECT t::text FROM {table} t"))
        assert unused not in stored
        assert cookie not in stored


def test_a_session_slides_but_not_past_its_longest(accounts: Accounts) -> None:
    owner = accounts.staff("owner")
    cookie = accounts.session(Subject(staff_id=owner.id))
    accounts.rows(
        "UPDATE session SET seen_at = now() - interval '1 hour',"
        " expires_at = now() + interval '1 hour', ends_at = now() + interval '2 days'"
    )
    assert accounts.run(lambda c: session_principal(c, cookie)).is_staff
    left = accounts.rows("SELECT expires_at - now(), ends_at = expires_at FROM session")[0]
    assert timedelta(days=1) < left[0] <= timedelta(days=2)
    assert left[1]


def test_a_request_soon_after_the_last_writes_nothing(accounts: Accounts) -> None:
    cookie = accounts.session(Subject(client_id=accounts.client("clara@example.com")))
    before = accounts.rows("SELECT xmin::text, expires_at FROM session")
    assert accounts.run(lambda c: session_principal(c, cookie)).kind == "client"
    assert accounts.rows("SELECT xmin::text, expires_at FROM session") == before


def test_staff_who_see_health_data_are_signed_out_sooner(accounts: Accounts) -> None:
    owner = accounts.staff("owner")
    token = accounts.link(Subject(staff_id=owner.id))
    accounts.run(lambda c: redeem_link(c, token, sensitive=True))
    idle = accounts.rows("SELECT expires_at - created_at FROM session")[0][0]
    assert idle == service.SENSITIVE_STAFF_SESSION.idle < service.STAFF_SESSION.idle


def test_an_ended_session_is_nobody(accounts: Accounts) -> None:
    subject = Subject(client_id=accounts.client("clara@example.com"))
    ended, kept = accounts.session(subject), accounts.session(subject)
    accounts.run(lambda c: sign_out(c, ended))
    accounts.run(lambda c: sign_out(c, ended))
    assert accounts.run(lambda c: session_principal(c, ended)).is_anonymous
    assert accounts.run(lambda c: session_principal(c, kept)).kind == "client"
    accounts.rows("UPDATE session SET expires_at = now()")
    assert accounts.run(lambda c: session_principal(c, kept)).is_anonymous
    assert accounts.run(delete_expired) == 1


def test_signing_out_everywhere_ends_all_sessions_and_links_of_one_person(
    accounts: Accounts,
) -> None:
    owner, manager = accounts.staff("owner"), accounts.staff("manager")
    own = [accounts.session(Subject(staff_id=owner.id)) for _ in range(3)]
    other = accounts.session(Subject(staff_id=manager.id))
    link = accounts.link(Subject(staff_id=owner.id))
    principal = accounts.run(lambda c: session_principal(c, own[0]))
    assert accounts.run(lambda c: sign_out_everywhere(c, principal)) == 3
    assert all(accounts.run(lambda c, s=s: session_principal(c, s)).is_anonymous for s in own)
    assert accounts.run(lambda c: session_principal(c, other)).is_staff
    with pytest.raises(LinkInvalidError):
        accounts.run(lambda c: redeem_link(c, link))
    actions = [row[0] for row in accounts.rows("SELECT action FROM audit_event ORDER BY id")]
    assert actions[-1] == "session.ended_everywhere"


def test_an_inactive_staff_user_is_nobody(accounts: Accounts) -> None:
    owner = accounts.staff("owner")
    cookie = accounts.session(Subject(staff_id=owner.id))
    link = accounts.link(Subject(staff_id=owner.id))
    accounts.rows("UPDATE staff_user SET active = false")
    assert accounts.run(lambda c: session_principal(c, cookie)).is_anonymous
    with pytest.raises(LinkInvalidError):
        accounts.run(lambda c: redeem_link(c, link))
    accounts.run(lambda c: request_sign_in_link(c, owner.email))
    assert accounts.rows("SELECT id FROM message") == []


@given(st.text(max_size=60) | st.text("/\\.:@ \t\r\nab", max_size=12))
def test_a_safe_path_never_leaves_the_site(path: str) -> None:
    safe = service.safe_path(path)
    assert safe in {"", path}
    if safe:
        target = urljoin(ORIGIN + "/entrar", safe)
        assert urlsplit(target).netloc == urlsplit(ORIGIN).netloc
        assert not any(sign in safe for sign in "\r\n\t\\")


@pytest.mark.parametrize(
    "path", ["//evil.example", "/\\evil.example", "https://evil.example", "/\t/e"]
)
def test_a_path_to_elsewhere_is_dropped(path: str) -> None:
    assert service.safe_path(path) == ""


def test_the_pages_set_a_strict_cookie_and_answer_the_same_for_unknown_addresses(
    accounts: Accounts,
) -> None:
    owner = accounts.staff("owner")
    with accounts.browser() as browser:
        token = accounts.link(Subject(staff_id=owner.id))
        page = browser.get(f"/sign-in/{token}")
        assert page.status_code == 200
        form = _hidden(page.text)
        answer = browser.post(
            f"/sign-in/{token}", data={"form_token": form}, follow_redirects=False
        )
        assert answer.status_code == 303
        cookie = next(
            value for value in answer.headers.get_list("set-cookie") if SESSION_COOKIE in value
        )
        attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert {"secure", "httponly", "samesite=lax", "path=/"} <= attributes
        assert not any(part.startswith("domain") for part in attributes)
        assert browser.get("/api/v1/me").json()["roles"] == ["owner"]

        times = {}
        for email in ("owner@example.com", "nobody@example.com"):
            form = _hidden(browser.get("/entrar").text)
            started = time.monotonic()
            answer = browser.post(
                "/entrar", data={"form_token": form, "email": email}, follow_redirects=False
            )
            times[email] = time.monotonic() - started
            assert (answer.status_code, answer.headers["location"]) == (303, "/entrar/correo")
        assert min(times.values()) >= 0.25
    assert len(accounts.rows("SELECT id FROM message")) == 1


def _hidden(html: str) -> str:
    return html.partition('name="form_token" value="')[2].partition('"')[0]
