"""Names that follow from a deployment's name stay valid and apart."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support_planning import BARBERSHOP, plan_of, request_of

from barberpro.errors import ExitCode, InvalidInputError
from barberpro.planning.inventory import Inventory, Known
from barberpro.planning.names import (
    check_collision,
    database_names,
    deployment_id,
    id_problem,
    local_hostname,
)

LABELS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True)


@settings(deadline=None)
@given(st.text(max_size=60))
def test_an_id_is_empty_or_has_the_signs_of_a_label(name: str) -> None:
    identifier = deployment_id(name)
    assert identifier == identifier.strip("-")
    assert set(identifier) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert deployment_id(identifier) == identifier


@settings(deadline=None)
@given(LABELS, LABELS)
def test_different_ids_never_share_a_postgresql_name(one: str, other: str) -> None:
    first, second = database_names(one), database_names(other)
    for names in (first, second):
        for name in (names.database, names.owner_role, names.app_role):
            assert len(name.encode()) <= 63
            assert name.isascii()
            assert name.replace("_", "").isalnum()
    mine = {first.database, first.owner_role, first.app_role}
    theirs = {second.database, second.owner_role, second.app_role}
    assert (mine == theirs) if one == other else not {first.database} & {second.database}
    if one != other:
        assert not {first.owner_role, first.app_role} & {second.owner_role, second.app_role}


def test_long_ids_with_one_beginning_stay_apart() -> None:
    one, other = "a" * 62 + "b", "a" * 62 + "c"
    assert database_names(one).database != database_names(other).database
    cut = database_names(one).database
    assert database_names(cut.removeprefix("bp_").replace("_", "-")).database != cut


def test_the_local_name() -> None:
    assert local_hostname("barbershop-palermo") == "barbershop-palermo.localhost"


def known(name: str, vertical: str) -> Inventory:
    return Inventory({"barbershop-palermo": Known(name, vertical)})


def test_the_same_name_and_vertical_is_an_update() -> None:
    plan = plan_of(BARBERSHOP, known("BarberShop Palermo", "barbershop"))
    assert plan.deployment_id == "barbershop-palermo"


@pytest.mark.parametrize(
    ("name", "vertical"),
    [("Barbershop-Palermo", "barbershop"), ("BarberShop Palermo", "fitness")],
)
def test_an_id_of_another_deployment_is_refused_by_name(name: str, vertical: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        plan_of(BARBERSHOP, known(name, vertical))
    text = str(caught.value)
    assert caught.value.exit_code is ExitCode.USAGE
    assert name in text
    assert vertical in text
    assert "--id" in text
    assert "barbershop-palermo-barbershop" in text


def test_the_suggested_id_is_free() -> None:
    taken = {
        "barbershop-palermo": Known("Other", "barbershop"),
        "barbershop-palermo-barbershop": Known("Another", "barbershop"),
        "barbershop-palermo-2": Known("A third", "barbershop"),
    }
    with pytest.raises(InvalidInputError, match="barbershop-palermo-3"):
        check_collision(request_of(), Inventory(taken))


def test_an_explicit_id_renames_but_never_changes_the_vertical() -> None:
    request = request_of(id="barbershop-palermo", name="Nuevo Nombre")
    check_collision(request, known("BarberShop Palermo", "barbershop"))
    with pytest.raises(InvalidInputError):
        check_collision(request, known("BarberShop Palermo", "dental"))


@settings(deadline=None)
@given(st.text(max_size=80))
def test_every_id_is_judged(identifier: str) -> None:
    problem = id_problem(identifier)
    assert isinstance(problem, str)
    if not problem:
        assert 1 <= len(identifier) <= 63
        assert identifier.isascii()
