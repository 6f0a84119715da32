"""The barber's own services by phone: photographs from the camera to the gallery, stamps to a reward;
every page of them looked at by axe, on phone and desktop."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect
from support_axe import SCREENS_OF_WAYS, check
from support_browser import DESKTOP, PHONE, ServedVertical, served
from support_photographs import portrait
from support_postgres import TestServer

from barberpro_app.media_processor.images import process
from barberpro_app.media_processor.storage import MediaFolder

pytestmark = pytest.mark.xdist_group("browser")
SERVICES = ("payment", "media-processor", "portfolio-service", "social-sharing-service",
            "loyalty-program-service")  # fmt: skip


@pytest.fixture(scope="module")
def barbershop(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: TestServer, chromium: Browser
) -> Iterator[ServedVertical]:
    assert chromium.is_connected()
    folder = tmp_path_factory.mktemp("barber")
    with served("barbershop", folder, postgres_server, *SERVICES) as found:
        yield found


@pytest.fixture(params=SCREENS_OF_WAYS)
def screen(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def opened(chromium: Browser, screen: str) -> Page:
    size = PHONE if screen == "phone" else DESKTOP
    page = chromium.new_context(
        viewport=ViewportSize(width=size["width"], height=size["height"]),
        locale="es-AR",
        has_touch=screen == "phone",
        bypass_csp=True,  # axe is put into the page
    ).new_page()
    page.set_default_timeout(60_000)
    return page


def visit(shop: ServedVertical, name: str, status: str, hours: int) -> tuple[Any, ...]:
    """A booking so many hours ago of a client of this name: the keys of client and booking."""
    shop.rows(
        "INSERT INTO client (name, email) SELECT %s, %s WHERE NOT EXISTS"
        " (SELECT FROM client WHERE name = %s)", name, f"{abs(hash(name))}@barber.example", name,
    )  # fmt: skip
    return shop.rows(
        "INSERT INTO booking (code, status, client_id, provider_id, service_id, location_id,"
        " starts_at, ends_at, zone, price_centavos) SELECT new_booking_code(), 'confirmed', c.id,"
        " p.id, s.id, l.id, now() - make_interval(hours => %s),"
        " now() - make_interval(hours => %s) + interval '30 min', l.zone, s.price_centavos"
        " FROM client c, provider p, service s, location l WHERE c.name = %s"
        " ORDER BY p.sort, s.sort, l.key LIMIT 1 RETURNING client_id, id",
        hours, hours, name,
    )[0]  # fmt: skip


def a_pair(shop: ServedVertical, visit: tuple[Any, ...], state: str) -> object:
    """Two drawn photographs of a visit, already made, in this state: the pair's key."""
    client, booking = visit
    folder, keys = MediaFolder(shop.home.folder / "media"), []
    for seed in (1, 2):
        made = process(portrait(seed, (640, 800)))
        key = shop.rows("INSERT INTO media_file (state, uploaded_by, bytes) VALUES ('ready', 'x', 1)"
                        " RETURNING id")[0][0]  # fmt: skip
        keys.append(key)
        for part in made.variants:
            folder.publish(part.name, part.content)
            shop.rows("INSERT INTO media_variant VALUES (%s, %s, %s, %s, %s, %s)", key, part.name,
                      part.media_type, part.width, part.height, len(part.content))  # fmt: skip
    return shop.rows(
        "WITH c AS (INSERT INTO consent (client_id, purpose, reference_id, text_version, locale,"
        " text_sha256, text, how, given_by) VALUES (%s, 'portfolio', %s, '1', 'es-AR',"
        " sha256('x'), 'x', 'by_link', 'x') RETURNING id) INSERT INTO portfolio_item (provider_id,"
        " service_id, client_id, consent_id, before_id, after_id, before_alt, after_alt, state,"
        " published_at) SELECT b.provider_id, b.service_id, b.client_id, c.id, %s, %s, 'Antes: corte',"
        " 'Después: corte', %s, CASE WHEN %s = 'published' THEN now() END FROM booking b, c"
        " WHERE b.id = %s RETURNING id",
        client, keys[1], *keys, state, state, booking,
    )[0][0]  # fmt: skip


