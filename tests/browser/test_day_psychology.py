"""A day in a psychologists' practice, in a real Chromium: what is private stays so, the books balance."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from support_day import Day, address_of, day
from support_day_pages import looks_everywhere
from support_postgres import TestServer

pytestmark = pytest.mark.xdist_group("browser")
SERVICES = ("encrypted-notes-service", "provider-verification-service",
            "privacy-compliance-service", "session-recording-service")  # fmt: skip
NOTE = "Duerme mejor desde que cambió de trabajo."


@pytest.fixture(scope="module")
def practice(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: TestServer, chromium: Browser
) -> Iterator[Day]:
    folder = tmp_path_factory.mktemp("psychology")
    with day("psychology", folder, postgres_server, chromium, *SERVICES) as found:
        yield found


def test_a_day(practice: Day) -> None:
    owner = practice.opens()
    practice.verifies_licence(owner)
    practice.asks_deposit(owner, "Sesión individual", 50)
    practice.reminds(owner, 5)

    ana, beto = practice.phone(), practice.phone()
    paid = practice.books_and_pays(ana, "Sesión individual", 3, "Ana Paz")
    missed = practice.books(beto, "Primera entrevista", 5, "Beto Ruiz")
    practice.was_booked_days_ago(paid)

    practice.walks_in(owner, "Carla Mora", "Primera entrevista")
    practice.says(owner, "Atendida")
    practice.takes_cash(owner, "45.000")

    practice.begins(missed, 170)
    practice.opens_booking(owner, missed)
    practice.says(owner, "No vino")

    subject = practice.is_reminded(address_of("Ana Paz"))
    assert "psic" not in subject.lower()
    practice.begins(paid, 80)
    booking = practice.opens_booking(owner, paid)
    practice.says(owner, "Llegó")
    _agrees_to_recording(practice, owner, ana, booking)
    practice.opens_booking(owner, paid)
    practice.says(owner, "Atendida")
    practice.takes_cash(owner, "21.000")
    _writes_a_note(practice, owner)
    practice.closes(owner, revenue=8_700_000)


def test_every_page(practice: Day) -> None:
    looks_everywhere(practice)


def _agrees_to_recording(practice: Day, owner: Page, patient: Page, booking: str) -> None:
    """The patient signs on the phone, and the professional's page knows it."""
    practice.signs_in(patient, address_of("Ana Paz"))
    practice.go(patient, "/mis-datos/grabaciones")
    practice.look(patient, "own-recordings")
    practice.go(patient, f"/mis-datos/grabaciones/{booking}")
    practice.look(patient, "own-consent")
    patient.get_by_role("checkbox").check()
    patient.get_by_label("Nombre y apellido").fill("Ana Paz")
    patient.get_by_role("button", name="Firmar").click()
    patient.locator(".notice.good").wait_for()
    practice.go(owner, f"/agenda/reserva/{booking}/grabar")
    expect(owner.locator(".notice.good")).to_be_visible()
    practice.look(owner, "own-record")


def _writes_a_note(practice: Day, owner: Page) -> None:
    """Which its author reads, and the database does not hold in clear."""
    ((person,),) = practice.rows("SELECT id FROM client WHERE email = %s", address_of("Ana Paz"))
    practice.go(owner, f"/pacientes/{person}/notas")
    owner.get_by_label("Nota", exact=True).first.fill(NOTE)
    owner.get_by_role("button", name="Guardar nota").click()
    expect(owner.locator("p.entry-text")).to_have_text(NOTE)
    practice.look(owner, "own-note")
    stored = practice.rows("SELECT row_to_json(n)::text FROM encrypted_note n")
    assert len(stored) == 1
    assert "trabajo" not in stored[0][0]
