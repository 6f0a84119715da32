"""Every page that an application serves, found by its routes and by following its own links.

A page that is added is found by its route, so it cannot be forgotten: either it is reached by somebody's
links and looked at, or it has to be named below with the test that looks at it.
"""

from __future__ import annotations

import html
import os
import re
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from fastapi import FastAPI
from playwright.sync_api import BrowserContext

from barberpro_app.application import create_application
from barberpro_app.settings import load_settings

VERTICALS = ("barbershop", "psychology", "fitness", "dental")
#: What every business has, whatever its kind.
COMMON = ("api-gateway", "booking", "provider", "client", "catalog", "notification", "payment",
          "calendar-sync", "whatsapp-webhook", "integration-processor")  # fmt: skip
#: Not pages to look at: files, pictures, streams, what only leads elsewhere, what programs ask.
NO_PAGE = {
    "/health", "/ready", "/metrics", "/events", "/openapi.json", "/favicon.ico", "/static/{name}",
    "/marca/{name}", "/media/{name}", "/foto/{token}/{name}", "/idioma/{locale}",
    "/webhooks/whatsapp", "/calendario/{token}.ics", "/reserva/{token}/calendario.ics",
    "/ajustes/marca/vista.css", "/ajustes/marca/contraste", "/calendarios/google/vuelta",
    "/calendarios/{provider_id}/google", "/reserva/{token}/pago", "/mis-datos/descargar",
    "/mi-progreso/descargar", "/q/{short}", "/agenda/reserva/{booking_id}/recibo/{payment_id}",
    "/reserva/{token}/recibo/{payment_id}", "/matriculas/licencia/{licence_id}/documento",
    "/ajustes/cartel.{kind}", "/compartir/trabajo/{name}", "/informe/{name}.csv", "/clientes/exportar.csv", "/clientes/{client_id}/exportar",
}  # fmt: skip
#: Pages that last for a moment, or need what no day has, and the file that looks at them.
ELSEWHERE = {
    "/reservar/datos/{token}": "test_browser_accessibility.py",
    "/sign-in/{token}": "test_browser_accessibility.py",
    "/reserva/{token}/lugar": "test_day_fitness.py",
    "/calendarios/{provider_id}/conexion/{connection_id}": "test_browser_calendars.py",
    "/calendarios/{provider_id}/caldav": "test_browser_calendars.py",
    "/pacientes/{client_id}/corregir/{entry_id}": "test_browser_clinical.py",
    "/progreso/{client_id}/plan/{plan_id}": "test_browser_body_data.py",
    "/mi-plan/{plan_id}": "test_browser_body_data.py",
    "/foto/{token}": "test_browser_barber.py",
    "/trabajos/{item_id}/instagram": "test_browser_barber.py",
}
_FILE = re.compile(r"\.(pdf|csv|ics|png|svg|jpg|webp)$|/recibo/|/documento$|\?.*formato=")
_LINK = re.compile(r'href="(/[^"#]*)')
#: Addresses of one page that are followed; more of the same kind lead to no other page.
SAME = 4


@dataclass(frozen=True)
class Found:
    """A page: by which route, at which address, and who sees it."""

    route: str
    address: str
    who: str


@dataclass
class Walk:
    """`found` by route; `broken` are addresses that a page links to and that answer 4xx or 5xx."""

    found: dict[str, Found] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)
    broken: list[str] = field(default_factory=list)

    def missing(self, routes: Iterable[str]) -> list[str]:
        seen = self.found.keys() | self.files
        return [r for r in routes if r not in seen and r not in NO_PAGE and r not in ELSEWHERE]


def routes_of(environment: dict[str, str], *services: str) -> list[str]:
    """What a deployment answers to a browser's GET, outside the JSON API; of these services alone."""
    settings = load_settings(environment)
    if services:
        app = settings.app.model_copy(update={"services": list(services)})
        settings = settings.model_copy(update={"app": app})
    app = create_application(settings)
    return sorted({route for route in _paths(app) if not route.startswith("/api/")})


def _paths(app: FastAPI) -> Iterator[str]:
    todo = deque(app.routes)
    while todo:
        route = todo.popleft()
        inner = getattr(route, "original_router", None)
        if inner is not None:
            todo.extend(inner.routes)
        elif "GET" in (getattr(route, "methods", None) or ()):
            yield str(getattr(route, "path", ""))


class Routes:
    """Which route an address belongs to; the one with the fewest parameters wins."""

    def __init__(self, routes: Iterable[str]) -> None:
        ordered = sorted(routes, key=lambda route: route.count("{"))
        self._known = [(re.compile(_pattern(route)), route) for route in ordered]

    def of(self, address: str) -> str | None:
        path = address.partition("?")[0]
        return next((route for known, route in self._known if known.fullmatch(path)), None)


def _pattern(route: str) -> str:
    return re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(route))


def walk(
    url: str,
    routes: list[str],
    people: dict[str, BrowserContext],
    addresses: dict[str, list[str]],
) -> Walk:
    """Follows links as each of the `people`, first come first, from `addresses` of theirs and from
    each page that needs no key; visits nothing outside."""
    done = Walk()
    known = Routes(routes)
    for who, context in people.items():
        plain = [r for r in routes if "{" not in r and r not in NO_PAGE and r not in done.found]
        todo = deque([*addresses.get(who, []), "/", *plain])
        linked: set[str] = set()
        asked: dict[str, int] = {}
        while todo:
            address = todo.popleft()
            route = known.of(address)
            if route is None or route in NO_PAGE or asked.get(route, 0) >= SAME:
                if route is None and address in linked and not address.startswith("/api/"):
                    done.broken.append(f"{who}: {address}")
                continue
            asked[route] = asked.get(route, 0) + 1
            answer = context.request.get(url + address, max_redirects=0)
            kind = answer.headers.get("content-type", "")
            if answer.status >= 400 and address in linked and answer.status not in {401, 403, 405}:
                done.broken.append(f"{who}: {address} {answer.status}")
            if answer.status != 200:
                continue
            if not kind.startswith("text/html"):
                done.files.add(route)
                continue
            done.found.setdefault(route, Found(route, address, who))
            for link in _LINK.findall(answer.text()):
                plain_link = html.unescape(link)
                if plain_link not in linked and not _FILE.search(plain_link):
                    linked.add(plain_link)
                    todo.append(plain_link)
    return done


def exhaustive() -> bool:
    """Every page in every vertical on both screens; otherwise each page once, somewhere."""
    return bool(os.environ.get("BARBERPRO_EVERY_PAGE"))


def looks(found: Iterable[Found], vertical: str, common: Iterable[str]) -> list[tuple[Found, str]]:
    """Which pages are looked at here, and on which screen. What all have is shared out."""
    shared = set(common)
    chosen: list[tuple[Found, str]] = []
    for item in found:
        number = zlib.crc32(item.route.encode())
        if exhaustive():
            chosen += [(item, "phone"), (item, "desktop")]
        elif item.route not in shared or VERTICALS[number % len(VERTICALS)] == vertical:
            chosen.append((item, "phone" if number // 7 % 3 else "desktop"))
    return chosen