def become(shop: ServedVertical, booking: object, status: str) -> None:
    shop.rows("UPDATE booking SET status = %s WHERE id = %s", status, booking)


def owner(page: Page, shop: ServedVertical) -> None:
    page.goto(shop.owner_link())
    page.get_by_role("button", name="Entrar").click()
    page.wait_for_url("**/agenda**")


def test_photographs_from_the_camera_to_the_gallery(
    barbershop: ServedVertical, chromium: Browser, screen: str, tmp_path: Path
) -> None:
    shop = barbershop
    _, booking = visit(shop, f"Ana Pérez {screen}", "confirmed", 1)
    become(shop, booking, "completed")
    pictures = []
    for name, seed in (("antes", 1), ("despues", 2)):
        path = tmp_path / f"{name}.jpg"
        path.write_bytes(portrait(seed))
        pictures.append(path)
    team = opened(chromium, screen)
    owner(team, shop)
    team.goto(f"{shop.url}/agenda/reserva/{booking}")
    team.get_by_role("link", name="Subir antes y después").click()
    team.get_by_role("button", name="Enviar las dos fotos").click()
    expect(team.locator("#antes-error")).to_be_visible()
    check(team, f"p-1-new-{screen}")
    team.locator("#antes").set_input_files(pictures[0])
    team.locator("#despues_elegida").set_input_files(pictures[1])
    expect(team.locator("[data-preview]").first).to_be_visible()
    check(team, f"p-2-chosen-{screen}")
    team.get_by_role("button", name="Enviar las dos fotos").click()
    team.wait_for_url("**/trabajos/*hecho=enviada")
    expect(team.locator(".pair img").first).to_be_visible()  # made by the worker meanwhile
    check(team, f"p-3-asking-{screen}")
    link = team.get_by_role("link", name="Abrir la pregunta acá").get_attribute("href")
    client = opened(chromium, "phone")
    client.goto(str(link))
    expect(client.locator(".pair img").first).to_be_visible()
    check(client, f"p-4-question-{screen}")
    client.get_by_label(re.compile("acepto", re.IGNORECASE)).check()
    client.get_by_label(re.compile("[Nn]ombre")).fill("Ana Pérez")
    client.get_by_role("button", name="Sí, acepto").click()
    expect(client.get_by_text("Aceptaste que se muestren")).to_be_visible()
    check(client, f"p-5-thanks-{screen}")
    expect(team.get_by_role("button", name="Publicar")).to_be_visible()  # by itself
    team.goto(shop.url + "/trabajos")
    check(team, f"p-6-queue-{screen}")
    team.get_by_role("button", name=re.compile("^Publicar")).first.click()
    expect(team.get_by_text("ya está en la galería")).to_be_visible()
    visitor = opened(chromium, screen)
    visitor.goto(shop.url + "/galeria")
    expect(visitor.locator(".pair img").first).to_be_visible()
    assert visitor.locator(".pair img").first.evaluate("e => e.decode().then(() => e.naturalWidth)")
    check(visitor, f"p-7-gallery-{screen}")
    visitor.locator("article a").first.click()
    check(visitor, f"p-8-item-{screen}")
    client.get_by_role("button", name="No quiero que se muestren más").click()
    expect(client.get_by_text("no se muestran")).to_be_visible()
    visitor.goto(shop.url + "/galeria")
    assert visitor.locator(".pair").count() == 0
    check(visitor, f"p-9-empty-{screen}")


