"""WhatsApp: what is sent, what is heard, and what follows from it."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from meta_whatsapp import (
    APP_SECRET,
    VERIFY_TOKEN,
    message_notification,
    status_notification,
)
from support_accounts import Caller, bearer
from support_whatsapp import Line, post_notification, whatsapp_line

from barberpro_app.contact_channel.numbers import same_number, to_send, whatsapp_number
from barberpro_app.integration_processor.costs import PriceTable, month_cost
from barberpro_app.integration_processor.processor import UNKNOWN
from barberpro_app.integration_processor.templates import definitions, load_templates, places
from barberpro_app.integration_processor.whatsapp_api import judge
from barberpro_app.kit.links import BookingLinks
from barberpro_app.notification.compose import OutgoingMessage
from barberpro_app.notification.quiet import QuietHours
from barberpro_app.whatsapp_webhook.events import events_of
from barberpro_app.whatsapp_webhook.signature import is_genuine, sign
from barberpro_app.whatsapp_webhook.words import wish_of

NUMBER = "5491123456789"
ZONE = ZoneInfo("America/Argentina/Buenos_Aires")


@pytest.fixture
def line(tmp_path: Path, migrated_url: str) -> Iterator[Line]:
    with whatsapp_line(tmp_path, migrated_url) as made:
        yield made


@pytest.fixture
def browser(line: Line) -> Iterator[Caller]:
    with line.accounts.browser() as caller:
        yield caller


def _booked(line: Line, client: UUID, *, hours: int = 48) -> tuple[UUID, str]:
    """A confirmed booking, and the token of its links."""
    if not line.accounts.rows("SELECT 1 FROM provider"):
        line.accounts.home.json("seed", str(line.accounts.home.folder / "seed.json"))
    starts = datetime.now(UTC) + timedelta(hours=hours)
    key: UUID = line.accounts.rows(
        "INSERT INTO booking (code, status, client_id, provider_id, service_id, location_id,"
        " starts_at, ends_at, zone, price_centavos, created_at)"
        " SELECT new_booking_code(), 'confirmed', %s, p.id, s.id, l.id, %s, %s, l.zone, 1200000,"
        " now() - interval '10 days' FROM provider p, service s, location l LIMIT 1 RETURNING id",
        client, starts, starts + timedelta(minutes=30),
    )[0][0]  # fmt: skip
    settings = line.accounts.settings
    links = BookingLinks(settings.secrets.key("session-key"), settings.app.public_url)
    return key, links.token(key)


def _replies(line: Line) -> list[str]:
    rows = line.accounts.rows(
        "SELECT payload->>'text' FROM message WHERE kind = 'whatsapp_reply' ORDER BY id"
    )
    return [row[0] for row in rows]


def test_a_template_is_sent_as_meta_wants_it(line: Line) -> None:
    key = line.put(line.client(), client={"id": "x", "name": "Eve\n\t    X", "email": None})
    line.send()
    sent = line.meta.accepted[0]
    assert (sent["to"], sent["biz_opaque_callback_data"]) == (NUMBER, str(key))
    assert sent["template"]["name"] == "booking_confirmed"
    texts = [part["text"] for part in sent["template"]["components"][0]["parameters"]]
    assert texts[0] == "Eve X"
    assert texts[4:] == ["Corte clásico", "Martín", "ABCD2345"]
    payloads = [p["parameters"][0]["payload"].split(":")[0]
                for p in sent["template"]["components"][1:]]  # fmt: skip
    assert payloads == ["confirm", "reschedule", "cancel"]
    assert line.states()[0][0] == "sent"


def test_health_services_say_nothing_of_what_it_is_about(tmp_path: Path, migrated_url: str) -> None:
    with whatsapp_line(
        tmp_path, migrated_url, brand={"name": "Psicología Recoleta"},
        compliance={"health_data": True}, words={"es-AR": {"booking": "sesión"}},
    ) as line:  # fmt: skip
        client = line.client()
        for kind in ("booking_confirmed", "booking_cancelled", "booking_rescheduled"):
            line.put(client, kind=kind)
        line.send()
        assert len(line.meta.accepted) == 3
        said = json.dumps(line.meta.accepted, ensure_ascii=False).lower()
    for word in ("psico", "sesión", "martín", "corte", "clara", "palermo"):
        assert word not in said


def test_what_left_and_was_never_heard_of_is_a_dead_letter_and_not_sent_twice(line: Line) -> None:
    line.put(line.client())
    line.meta.misbehave("reset")
    line.send()
    assert line.states()[0][0] == "sending"
    line.due()
    line.send()
    line.send()
    assert (line.meta.calls, line.states()[0][0], line.states()[0][2]) == (1, "failed", UNKNOWN)


def test_a_report_settles_what_was_not_known(line: Line, browser: Caller) -> None:
    key = line.put(line.client())
    line.meta.misbehave("lost")
    line.send()
    wamid = line.meta.accepted[0]["wamid"]
    line.due()
    line.send()
    assert line.states()[0][0] == "failed"
    assert line.notify(browser, status_notification(NUMBER, wamid, "read", str(key))) == 200
    line.work_inbox()
    assert line.states() == [("sent", 2, "", "read")]
    assert len(line.meta.accepted) == 1


def test_reports_never_go_back(line: Line, browser: Caller) -> None:
    line.put(line.client())
    line.send()
    wamid = line.meta.accepted[0]["wamid"]
    for state, shown in (("delivered", "delivered"), ("sent", "delivered"), ("failed", "delivered"),
                         ("read", "read"), ("delivered", "read")):  # fmt: skip
        line.notify(browser, status_notification(NUMBER, wamid, state, code=131000))
        line.work_inbox()
        assert line.states()[0][3] == shown
    usage = line.accounts.rows("SELECT category, country, billable FROM whatsapp_usage")
    assert usage == [("utility", "AR", 1)]


def test_429_stops_everything_for_as_long_as_meta_says(line: Line) -> None:
    client = line.client()
    for _ in range(3):
        line.put(client)
    line.meta.retry_after = 120
    line.meta.misbehave("429")
    line.send()
    line.due()
    line.send()
    assert line.meta.calls == 1
    left = line.accounts.rows(
        "SELECT extract(epoch FROM limited_until - now()) FROM integration_state"
    )[0][0]
    assert 100 < left <= 120
    line.accounts.rows("UPDATE integration_state SET limited_until = now()")
    line.due()
    line.send()
    assert {row[0] for row in line.states()} == {"sent"}


def test_who_has_no_whatsapp_gets_the_mail_and_no_more_attempts(line: Line) -> None:
    client = line.client()
    line.meta.unreachable.add(NUMBER)
    line.put(client)
    line.send()
    assert line.states()[0][0] == "cancelled"
    assert [row[0] for row in line.states("email")] == ["pending"]
    assert line.accounts.rows("SELECT problem FROM contact_channel")[0][0].startswith(
        "400 (131026)"
    )
    line.put(client)
    line.send()
    assert line.meta.calls == 1
    assert len(line.states("email")) == 2


def test_without_an_address_for_mail_it_is_a_dead_letter_that_can_be_sent_again(line: Line) -> None:
    client = line.client()
    line.accounts.rows("UPDATE client SET email = NULL, phone = '1'")
    line.meta.unreachable.add(NUMBER)
    key = line.put(client)
    line.send()
    assert line.states()[0][0] == "failed"
    line.meta.unreachable.clear()
    line.accounts.rows("UPDATE contact_channel SET problem = NULL")
    with line.accounts.browser() as browser:
        headers = bearer(line.accounts.token(browser, "settings:read", "settings:write"))
        assert browser.post(f"/api/v1/messages/{key}/resend", headers=headers).status_code == 204
    line.send()
    assert line.states()[0][0] == "sent"


def test_the_handshake(line: Line, browser: Caller) -> None:
    good = {"hub.mode": "subscribe", "hub.verify_token": VERIFY_TOKEN, "hub.challenge": "11582"}
    answer = browser.get("/webhooks/whatsapp", params=good)
    assert (answer.status_code, answer.text) == (200, "11582")
    assert answer.headers["content-type"].startswith("text/plain")
    for wrong in ({"hub.verify_token": "x"}, {"hub.mode": "x"}, {"hub.challenge": ""},
                  {"hub.verify_token": "ñ"}):  # fmt: skip
        assert browser.get("/webhooks/whatsapp", params=good | wrong).status_code == 403


def test_the_signature_is_over_the_bytes() -> None:
    body = b'{"text":"Atenci\\u00f3n"}'
    vector = "c834c2b478600a0451eb87329fb0775bc7a867b01d67ae2d8770fc767d023e28"
    assert sign(body, "test-secret") == f"sha256={vector}"
    assert is_genuine(body, f"sha256={vector}", "test-secret")
    assert not is_genuine('{"text":"Atención"}'.encode(), f"sha256={vector}", "test-secret")
    assert sign(b"x", "k") == "sha256=" + hmac.new(b"k", b"x", hashlib.sha256).hexdigest()


def test_forged_large_and_meaningless_notifications_store_nothing(
    line: Line, browser: Caller
) -> None:
    body = message_notification(NUMBER, "hola")
    for signature in ("", "sha256=", sign(body, "another"), sign(body + b" ", APP_SECRET), "é"):
        raw = signature.encode()
        answer = browser.post("/webhooks/whatsapp", content=body,
                              headers={"X-Hub-Signature-256": raw})  # type: ignore[dict-item]  # fmt: skip
        assert answer.status_code == 401
    large = b'{"entry":[' + b" " * 600_000 + b"]}"
    assert line.notify(browser, large) == 413
    other = body.replace(b"106540352242922", b"1")
    for hostile in (b"", b"null", b"[]", b'{"entry":5}', b'{"entry":[{"changes":[{}]}]}', other,
                    b"[" * 5000, b"\xff", body.replace(NUMBER.encode(), b"x" * 13)):  # fmt: skip
        assert line.notify(browser, hostile) == 200
    assert line.accounts.rows("SELECT 1 FROM whatsapp_event") == []


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["entry", "changes", "field", "value", "metadata", "phone_number_id",
                         "messages", "statuses", "id", "from", "status", "errors", "pricing"]),
        inner, max_size=4),
    max_leaves=20,
))  # fmt: skip
def test_no_json_breaks_the_reading_of_notifications(value: Any) -> None:
    assert isinstance(events_of(json.dumps(value).encode(), "1"), list)


def test_without_its_secrets_there_is_no_such_address(tmp_path: Path, migrated_url: str) -> None:
    with whatsapp_line(tmp_path, migrated_url) as line:
        for secret in (tmp_path / "secrets").glob("whatsapp-*"):
            secret.unlink()
        with line.accounts.browser() as browser:
            assert post_notification(browser, b"{}", sign(b"{}", APP_SECRET)) == 404
            states = browser.get("/health").json()["services"]
            assert states["whatsapp-webhook"] == states["integration-processor"] == "not_configured"
            health = browser.get("/api/integrations/health").json()
            named = {item["name"]: item["state"] for item in health["integrations"]}
            assert named == {"mail": "idle", "whatsapp": "not_set_up"}
    plain = whatsapp_line(tmp_path / "other", migrated_url, services=["booking"])
    with plain as line, line.accounts.browser() as browser:
        assert post_notification(browser, b"{}", sign(b"{}", APP_SECRET)) == 404
        assert browser.get("/mis-avisos").status_code == 404


def test_what_waits_for_whatsapp_that_is_not_set_up_any_more_goes_by_mail(
    tmp_path: Path, migrated_url: str
) -> None:
    with whatsapp_line(tmp_path, migrated_url) as line:
        line.put(line.client())
        for secret in (tmp_path / "secrets").glob("whatsapp-*"):
            secret.unlink()
        with line.accounts.browser(with_worker=True):
            deadline = time.monotonic() + 60
            while not line.states("email") and time.monotonic() < deadline:
                time.sleep(0.05)
    assert [row[0] for row in line.states()] == ["cancelled"]


def test_buttons_act_on_the_own_booking_only(line: Line, browser: Caller) -> None:
    client = line.client()
    key, token = _booked(line, client)
    line.client("5491199999999", "other@example.com")
    for sender, pressed in (("5491199999999", f"cancel:{token}"), (NUMBER, "cancel:x" * 9),
                            (NUMBER, f"delete:{token}"), (NUMBER, f"cancel:{token[:-1]}A")):  # fmt: skip
        line.notify(browser, message_notification(sender, button=pressed))
    line.work_inbox()
    assert line.accounts.rows("SELECT status FROM booking") == [("confirmed",)]
    assert all("No encontramos" in text for text in _replies(line))
    confirm = message_notification(NUMBER, wamid="wamid.same", button=f"confirm:{token}")
    line.notify(browser, confirm)
    line.notify(browser, confirm)
    line.work_inbox()
    assert line.accounts.rows("SELECT booking_id FROM attendance") == [(key,)]
    line.notify(browser, message_notification(NUMBER, button=f"reschedule:{token}"))
    line.notify(browser, message_notification(NUMBER, button=f"cancel:{token}"))
    line.work_inbox()
    assert line.accounts.rows("SELECT status FROM booking") == [("cancelled",)]
    thanks, link, done = _replies(line)[-3:]
    assert "Te esperamos" in thanks
    assert f"/reserva/{token}/cambiar" in link
    assert "cancelado" in done
    line.meta.windows.add(NUMBER)
    line.send()
    assert done in [item.get("text", {}).get("body") for item in line.meta.accepted]


def test_too_late_to_cancel_is_said_and_nothing_is_cancelled(line: Line, browser: Caller) -> None:
    _, token = _booked(line, line.client(), hours=2)
    line.notify(browser, message_notification(NUMBER, button=f"cancel:{token}"))
    line.work_inbox()
    assert line.accounts.rows("SELECT status FROM booking") == [("confirmed",)]
    assert "Ya no se puede" in _replies(line)[0]


def test_baja_is_heard_at_once_and_alta_takes_it_back(line: Line, browser: Caller) -> None:
    client = line.client()
    line.notify(browser, message_notification(NUMBER, "  ¡Baja! "))
    line.work_inbox()
    line.put(client)
    line.send()
    assert not [item for item in line.meta.accepted if item["type"] == "template"]
    assert [row[0] for row in line.states("email")] == ["pending"]
    line.notify(browser, message_notification(NUMBER, "alta"))
    line.work_inbox()
    consents = line.accounts.rows(
        "SELECT given, source, text_version FROM channel_consent ORDER BY id"
    )
    assert consents == [(False, "message", "words-2026-11"), (True, "message", "words-2026-11")]
    line.put(client)
    line.send()
    assert [item["type"] for item in line.meta.accepted].count("template") == 1


def test_free_text_is_answered_once_within_the_day(line: Line, browser: Caller) -> None:
    for text in ("hola", "¿están?", "quiero cancelar la baja"):
        line.notify(browser, message_notification(NUMBER, text))
    line.work_inbox()
    assert len(_replies(line)) == 1
    line.accounts.rows(
        "UPDATE whatsapp_conversation SET last_heard_at = now() - interval '25 hours'"
    )
    line.send()
    assert line.meta.calls == 0
    assert line.states()[0][:3] == ("cancelled", 1, "window_closed")


@pytest.mark.parametrize(("written", "number"), [
    ("011 15-2345-6789", "5491123456789"), ("11 15-2345-6789", "5491123456789"),
    ("11 2345 6789", "5491123456789"), ("+54 11 2345-6789", "5491123456789"),
    ("5491123456789", "5491123456789"), ("541123456789", "5491123456789"),
    ("+54 9 351 234-5678", "5493512345678"), ("0351 15 234 5678", "5493512345678"),
    ("+598 94 123 456", "59894123456"), ("15-2345-6789", None), ("hola", None), ("", None),
    ("1" * 40, None),
])  # fmt: skip
def test_numbers_in_all_their_forms(written: str, number: str | None) -> None:
    assert whatsapp_number(written, "AR") == number


@given(st.from_regex(r"549(11[2-7][0-9]{7}|351[2-7][0-9]{6})", fullmatch=True))
def test_a_number_stays_what_it_is(digits: str) -> None:
    assert to_send(digits, drop_nine=False) == digits
    assert same_number(to_send(digits, drop_nine=True), digits)
    if whatsapp_number(digits, "AR") is not None:
        assert whatsapp_number(digits, "AR") == digits
        assert whatsapp_number(to_send(digits, drop_nine=True), "AR") == digits


@given(st.text(max_size=40))
def test_no_text_breaks_the_reading_of_numbers_and_words(text: str) -> None:
    number = whatsapp_number(text, "AR")
    assert number is None or number.isdigit()
    assert wish_of(text) in {"stop", "start", ""}


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)), st.integers(0, 1439),  # noqa: DTZ001
       st.integers(0, 1439), st.integers(-10, 80))  # fmt: skip
def test_quiet_hours_end_within_a_day_at_their_end(
    moment: datetime, start: int, end: int, ahead: int
) -> None:
    hours = QuietHours(start, end, ZONE)
    now = moment.replace(tzinfo=UTC)
    until = hours.until(now)
    if until is not None:
        assert now < until <= now + timedelta(days=1)
        assert until.hour * 60 + until.minute == end
        assert hours.until(until) is None
    if start == end:
        assert until is None


def test_night_waits_but_not_what_is_of_today(line: Line) -> None:
    now = datetime.now(ZONE)
    minute = now.hour * 60 + now.minute
    line.quiet((minute - 5) % 1440, (minute + 120) % 1440)
    client = line.client()
    line.put(client)
    soon = (datetime.now(UTC) + timedelta(minutes=150)).isoformat()
    line.put(client, starts_at=soon)
    line.send()
    assert [row[:2] for row in line.states()] == [("pending", 0), ("sent", 1)]


def test_prices_hold_from_their_day() -> None:
    table = PriceTable.load()
    row = {"category": "service", "country": "AR", "billable": 1200, "free": 0}
    before = month_cost(table, date(2026, 9, 1), [{"day": date(2026, 9, 3), **row}])
    after = month_cost(table, date(2026, 10, 1), [{"day": date(2026, 10, 3), **row}])
    assert before.cost == 0
    assert after.cost == Decimal("0.0955") * 200
    abroad = month_cost(table, date(2026, 10, 1), [{"day": date(2026, 10, 3), **row,
                        "category": "utility", "country": "XX"}])  # fmt: skip
    assert (abroad.cost, abroad.unpriced) == (0, 1200)


def test_templates_agree_with_their_definitions() -> None:
    for name, template in load_templates().items():
        waiting = name.startswith("waiting_")
        wanted = 2 if name.endswith("_neutral") else 5 if waiting else 7
        assert places(template["es_AR"]) == places(template["en"]) == wanted
    assert {item["category"] for item in definitions(neutral=True)} == {"UTILITY"}
    assert len(definitions(neutral=False)) == 24


def test_what_answers_mean() -> None:
    def fault(code: object) -> bytes:
        return json.dumps({"error": {"code": code, "message": "x token=abc"}}).encode()

    assert judge(200, b'{"messages":[{"id":"w"}]}').external_id == "w"
    assert judge(200, b"{}").verdict == "unknown"
    assert judge(502, b"<html>").verdict == "unknown"
    assert judge(429, b"", "7").wait == timedelta(seconds=7)
    assert judge(400, fault(131056), "99999999999").wait <= timedelta(hours=1)
    assert judge(401, fault(190)).verdict == "unreachable"
    assert judge(500, fault(131000)).verdict == "later"
    assert judge(400, fault("131026")).verdict == "refused"
    assert judge(400, fault(131026)).no_such_address
    assert "abc" not in judge(400, fault(100)).reason


def test_health_of_integrations_tells_the_public_little(line: Line, browser: Caller) -> None:
    line.put(line.client())
    line.meta.misbehave("passing")
    line.send()
    shown = browser.get("/api/integrations/health")
    assert shown.status_code == 200
    assert shown.json()["status"] == "degraded"
    assert {item["details"] for item in shown.json()["integrations"]} == {None}
    headers = bearer(line.accounts.token(browser, "settings:read"))
    found = browser.get("/api/integrations/health", headers=headers).json()
    whatsapp = next(item for item in found["integrations"] if item["name"] == "whatsapp")
    assert whatsapp["state"] == "failing"
    assert whatsapp["details"]["waiting"] == 1
    assert "131000" in whatsapp["details"]["last_error"]
    assert browser.get("/api/v1/whatsapp/costs", headers=headers).status_code == 200
    templates = browser.get("/api/v1/whatsapp/templates", headers=headers).json()
    assert len(templates["items"]) == 24


def test_consent_by_the_api_is_kept_with_its_text(line: Line, browser: Caller) -> None:
    key = line.accounts.client("clara@example.com")
    headers = bearer(line.accounts.token(browser, "clients:read", "clients:write"))
    path = f"/api/v1/clients/{key}/channels"
    yes = {"agreed": True, "address": "11 15-2345-6789", "text_version": "v1"}
    put = lambda body, at=path: browser.request("PUT", f"{at}/whatsapp", json=body, headers=headers)  # noqa: E731
    assert put(yes).json()["channels"][0]["address"] == NUMBER
    assert put({**yes, "agreed": False}).json()["channels"][0]["agreed"] is False
    consents = browser.get(path, headers=headers).json()["consents"]
    assert [(item["given"], item["source"]) for item in consents] == [(False, "api"), (True, "api")]
    for wrong in ({**yes, "address": "no"}, {**yes, "text_version": ""}, {**yes, "x": 1}, {}):
        assert put(wrong).status_code == 422
    assert put(yes, f"/api/v1/clients/{uuid4()}/channels").status_code == 404
    assert browser.get(path).status_code == 401
    line.accounts.rows("UPDATE client SET phone = NULL, email = NULL, version = 2")
    assert line.accounts.rows("SELECT 1 FROM contact_channel") == []


def test_a_booking_of_who_agreed_is_told_by_whatsapp(line: Line) -> None:
    key, _ = _booked(line, line.client())
    line.accounts.rows("SELECT tell_client('booking_confirmed', booking_body(%s))", key)
    assert line.accounts.rows("SELECT channel, recipient FROM message") == [("whatsapp", NUMBER)]
    line.quiet(whatsapp=False)
    line.accounts.rows("SELECT tell_client('booking_cancelled', booking_body(%s))", key)
    assert [row[0] for row in line.states("email")] == ["pending"]


def test_messages_of_another_kind_of_row_do_not_wait(line: Line) -> None:
    hours = QuietHours(0, 1439, ZONE)
    message = OutgoingMessage(uuid4(), "whatsapp_reply", NUMBER, None, {"text": "x"}, 1,
                              datetime.now(UTC), uuid4())  # fmt: skip
    assert hours.wait(message) is None


def _book_with(line: Line, browser: Caller, hours: int, **contact: object) -> dict[str, Any]:
    """A visitor's booking by the API's functions, as the page makes it."""
    if not line.accounts.rows("SELECT 1 FROM provider"):
        line.accounts.home.json("seed", str(line.accounts.home.folder / "seed.json"))
    token = line.accounts.token(browser, "bookings:write", name=f"p{uuid4().hex[:8]}")
    ids = line.accounts.rows("SELECT s.id, l.id FROM service s, location l LIMIT 1")[0]
    starts = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=hours)
    body = {
        "service_id": str(ids[0]), "location_id": str(ids[1]), "starts_at": starts.isoformat(),
        "override_reason": "test", "client": {"name": "Clara", **contact},
    }  # fmt: skip
    made = browser.post("/api/v1/bookings", json=body, headers=bearer(token))
    assert made.status_code == 201, made.text
    # as if nobody had shown who they are
    line.accounts.rows("UPDATE contact_channel SET proved = false")
    return dict(made.json())


def _channels(line: Line) -> list[tuple[Any, ...]]:
    return line.accounts.rows(
        "SELECT address, agreed FROM contact_channel WHERE channel = 'whatsapp' ORDER BY address"
    )


def test_a_yes_with_a_booking_is_a_channel_for_bookings_with_that_number(
    line: Line, browser: Caller
) -> None:
    yes = {"email": "c@c.example", "phone": "+541123456789", "whatsapp": "2026-11"}
    made = _book_with(line, browser, 48, **yes)
    assert _channels(line) == [(NUMBER, True)]
    consents = line.accounts.rows("SELECT given, text_version, source FROM channel_consent")
    assert consents == [(True, "2026-11", "api")]
    sent = "SELECT channel FROM message WHERE kind = 'booking_confirmed' ORDER BY id"
    assert line.accounts.rows(sent) == [("whatsapp",)]
    # with another number, or none, nothing goes to the one that somebody typed
    _book_with(line, browser, 50, email="c@c.example", phone="+5491199998888", whatsapp="2026-11")
    _book_with(line, browser, 52, email="c@c.example")
    assert line.accounts.rows(sent)[1:] == [("email",), ("email",)]
    assert _channels(line) == [(NUMBER, True)]
    assert made["client"]["phone"] == "+541123456789"


@pytest.mark.parametrize("phone", [None, "11 2345-6789", "+1"])
def test_a_yes_without_a_number_that_can_be_written_to_is_none(
    line: Line, browser: Caller, phone: str | None
) -> None:
    if phone == "+1":
        phone = "+1 234"
    contact = {"email": "c@c.example", "whatsapp": "2026-11", **({"phone": phone} if phone else {})}
    _book_with(line, browser, 48, **contact)
    assert _channels(line) == []


def test_a_no_is_not_gone_over_by_a_booking(line: Line, browser: Caller) -> None:
    line.client(email="c@c.example")
    line.accounts.rows("UPDATE client SET phone = %s", f"+{NUMBER}")
    line.accounts.rows("UPDATE contact_channel SET agreed = false")
    _book_with(line, browser, 48, email="c@c.example", phone=f"+{NUMBER}", whatsapp="2026-11")
    assert _channels(line) == [(NUMBER, False)]


def test_a_place_on_the_waiting_list_is_told_by_whatsapp_where_agreed(line: Line) -> None:
    key = line.client()
    entry = str(uuid4())
    for kind in ("waiting_joined", "waiting_lapsed", "waiting_over"):
        line.put(key, kind=kind, id=entry, name="Clara", position=2, first_day="2026-12-01",
                 last_day="2026-12-04")  # fmt: skip
    line.send()
    assert [sent["template"]["name"] for sent in line.meta.accepted] == [
        "waiting_joined", "waiting_lapsed", "waiting_over",
    ]  # fmt: skip
    texts = [p["text"] for p in line.meta.accepted[0]["template"]["components"][0]["parameters"]]
    assert texts[0] == "Clara"
    assert texts[3:] == ["martes 1 de diciembre", "viernes 4 de diciembre"]
