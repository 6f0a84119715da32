"""The navigation of the team, and the words of the audit trail."""

from __future__ import annotations

import re
from pathlib import Path
from uuid import UUID, uuid4

import pytest

import barberpro_app
from barberpro_app.identity.principal import ROLE_SCOPES, Principal
from barberpro_app.web.site.staff_nav import AT_HAND, PLACES, StaffLink, staff_links
from barberpro_app.web.site.texts import LOCALES, Translator, catalogue

EVERY_SERVICE = tuple({name for place in PLACES for name in place.services})
T = Translator("es-AR", {})


def _links(role: str, path: str, *services: str, provider: UUID | None = None) -> list[StaffLink]:
    who = Principal("staff", "1", "X", frozenset({role}), ROLE_SCOPES[role], provider)
    return staff_links(services, who, T, path)


@pytest.mark.parametrize("role", ROLE_SCOPES)
@pytest.mark.parametrize("services", [(), EVERY_SERVICE])
def test_few_places_are_at_hand_and_each_is_there_once(
    role: str, services: tuple[str, ...]
) -> None:
    links = _links(role, "/agenda/hoy", *services, provider=uuid4())
    assert len({link.address for link in links}) == len({link.name for link in links}) == len(links)
    assert 2 <= sum(link.at_hand for link in links) <= AT_HAND
    assert {"/agenda/hoy", "/agenda"} <= {link.address for link in links if link.at_hand}
    assert ("/ajustes" in {link.address for link in links}) == (role in {"owner", "manager"})


@pytest.mark.parametrize(("path", "address", "current"), [
    ("/agenda", "/agenda", "page"), ("/agenda/hoy", "/agenda/hoy", "page"),
    ("/agenda/reserva/1", "/agenda", "true"), ("/agenda/pedidos", "/agenda/pedidos", "page"),
    ("/agenda/fila", "/agenda/llegada", "true"), ("/ajustes/marca", "/ajustes", "true"),
    ("/calendarios", "/ajustes", "true"), ("/clientes/1/editar", "/clientes", "true"),
])  # fmt: skip
def test_one_place_is_the_present_one(path: str, address: str, current: str) -> None:
    links = _links("owner", path, *EVERY_SERVICE)
    assert [(link.address, link.current) for link in links if link.current] == [(address, current)]


def test_every_action_that_is_recorded_has_words() -> None:
    folder = Path(barberpro_app.__file__).parent
    calls = [
        call
        for kind, pattern in (("*.py", r"\brecord\(\s*(.*?)\)\n"), ("*.sql", r"audit_record\((.*?)\);"))
        for path in sorted(folder.rglob(kind))
        for call in re.findall(pattern, path.read_text(encoding="utf-8"), re.DOTALL)
    ]  # fmt: skip
    actions = {name for call in calls for name in re.findall(r"[\"']([a-z_]+\.[a-z_]+)[\"']", call)}
    assert len(actions) > 150
    missing = {f"act.{name}" for name in actions} - set(catalogue("es-AR"))
    assert not missing, missing
    spoken = [{key for key in catalogue(one) if key.startswith("act.")} for one in LOCALES]
    assert spoken[0] == spoken[1]
