"""Staff over the API: who may change whom, the last owner, races, and what the trail says."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from support_accounts import OPERATOR, ORIGIN, Accounts, Caller, bearer

from barberpro_app.identity.auth import SESSION_COOKIE, require_role, require_scope
from barberpro_app.identity.errors import LastOwnerError
from barberpro_app.identity.first_staff import Person, load_first_staff
from barberpro_app.identity.principal import PUBLIC_SCOPES, ROLE_SCOPES, SCOPES
from barberpro_app.identity.repository import Subject
from barberpro_app.identity.service import session_principal
from barberpro_app.identity.staff import change_staff, remove_staff
from barberpro_app.kit.database import Database


@pytest.fixture
def accounts(tmp_path: Path, migrated_url: str) -> Accounts:
    return Accounts.make(tmp_path, migrated_url)


@pytest.fixture
def browser(accounts: Accounts) -> Iterator[Caller]:
    with accounts.browser() as caller:
        yield caller


def _as(accounts: Accounts, role: str) -> dict[str, str]:
    """Headers of a signed-in person with a fresh account in this role."""
    person = accounts.staff(role, f"{role}-{uuid4().hex[:8]}@example.com")
    return {"Cookie": f"{SESSION_COOKIE}={accounts.session(Subject(staff_id=person.id))}"}


def test_roles_map_to_scopes_that_exist() -> None:
    for role, scopes in ROLE_SCOPES.items():
        assert PUBLIC_SCOPES <= scopes <= SCOPES.keys(), role
    assert ROLE_SCOPES["owner"] == SCOPES.keys()
    assert "clients:read" not in ROLE_SCOPES["provider"]
    assert "settings:write" not in ROLE_SCOPES["reception"]
    for wrong in (lambda: require_scope("bookings:wrte"), lambda: require_role("ownr")):
        with pytest.raises(ValueError, match="unknown"):
            wrong()


def test_an_owner_adds_changes_and_removes_people(accounts: Accounts, browser: Caller) -> None:
    owner = _as(accounts, "owner")
    new = {"email": "Nora@Example.com", "name": "Nora", "role": "reception"}
    made = browser.post("/api/v1/staff", json=new, headers=owner)
    assert made.status_code == 201, made.text
    person = made.json()
    assert (person["email"], person["version"], person["active"]) == ("nora@example.com", 1, True)
    path = f"/api/v1/staff/{person['id']}"
    again = browser.post("/api/v1/staff", json=new, headers=owner)
    assert (again.status_code, again.json()["code"], again.json()["field"]) == (
        409, "staff_exists", "email",
    )  # fmt: skip
    changed = browser.request(
        "PATCH", path, json={"role": "manager", "version": 1}, headers=owner
    ).json()
    assert (changed["role"], changed["version"]) == ("manager", 2)
    stale = browser.request("PATCH", path, json={"name": "N", "version": 1}, headers=owner)
    assert (stale.status_code, stale.json()["code"]) == (409, "stale_version")
    provider = browser.request("PATCH", path, json={"provider_id": str(uuid4())}, headers=owner)
    assert (provider.status_code, provider.json()["field"]) == (422, "provider_id")
    assert browser.request("DELETE", path, headers=owner).status_code == 204
    assert browser.get(path, headers=owner).status_code == 404
    trail = accounts.rows(
        "SELECT action, changes FROM audit_event WHERE object_id = %s ORDER BY id", person["id"]
    )
    assert trail == [
        ("staff_user.created", {"role": "reception"}),
        ("staff_user.updated", {"role": {"from": "reception", "to": "manager"}}),
        ("staff_user.removed", {"role": "manager"}),
    ]
    assert "nora" not in str(accounts.rows("SELECT a::text FROM audit_event a")).lower()


def test_only_owners_touch_owners(accounts: Accounts, browser: Caller) -> None:
    owner = accounts.staff("owner")
    manager, reception = _as(accounts, "manager"), _as(accounts, "reception")
    path = f"/api/v1/staff/{owner.id}"
    own = browser.get("/api/v1/me", headers=manager).json()["id"]
    attempts = [
        ("PATCH", path, {"role": "reception"}),
        ("DELETE", path, None),
        ("PATCH", f"/api/v1/staff/{own}", {"role": "owner"}),
        ("POST", "/api/v1/staff", {"email": "x@example.com", "name": "X", "role": "owner"}),
    ]
    for method, target, body in attempts:
        answer = browser.request(method, target, json=body, headers=manager)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed"), method
        answer = browser.request(method, target, json=body, headers=reception)
        assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope"), method
    ordinary = {"email": "r@example.com", "name": "R", "role": "reception"}
    assert browser.post("/api/v1/staff", json=ordinary, headers=manager).status_code == 201


def test_the_last_owner_stays(accounts: Accounts, browser: Caller) -> None:
    first = accounts.staff("owner")
    cookie = accounts.session(Subject(staff_id=first.id))
    headers = {"Cookie": f"{SESSION_COOKIE}={cookie}"}
    path = f"/api/v1/staff/{first.id}"
    for method, body in (
        ("PATCH", {"role": "manager"}),
        ("PATCH", {"active": False}),
        ("DELETE", None),
    ):
        answer = browser.request(method, path, json=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (409, "last_owner"), body


def test_two_owners_cannot_remove_each_other_at_once(accounts: Accounts) -> None:
    owners = [accounts.staff("owner", f"o{n}@example.com") for n in range(2)]

    async def race(database: Database) -> list[str]:
        async def attempt(number: int) -> str:
            try:
                async with database.transaction() as connection:
                    await remove_staff(connection, OPERATOR, owners[number].id)
            except LastOwnerError as error:
                return error.code
            return "removed"

        return await asyncio.gather(attempt(0), attempt(1))

    assert sorted(accounts.using(race)) == ["last_owner", "removed"]


def test_a_change_of_role_ends_the_sessions_of_that_person(accounts: Accounts) -> None:
    accounts.staff("owner")
    person = accounts.staff("manager")
    cookie = accounts.session(Subject(staff_id=person.id))
    accounts.run(lambda c: change_staff(c, OPERATOR, person.id, {"name": "Otra"}))
    assert accounts.run(lambda c: session_principal(c, cookie)).name == "Otra"
    accounts.run(lambda c: change_staff(c, OPERATOR, person.id, {"role": "reception"}))
    assert accounts.run(lambda c: session_principal(c, cookie)).is_anonymous


def test_bodies_are_strict(accounts: Accounts, browser: Caller) -> None:
    owner = _as(accounts, "owner")
    good = {"email": "x@example.com", "name": "X", "role": "reception"}
    for change in (
        {"role": "root"}, {"email": "no"}, {"name": ""}, {"name": "a\u202eb"}, {"extra": 1},
        {"provider_id": "1"}, {"name": "x" * 121},
    ):  # fmt: skip
        answer = browser.post("/api/v1/staff", json={**good, **change}, headers=owner)
        assert answer.status_code == 422, change
        assert answer.json()["errors"][0]["field"] == next(iter(change))
    path = f"/api/v1/staff/{browser.get('/api/v1/me', headers=owner).json()['id']}"
    for body in ({}, {"version": 1}, {"name": None}):
        assert browser.request("PATCH", path, json=body, headers=owner).status_code == 422


def test_a_cookie_cannot_be_used_from_another_site(accounts: Accounts, browser: Caller) -> None:
    owner = _as(accounts, "owner")
    body = {"email": "x@example.com", "name": "X", "role": "reception"}
    for foreign in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
                    {"Origin": "https://evil.example"}, {"Origin": "null"}):  # fmt: skip
        answer = browser.post("/api/v1/staff", json=body, headers={**owner, **foreign})
        assert (answer.status_code, answer.json()["code"]) == (403, "cross_site_request"), foreign
    home = browser.post("/api/v1/staff", json=body, headers={**owner, "Origin": ORIGIN})
    assert home.status_code == 201


def test_first_accounts_are_made_once(accounts: Accounts) -> None:
    people = [
        Person("Olga", "Olga@example.com", "owner"),
        Person("M", "m@example.com", "provider", "m"),
    ]
    assert accounts.run(lambda c: load_first_staff(c, people)) == 2
    accounts.rows("DELETE FROM staff_user WHERE role = 'provider'")
    assert accounts.run(lambda c: load_first_staff(c, people)) == 0
    assert accounts.rows("SELECT email, role FROM staff_user") == [("olga@example.com", "owner")]


def test_the_listing_needs_its_scope(accounts: Accounts, browser: Caller) -> None:
    accounts.staff("owner")
    headers = bearer(accounts.token(browser, "settings:read"))
    listed = browser.get("/api/v1/staff", headers=headers)
    assert [item["role"] for item in listed.json()["items"]] == ["owner"]
    assert listed.headers["cache-control"] == "no-store"
    write = browser.post("/api/v1/staff", json={}, headers=headers)
    assert write.status_code == 403