def test_stamps_to_a_reward(barbershop: ServedVertical, chromium: Browser, screen: str) -> None:
    shop = barbershop
    shop.rows("UPDATE loyalty_rule SET active = false")
    shop.rows("DELETE FROM loyalty_level")
    team = opened(chromium, screen)
    owner(team, shop)
    team.goto(shop.url + "/ajustes/premios")
    check(team, f"r-1-none-{screen}")
    team.get_by_role("link", name="Agregar una tarjeta").click()
    team.get_by_label("Nombre").fill(f"Tres cortes {screen}")
    team.get_by_label("Sellos para llenarla").fill("3")
    check(team, f"r-2-card-{screen}")
    team.get_by_role("button", name="Guardar").click()
    team.get_by_role("link", name="Agregar un nivel").click()
    team.get_by_label("Nombre").fill("Oro")
    team.get_by_label("Visitas en un año").fill("2")
    team.get_by_role("button", name="Guardar").click()
    check(team, f"r-3-rules-{screen}")
    name = f"Beto Ruiz {screen}"
    for hours in (4, 3):
        become(shop, visit(shop, name, "confirmed", hours)[1], "completed")
    client, booking = visit(shop, name, "confirmed", 1)
    team.goto(f"{shop.url}/agenda/reserva/{booking}")
    check(team, f"r-4-desk-{screen}")
    team.get_by_role("button", name=re.compile("^Usar el premio")).click()
    expect(team.get_by_text("Premio aplicado")).to_be_visible()
    check(team, f"r-5-used-{screen}")
    assert shop.rows("SELECT price_centavos FROM booking WHERE id = %s", booking) == [(0,)]
    become(shop, visit(shop, name, "confirmed", 2)[1], "completed")
    own = opened(chromium, screen)
    own.goto(shop.client_link(client))
    own.get_by_role("button", name="Entrar").click()
    own.goto(shop.url + "/mis-premios")
    expect(own.get_by_text("2 de 3 sellos")).to_be_visible()
    check(own, f"r-6-mine-{screen}")
    assert shop.rows("SELECT coalesce(sum(amount), 0)::int FROM ledger_line") == [(0,)]


def test_instagram_and_people(barbershop: ServedVertical, chromium: Browser, screen: str) -> None:
    shop = barbershop
    page = opened(chromium, screen)
    owner(page, shop)
    page.goto(shop.url + "/ajustes/instagram")
    check(page, f"i-1-none-{screen}")
    page.get_by_role("button", name="Conectar").click()
    expect(page.locator("#token-error")).to_be_visible()
    check(page, f"i-2-problem-{screen}")
    visit_id = visit(shop, f"Ines {screen}", "confirmed", 1)
    shop.rows("DELETE FROM social_post")
    shop.rows(
        "INSERT INTO instagram_account (account_id, username, renew_at, expires_at)"
        " VALUES ('1', 'barbershop.palermo', now() + interval '1 day', now() + interval '40 days')"
        " ON CONFLICT DO NOTHING"
    )
    shop.rows(
        "INSERT INTO integration_state (name, quota, last_success_at) VALUES ('instagram',"
        ' \'{"used": 3, "total": 100}\', now()) ON CONFLICT DO NOTHING'
    )
    for state, error in (("published", ""), ("published", ""), ("failed", "400: Only photo"),
                         ("pending", "429: the posts of a day are used up")):  # fmt: skip
        item = a_pair(
            shop, visit_id, "withdrawn" if state == "published" and not error else "published"
        )
        shop.rows(
            "INSERT INTO social_post (item_id, caption, state, last_error, permalink, published_at)"
            " VALUES (%s, 'Hola', %s, %s, %s, CASE WHEN %s = 'published' THEN now() END)",
            item, state, error, "https://www.instagram.com/p/x/" if state == "published" else "",
            state,
        )  # fmt: skip
    shop.rows(
        "UPDATE social_post SET removed_at = now() WHERE id = (SELECT id FROM social_post"
        " WHERE state = 'published' ORDER BY id DESC LIMIT 1)"
    )
    page.goto(shop.url + "/ajustes/instagram")
    check(page, f"i-3-queue-{screen}")
    item = shop.rows("SELECT item_id FROM social_post WHERE state = 'failed'")[0][0]
    page.goto(f"{shop.url}/trabajos/{item}/instagram")
    check(page, f"i-4-post-{screen}")
    visitor = opened(chromium, screen)
    visitor.goto(shop.url + "/")
    visitor.get_by_role("link", name="Barberos").click()
    check(visitor, f"i-5-people-{screen}")
    visitor.locator("main a.service").first.click()
    check(visitor, f"i-6-person-{screen}")
    service = shop.rows("SELECT id FROM service ORDER BY sort LIMIT 1")[0][0]
    visitor.goto(f"{shop.url}/servicios/{service}")
    check(visitor, f"i-7-service-{screen}")
    for table in ("social_post", "portfolio_item", "instagram_account"):
        shop.rows(f"DELETE FROM {table}")
