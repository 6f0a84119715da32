"""A day in a dentist's surgery, in a real Chromium: a chart, a plan that is signed, books that balance."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from support_day import Day, address_of, day
from support_day_pages import looks_everywhere
from support_postgres import TestServer

pytestmark = pytest.mark.xdist_group("browser")
SERVICES = ("odontogram-service", "treatment-plan-service", "provider-verification-service",
            "encrypted-notes-service", "privacy-compliance-service")  # fmt: skip


@pytest.fixture(scope="module")
def surgery(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: TestServer, chromium: Browser
) -> Iterator[Day]:
    folder = tmp_path_factory.mktemp("dental")
    with day("dental", folder, postgres_server, chromium, *SERVICES) as found:
        yield found


def test_a_day(surgery: Day) -> None:
    owner = surgery.opens()
    surgery.verifies_licence(owner)
    surgery.asks_deposit(owner, "Limpieza", 20)
    surgery.reminds(owner, 5)

    ana, beto = surgery.phone(), surgery.phone()
    paid = surgery.books_and_pays(ana, "Limpieza", 3, "Ana Paz")
    missed = surgery.books(beto, "Consulta y diagnóstico", 5, "Beto Ruiz")
    surgery.was_booked_days_ago(paid)

    surgery.walks_in(owner, "Carla Mora", "Consulta y diagnóstico")
    surgery.says(owner, "Atendido")
    surgery.takes_cash(owner, "40.000")

    surgery.begins(missed, 150)
    surgery.opens_booking(owner, missed)
    surgery.says(owner, "No vino")

    assert surgery.is_reminded(address_of("Ana Paz"))
    surgery.begins(paid, 70)
    surgery.opens_booking(owner, paid)
    surgery.says(owner, "Llegó")
    _charts_and_plans(surgery, owner, ana)
    surgery.opens_booking(owner, paid)
    surgery.says(owner, "Atendido")
    surgery.takes_cash(owner, "52.000")
    surgery.closes(owner, revenue=10_500_000)


def test_every_page(surgery: Day) -> None:
    looks_everywhere(surgery)


def _charts_and_plans(surgery: Day, owner: Page, patient: Page) -> None:
    ((person,),) = surgery.rows("SELECT id FROM client WHERE email = %s", address_of("Ana Paz"))
    home = f"/pacientes/{person}"
    for tooth, surface, state in ((16, "O", "caries"), (46, "", "crown")):
        surgery.go(owner, f"{home}/odontograma?pieza={tooth}")
        owner.get_by_label("Cara").select_option(surface)
        owner.get_by_label("Estado").select_option(state)
        owner.get_by_role("button", name="Guardar con mi firma").click()
        owner.wait_for_load_state()
    surgery.look(owner, "own-chart")
    surgery.go(owner, f"{home}/tratamiento")
    owner.get_by_text("Nuevo plan").click()
    owner.get_by_label("Título").fill("Arreglo de la 16")
    owner.locator("#etapa_1").fill("Arreglo en resina")
    owner.locator("#importe_1").fill("85.000")
    owner.get_by_role("button", name="Guardar borrador").click()
    owner.get_by_label("Válido hasta").fill("2099-01-01")
    owner.get_by_role("button", name="Entregar presupuesto").click()
    owner.locator("pre.document").wait_for()
    surgery.look(owner, "own-plan")

    surgery.signs_in(patient, address_of("Ana Paz"))
    surgery.go(patient, "/mis-datos/presupuestos")
    surgery.look(patient, "own-plans")
    patient.get_by_role("link", name="Arreglo de la 16").click()
    patient.wait_for_url("**/presupuestos/**")
    surgery.look(patient, "own-estimate")
    patient.get_by_role("checkbox").check()
    patient.get_by_label("Nombre y apellido").fill("Ana Paz")
    patient.get_by_role("button", name="Firmar").click()
    expect(patient.get_by_text("Aceptado por Ana Paz")).to_be_visible()
    surgery.look(patient, "own-signed")
    owner.reload()
    expect(owner.get_by_text("Aceptado por Ana Paz")).to_be_visible()
