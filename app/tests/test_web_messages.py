"""The pages of messages: a client's channels, the owner's reminders and quiet hours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from support_accounts import Accounts, Caller
from support_web import Page, first_slot
from support_whatsapp import whatsapp_line

from barberpro_app.contact_channel.service import TEXT_VERSION
from barberpro_app.identity.repository import Subject

EVIL = "<script>alert(1)</script>"


class Person:
    """Somebody signed in, with forms that were shown to them."""

    def __init__(self, caller: Caller, accounts: Accounts, subject: Subject) -> None:
        self._caller = caller
        self._cookie = f"__Host-session={accounts.session(subject)}"

    def get(self, path: str) -> tuple[int, str]:
        answer = self._caller.get(path, headers={"Cookie": self._cookie})
        return answer.status_code, answer.text

    def post(self, page: str, path: str, **values: str) -> tuple[int, str]:
        shown = self.get(page)[1]
        token = re.search(r'name="form_token" value="([^"]+)"', shown)
        assert token is not None
        version = re.search(r'name="version" value="([0-9]+)"', shown)
        fields = {"form_token": token[1], "version": version[1] if version else "0", **values}
        answer = self._caller.post(path, data=fields, headers={"Cookie": self._cookie})
        return answer.status_code, answer.text


@pytest.fixture
def accounts(tmp_path: Path, migrated_url: str) -> Iterator[Accounts]:
    with whatsapp_line(tmp_path, migrated_url) as line:
        line.accounts.home.json("seed", str(tmp_path / "seed.json"))
        yield line.accounts


@pytest.fixture
def browser(accounts: Accounts) -> Iterator[Caller]:
    with accounts.browser() as caller:
        yield caller


@pytest.fixture
def owner(accounts: Accounts, browser: Caller) -> Person:
    key: UUID = accounts.rows("SELECT id FROM staff_user WHERE role = 'owner'")[0][0]
    return Person(browser, accounts, Subject(key, None))


@pytest.fixture
def clara(accounts: Accounts, browser: Caller) -> Person:
    return Person(browser, accounts, Subject(None, accounts.client("clara@example.com")))


def test_a_client_agrees_and_stops(accounts: Accounts, clara: Person) -> None:
    assert "/mis-avisos" in clara.get("/mis-reservas")[1]
    assert clara.post("/mis-avisos", "/mis-avisos", whatsapp="1", telefono="11 2345-6789")[0] == 303
    shown = clara.get("/mis-avisos?hecho=1")[1]
    assert "+5491123456789" in shown
    assert "checked" in shown
    assert clara.post("/mis-avisos", "/mis-avisos", telefono="11 2345-6789")[0] == 303
    found = accounts.rows("SELECT given, source, text_version FROM channel_consent ORDER BY id")
    assert found == [(True, "page", "2026-11"), (False, "page", "2026-11")]


@pytest.mark.parametrize("number", ["", "hola", "0", "1" * 60, EVIL, "\u202e\x00"])
def test_what_is_no_number_is_refused_beside_the_field(
    accounts: Accounts, clara: Person, number: str
) -> None:
    status, text = clara.post("/mis-avisos", "/mis-avisos", whatsapp="1", telefono=number)
    assert status == 422
    assert 'id="telefono-error"' in text
    assert EVIL not in text
    assert accounts.rows("SELECT 1 FROM contact_channel") == []


def test_nobody_sets_another_persons_channel(accounts: Accounts, browser: Caller) -> None:
    answer = browser.get("/mis-avisos")
    assert (answer.status_code, answer.headers["location"]) == (303, "/entrar?volver=/mis-avisos")
    assert browser.post("/mis-avisos", data={"whatsapp": "1"}).status_code == 403
    assert accounts.rows("SELECT 1 FROM channel_consent") == []


def test_the_owner_sets_rules_and_quiet_hours(accounts: Accounts, owner: Person) -> None:
    home = "/ajustes/recordatorios"
    new = f"{home}/nuevo"
    assert owner.post(new, new, horas="2", tipo="booking_ask", canal="whatsapp")[0] == 303
    assert "2 h antes: preguntar si viene · por WhatsApp" in owner.get(home)[1]
    assert owner.post(new, new, horas="2", tipo="booking_ask", canal="whatsapp")[0] == 409
    for wrong in ({"horas": "0"}, {"horas": "x"}, {"tipo": "x"}, {"canal": ""}):
        values = {"horas": "3", "tipo": "booking_ask", "canal": "email", **wrong}
        assert owner.post(new, new, **values)[0] == 422
    assert owner.post(home, home, whatsapp="1", desde="21:30", hasta="09:00", version="1")[0] == 303
    stored = accounts.rows("SELECT value FROM settings_value WHERE key = 'messages'")[0][0]
    assert stored == {"whatsapp": True, "quiet_from": 1290, "quiet_to": 540}
    assert 'value="21:30"' in owner.get(home)[1]
    assert owner.post(home, home, desde="25:00", hasta="x")[0] == 422
    assert owner.post(home, home, desde="21:00", hasta="08:00", version="1")[0] == 409
    rule = accounts.rows("SELECT id FROM reminder_rule WHERE kind = 'booking_ask'")[0][0]
    assert owner.post(home, f"{home}/{rule}/pausar", version="1")[0] == 303
    assert "En pausa" in owner.get(home)[1]
    assert owner.post(home, f"{home}/{rule}/quitar")[0] == 303
    assert owner.post(home, f"{home}/{rule}/quitar")[0] == 404


def test_reception_does_not_see_the_settings(accounts: Accounts, browser: Caller) -> None:
    reception = accounts.staff("reception")
    person = Person(browser, accounts, Subject(reception.id, None))
    assert person.get("/ajustes/recordatorios")[0] == 403


def test_the_booking_form_asks_and_nothing_is_ticked_before(
    accounts: Accounts, browser: Caller
) -> None:
    page = Page(browser.get(Page(browser.get("/")).link("/reservar")))
    form = page.form("/reservar")
    held = browser.post(form.action or page.path, data={**form.values, "inicio": first_slot(page)})
    address = held.headers["location"]
    page = Page(browser.get(address))
    assert "Quiero recibir por WhatsApp" in page.text
    form = next(form for form in page.forms if "nombre" in form.values)
    assert "whatsapp" not in form.values
    typed = {**form.values, "nombre": "Ana", "email": "ana@w.example", "whatsapp": "1"}
    refused = Page(browser.post(form.action, data=typed))
    assert refused.status == 422
    assert "dejanos el celular" in refused.text
    assert "1" in next(f for f in refused.forms if "nombre" in f.values).values["whatsapp"]
    done = browser.post(form.action, data={**typed, "telefono": "11 2345-6789"})
    assert done.status_code == 303
    agreed = "SELECT k.address, k.agreed, k.proved, s.source, s.text_version FROM contact_channel k"
    found = accounts.rows(f"{agreed} JOIN channel_consent s ON s.client_id = k.client_id")
    assert found == [("5491123456789", True, False, "booking", TEXT_VERSION)]
    key = accounts.rows("SELECT id FROM client")[0][0]
    ana = Person(browser, accounts, Subject(None, key))
    assert "+5491123456789" in ana.get("/mis-datos")[1]
    ana.post("/mis-avisos", "/mis-avisos", telefono="11 2345 6789", whatsapp="1")
    assert accounts.rows("SELECT proved FROM contact_channel") == [(True,)]


def test_the_owner_chooses_what_the_team_is_told(owner: Person, accounts: Accounts) -> None:
    home = "/ajustes/avisos-al-equipo"
    assert "Pedidos por aprobar" in owner.get(home)[1]
    for wrong in ({"atiende": "x"}, {"correo": EVIL}):
        status, text = owner.post(home, home, **wrong)
        assert status == 422
        assert EVIL not in text
    assert owner.post(home, home, recepcion="new", correo="Otra@x.example")[0] == 303
    saved = accounts.rows("SELECT value FROM settings_value WHERE key = 'team_notices'")
    assert saved == [({"provider": [], "desk": ["new"], "address": "otra@x.example"},)]
