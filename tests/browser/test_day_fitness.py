"""A day in a gym, in a real Chromium: a class that fills up, a run from a watch, books that balance."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from support_activities import fit_file
from support_axe import check_here
from support_browser import PHONE
from support_day import Day, address_of, day
from support_day_pages import looks_everywhere
from support_postgres import TestServer

pytestmark = pytest.mark.xdist_group("browser")
SERVICES = ("class-management-service", "biometric-integration-service",
            "progress-tracking-service", "nutrition-service")  # fmt: skip


@pytest.fixture(scope="module")
def gym(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: TestServer, chromium: Browser
) -> Iterator[Day]:
    folder = tmp_path_factory.mktemp("fitness")
    with day("fitness", folder, postgres_server, chromium, *SERVICES) as found:
        yield found


def test_a_day(gym: Day, tmp_path: Path) -> None:
    owner = gym.opens()
    gym.asks_deposit(owner, "Clase personal", 25)
    gym.reminds(owner, 5)

    ana, beto, carla = gym.phone(), gym.phone(), gym.screen(PHONE, bypass_csp=True)
    paid = gym.books_and_pays(ana, "Clase personal", 3, "Ana Paz")
    missed = gym.books(beto, "Clase exprés", 5, "Beto Ruiz")
    gym.was_booked_days_ago(paid)
    _fills_a_class(gym, owner, ana, carla)

    gym.begins(missed, 170)
    gym.opens_booking(owner, missed)
    gym.says(owner, "No vino")

    gym.walks_in(owner, "Dora Mora", "Clase exprés")
    gym.says(owner, "Atendida")
    gym.takes_cash(owner, "15.000")

    assert gym.is_reminded(address_of("Ana Paz"))
    gym.begins(paid, 100)
    gym.opens_booking(owner, paid)
    gym.says(owner, "Llegó", "Atendida")
    gym.takes_cash(owner, "18.000")
    _brings_a_run(gym, ana, tmp_path)
    gym.closes(owner, revenue=3_900_000)


def test_every_page(gym: Day) -> None:
    looks_everywhere(gym)


def _fills_a_class(gym: Day, owner: Page, first: Page, second: Page) -> None:
    """A class of one seat: who comes second waits, and gets the seat when the first gives it up."""
    ((session, when),) = gym.rows(
        "SELECT id, (starts_at AT TIME ZONE zone)::date::text FROM group_session"
        " WHERE state = 'scheduled' AND starts_at > now() + interval '30 hours'"
        " ORDER BY starts_at LIMIT 1"
    )
    gym.go(owner, f"/agenda/clases/{session}")
    owner.locator("summary", has_text="Cambiar").first.click()
    owner.locator("#cupo").fill("1")
    owner.get_by_role("button", name="Guardar").click()
    owner.wait_for_load_state()
    gym.look(owner, "own-class")

    gym.go(first, "/clases")
    button = first.locator(f"form[action$='{session}'] button")
    gym.look(first, "own-timetable")
    button.click()
    gym.tells(first, "Ana Paz", address_of("Ana Paz"))
    first.wait_for_url("**/reservar/listo/**")
    gym.look(first, "own-in-class")

    gym.go(second, f"/clases?desde={when}")
    waits = second.locator(f"a[href*='sesion={session}']")
    gym.look(second, "own-full")
    waits.click()
    second.get_by_label("Nombre y apellido").fill("Carla Sol")
    second.get_by_label("Correo electrónico").fill(address_of("Carla Sol"))
    second.get_by_role("button", name="Anotarme en la lista").click()
    second.wait_for_url("**/espera/**")
    gym.look(second, "own-waits")

    first.get_by_role("link", name=re.compile("Ver, cambiar o cancelar")).click()
    first.get_by_role("link", name=re.compile("^Cancelar")).click()
    first.get_by_role("button", name="Sí, cancelar").click()
    expect(first.get_by_role("status").first).to_contain_text("Cancelamos")
    for _ in range(300):
        second.reload()
        if second.get_by_role("link", name="Ver el horario").count():
            break
        second.wait_for_timeout(200)
    second.get_by_role("link", name="Ver el horario").click()
    second.wait_for_url("**/lugar")
    check_here(second, "day-fitness-own-offer")
    second.get_by_role("button", name="Lo quiero").click()
    second.wait_for_load_state()
    gym.go(owner, f"/agenda/clases/{session}")
    expect(owner.get_by_role("link", name="Carla Sol")).to_be_visible()
    gym.look(owner, "own-roll")


def _brings_a_run(gym: Day, client: Page, folder: Path) -> None:
    gym.signs_in(client, address_of("Ana Paz"))
    gym.go(client, "/mi-progreso")
    _agrees(client)
    gym.go(client, "/mi-progreso")
    client.get_by_label("Valor").fill("69,5")
    client.get_by_role("button", name="Anotar").click()
    client.get_by_text("Guardado").wait_for()
    gym.look(client, "own-progress")
    gym.go(client, "/mi-progreso/actividades")
    _agrees(client)
    file = folder / "run.fit"
    file.write_bytes(fit_file(datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)))
    client.set_input_files("#archivo", str(file))
    client.get_by_role("button", name="Importar").click()
    client.get_by_text("Se importó una actividad").wait_for()
    gym.look(client, "own-activities")


def _agrees(client: Page) -> None:
    form = client.locator("form", has=client.locator("input[name=proposito]")).first
    form.get_by_role("checkbox").check()
    form.get_by_label("nombre").fill("Ana Paz")
    form.get_by_role("button", name="Aceptar").click()
    client.get_by_text("Ya podés empezar").wait_for()
