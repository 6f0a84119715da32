"""A day in a barbershop, in a real Chromium: from the opening to the books that balance."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from support_day import Day, address_of, day
from support_day_pages import looks_everywhere
from support_photographs import photograph
from support_postgres import TestServer

pytestmark = pytest.mark.xdist_group("browser")
SERVICES = ("media-processor", "portfolio-service", "social-sharing-service",
            "loyalty-program-service")  # fmt: skip


@pytest.fixture(scope="module")
def shop(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: TestServer, chromium: Browser
) -> Iterator[Day]:
    folder = tmp_path_factory.mktemp("barbershop")
    with day("barbershop", folder, postgres_server, chromium, *SERVICES) as found:
        yield found


def test_a_day(shop: Day) -> None:
    owner = shop.opens()
    shop.asks_deposit(owner, "Corte clásico", 30)
    shop.reminds(owner, 5)
    _gives_stamps(shop, owner)

    ana, beto = shop.phone(), shop.phone()
    paid = shop.books_and_pays(ana, "Corte clásico", 3, "Ana Paz")
    missed = shop.books(beto, "Arreglo de barba", 5, "Beto Ruiz")
    shop.was_booked_days_ago(paid)

    shop.walks_in(owner, "Carlos Mora", "Corte infantil")
    shop.says(owner, "Atendido")
    shop.takes_cash(owner, "18.000")

    shop.begins(missed, 100)
    shop.opens_booking(owner, missed)
    shop.says(owner, "No vino")

    assert shop.is_reminded(address_of("Ana Paz"))
    shop.begins(paid, 40)
    shop.opens_booking(owner, paid)
    shop.says(owner, "Llegó", "Atendido")
    shop.takes_cash(owner, "15.400")

    shop.signs_in(ana, address_of("Ana Paz"))
    shop.go(ana, "/mis-premios")
    expect(ana.get_by_text("1 de 10 sellos")).to_be_visible()
    shop.look(ana, "own-stamps")
    _shows_the_work(shop, owner, ana)
    shop.closes(owner, revenue=4_000_000)


def test_every_page(shop: Day) -> None:
    looks_everywhere(shop)


def _gives_stamps(shop: Day, owner: Page) -> None:
    shop.go(owner, "/ajustes/premios/nueva")
    owner.locator("#nombre").fill("Diez cortes, uno gratis")
    owner.get_by_role("button", name="Guardar").click()
    owner.wait_for_url("**/ajustes/premios**hecho=**")
    shop.look(owner, "own-cards")


def _shows_the_work(shop: Day, owner: Page, client: Page) -> None:
    """Before and after, with the client's consent, approved by the owner, in the public gallery."""
    api = shop.deployed.url + "/api/v1"
    keys = []
    for number in range(2):
        sent = owner.request.post(f"{api}/media", data=photograph(size=(900, 700 + number)))
        assert sent.status == 202, sent.text()
        keys.append(sent.json()["id"])
    text = owner.request.get(f"{api}/portfolio/consent-text").json()
    ((person,),) = shop.rows("SELECT id FROM client WHERE email = %s", address_of("Ana Paz"))
    made = owner.request.post(
        f"{api}/portfolio/items",
        data={
            "provider_id": shop.provider, "client_id": str(person),
            "service_id": str(shop.rows("SELECT id FROM service WHERE key = 'corte'")[0][0]),
            "before_alt": "Pelo largo", "after_alt": "Corte clásico, de costado",
            "before_id": keys[0], "after_id": keys[1],
            "text_sha256": text["text_sha256"], "signed_name": "Ana Paz",
        },
    )  # fmt: skip
    assert made.status == 201, made.text()
    item = made.json()
    for _ in range(1200):
        if shop.rows("SELECT 1 FROM media_file WHERE state = 'pending'") == []:
            break
        owner.wait_for_timeout(100)
    decided = owner.request.post(
        f"{api}/portfolio/items/{item['id']}/moderation",
        data={"version": item["version"], "decision": "published"},
    )
    assert decided.status == 204, decided.text()
    shop.go(client, "/galeria")
    expect(client.get_by_role("img", name="Corte clásico, de costado").first).to_be_visible()
    shop.look(client, "own-gallery")
