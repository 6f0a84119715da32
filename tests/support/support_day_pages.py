"""Looks at every page of a business at the end of its day, and arranges what no day has by itself."""

from __future__ import annotations

import re
import secrets
from uuid import UUID

from playwright.sync_api import BrowserContext, ViewportSize
from support_axe import check_here
from support_browser import DESKTOP, PHONE
from support_day import Day
from support_every_page import COMMON, looks, routes_of, walk

from barberpro_app.kit.links import BookingLinks
from barberpro_app.settings import load_settings


def looks_everywhere(day: Day) -> None:
    """Every page of the business, as a visitor, a client and the owner find them: none is left out, no
    link leads nowhere, and axe finds nothing."""
    assert {"owner", "client"} <= day.people.keys(), "the day before this did not end"
    vertical, url = day.deployed.name, day.deployed.url
    environment = day.deployed.home.environment
    routes, common = routes_of(environment), routes_of(environment, *COMMON)
    contexts: dict[tuple[str, str], BrowserContext] = {}
    try:
        for who in ("visitor", "client", "owner"):
            page = day.people.get(who)
            for screen, size in (("phone", PHONE), ("desktop", DESKTOP)):
                contexts[who, screen] = day.chromium.new_context(
                    viewport=ViewportSize(width=size["width"], height=size["height"]),
                    locale="es-AR",
                    bypass_csp=True,  # axe is put into the page
                    storage_state=page.context.storage_state() if page else None,
                )
        people = {who: contexts[who, "phone"] for who in ("visitor", "client", "owner")}
        walked = walk(url, routes, people, things(day))
        assert walked.broken == [], walked.broken
        missing = walked.missing(routes)
        assert missing == [], missing
        wrong: list[str] = []
        opened = {key: context.new_page() for key, context in contexts.items()}
        for item, screen in looks(walked.found.values(), vertical, common):
            page = opened[item.who, screen]
            page.set_default_timeout(60_000)
            page.goto(url + item.address)
            try:
                check_here(page, f"e-{vertical}-{_plain(item.route)}-{screen}")
            except AssertionError as error:  # all that is wrong is told at once
                wrong.append(str(error))
        assert wrong == [], "\n".join(wrong)
    finally:
        for context in contexts.values():
            context.close()


def _plain(route: str) -> str:
    return re.sub(r"[^a-z]+", "-", route).strip("-") or "home"


def things(day: Day) -> dict[str, list[str]]:
    """What no day has by itself is arranged: a series, a queue, a waiting list, a plan, a chair. Gives
    addresses that nothing links to, by who has them."""
    owner = day.people["owner"]
    ((client, service, place),) = day.rows(
        "SELECT client_id, service_id, location_id FROM booking"
        " WHERE status = 'completed' AND contact IS NOT NULL ORDER BY created_at LIMIT 1"
    )
    booking, single = (_next(day, client, service, place, ahead) for ahead in (8, 9))
    api = f"{day.deployed.url}/api/v1"
    headers = {"Idempotency-Key": secrets.token_hex(8)}
    made = owner.request.post(
        f"{api}/bookings/{booking}/series", data={"every_weeks": 1, "count": 2}, headers=headers
    )
    assert made.ok, made.text()
    turn = owner.request.post(
        f"{api}/walk-ins",
        data={"location_id": str(place), "service_id": str(service), "name": "Eva Sol"},
    )
    assert turn.ok, turn.text()
    day.rows("INSERT INTO resource (location_id, kind, name) VALUES (%s, 'sala', 'Sala 1')", place)
    day.rows(
        "INSERT INTO plan (name, kind, credits, days, price_centavos)"
        " VALUES ('Cuatro por mes', 'membership', 4, 30, 100)"
    )
    day.rows(
        "INSERT INTO consent (client_id, purpose, text_version, locale, text_sha256, text, how,"
        " given_by) SELECT %s, p, '1', 'es-AR', sha256('x'), 'x', 'own_session', 'client'"
        " FROM unnest('{nutrition_data,share_progress}'::text[]) p", client,
    )  # fmt: skip
    day.deployed.home.json("api-client", "create", "agenda", "--scope", "bookings:read")
    owner.goto(f"{day.deployed.url}/agenda/reserva/{single}/abono")
    owner.get_by_role("button", name="Vender un abono").click()
    owner.wait_for_url(f"**/agenda/reserva/{single}?**")
    settings = load_settings(day.deployed.home.environment)
    links = BookingLinks(settings.secrets.key("session-key"), settings.app.public_url)
    token = links.token(booking)
    parts = ("", "/cancelar", "/cambiar", "/serie", "/serie/cambiar")
    queued = links.other("walk-in").token(UUID(turn.json()["id"]))
    works = day.rows("SELECT id FROM portfolio_item ORDER BY created_at LIMIT 1")
    return {
        "visitor": [
            *(f"/foto/{links.other('photographs').token(key)}" for (key,) in works),
            *(f"/reserva/{token}{part}" for part in parts),
            f"/reserva/{links.token(single)}/repetir",
            f"/reserva/{links.token(single)}/pagar",
            f"/reservar/listo/{token}",
            f"/fila/turno/{queued}",
            f"/llegue/{place}",
            f"/espera?servicio={service}&sede={place}",
            f"/espera/{links.other('waiting').token(_waits(day, client, service, place))}",
            f"/servicios/{service}",
            f"/profesionales/{day.provider}",
            "/baja/B23456789A",
            "/arrepentimiento/A23456789B",
        ],
        "owner": [
            *(f"/trabajos/{key}" for (key,) in works),
            f"/agenda/reserva/{booking}/serie",
            f"/agenda/reserva/{booking}/serie/cambiar",
            f"/agenda/reserva/{single}",
            *(f"/agenda/reserva/{single}/{part}" for part in ("cambiar", "mover", "repetir")),
        ],
    }


def _next(day: Day, client: object, service: object, place: object, ahead: int) -> UUID:
    """A booking of the client at eight in the morning, so many days ahead."""
    ((key,),) = day.rows(
        "WITH b AS (INSERT INTO booking (code, status, client_id, provider_id, service_id,"
        " location_id, starts_at, ends_at, zone, price_centavos, source)"
        " SELECT new_booking_code(), 'confirmed', %s, %s, %s, %s, t, t + interval '45 min', %s, 100,"
        " 'staff' FROM (SELECT (date_trunc('day', now() AT TIME ZONE %s)"
        " + make_interval(days => %s, hours => 8)) AT TIME ZONE %s AS t) at"
        " RETURNING id, provider_id, starts_at, ends_at)"
        " INSERT INTO occupancy (booking_id, resource_id, period)"
        " SELECT id, provider_id, tstzrange(starts_at, ends_at) FROM b RETURNING booking_id",
        client, day.provider, service, place, day.zone, day.zone, ahead, day.zone,
    )  # fmt: skip
    assert isinstance(key, UUID)
    return key


def _waits(day: Day, client: object, service: object, place: object) -> UUID:
    ((key,),) = day.rows(
        "INSERT INTO waiting_entry (client_id, service_id, location_id, first_day, last_day, parts)"
        " VALUES (%s, %s, %s, current_date + 20, current_date + 25, '{morning}') RETURNING id",
        client, service, place,
    )  # fmt: skip
    assert isinstance(key, UUID)
    return key
