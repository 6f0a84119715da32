"""Where the team goes: the places of its navigation, by what the reader may see.

On a wide screen all of them stand in a row; on a telephone the first few are a bar at the bottom, for
the thumb, and the rest is behind "more".
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from barberpro_app.identity.principal import Principal
from barberpro_app.web.site.texts import Translator

#: So many places fit beside "more" in the bar of a telephone.
AT_HAND = 4


@dataclass(frozen=True)
class Place:
    """A page: its address, its name (with a capital, a word of the vertical), its picture, and who
    has it. `rank` says which are at hand on a telephone: the lowest. `also` are the beginnings of
    other addresses that belong to it."""

    address: str
    name: str
    icon: str
    rank: int
    may: Callable[[Principal], bool]
    services: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    exact: bool = False


@dataclass(frozen=True)
class StaffLink:
    """One place in the reader's language. `current` is what `aria-current` says, or ""."""

    address: str
    name: str
    icon: str
    at_hand: bool
    current: str


def _scope(name: str) -> Callable[[Principal], bool]:
    return lambda principal: principal.has_scope(name)


def _leads(principal: Principal) -> bool:
    return principal.has_role("owner", "manager")


def _treats(principal: Principal) -> bool:
    return principal.provider_id is not None or _leads(principal)


def _own_settings(scope: str) -> Callable[[Principal], bool]:
    """What who may see the settings finds there."""
    return lambda principal: principal.has_scope(scope) and not principal.has_scope("settings:read")


#: A new place is a line here.
PLACES = (
    Place("/agenda/hoy", "today.title", "home", 1, _scope("bookings:read"), exact=True),
    Place("/agenda", "Agenda", "calendar", 2, lambda _: True),
    Place("/agenda/pedidos", "nav.requests", "inbox", 8, _scope("bookings:write")),
    Place("/agenda/llegada", "nav.arrivals", "door", 5, _scope("bookings:write"),
          also=("/agenda/fila", "/agenda/espera")),
    Place("/agenda/clases", "classes.of_day", "group", 3, lambda _: True, ("class-management-service",)),
    Place("/clientes", "clients.title", "people", 6, _scope("clients:read")),
    Place("/pacientes", "clinical.patients", "file", 4, _treats, ("encrypted-notes-service",)),
    Place("/progreso", "body.clients", "chart", 7, lambda who: who.provider_id is not None,
          ("progress-tracking-service", "nutrition-service", "biometric-integration-service")),
    Place("/trabajos", "photos.title", "picture", 7,
          lambda who: who.has_role("owner", "manager", "provider", "reception"), ("portfolio-service",)),
    Place("/matriculas", "licence.title", "file", 9,
          lambda who: who.provider_id is not None and not who.has_scope("settings:read"),
          ("provider-verification-service",)),
    Place("/calendarios", "calendar.title", "calendar", 9, _own_settings("bookings:read"), ("calendar-sync",)),
    Place("/informe", "report.title", "chart", 9, _leads),
    Place("/ajustes", "nav.settings", "gear", 10, _scope("settings:read"),
          also=("/calendarios", "/matriculas")),
)  # fmt: skip


def staff_links(
    services: Collection[str], principal: Principal, t: Translator, path: str
) -> list[StaffLink]:
    """The places of this reader; one of them at most is the present one."""
    seen = [
        place
        for place in PLACES
        if place.may(principal) and (not place.services or set(place.services) & set(services))
    ]
    here = _here(seen, path)
    ranked = sorted(seen, key=lambda place: place.rank)[:AT_HAND]
    return [
        StaffLink(
            place.address,
            _name(place, services, principal, t),
            place.icon,
            place in ranked,
            _current(place, path) if place is here else "",
        )
        for place in seen
    ]


def _here(seen: list[Place], path: str) -> Place | None:
    """The place with the longest address that leads to this page."""
    found = [
        (len(start), place)
        for place in seen
        for start in (place.address, *place.also)
        if path == start or (not place.exact and path.startswith(f"{start}/"))
    ]
    return max(found, key=lambda one: one[0])[1] if found else None


def _current(place: Place, path: str) -> str:
    return "page" if path == place.address else "true"


def _name(place: Place, services: Collection[str], principal: Principal, t: Translator) -> str:
    if (
        place.address == "/clientes"
        and "encrypted-notes-service" in services
        and _treats(principal)
    ):
        return t("clients.contacts")  # beside the patients
    return t(place.name) if "." in place.name else t.word(place.name)
