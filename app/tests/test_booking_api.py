"""The JSON API of bookings over HTTP: tokens, sessions, retries, hostile input."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from support_accounts import Accounts, Caller
from support_shop import Shop

from barberpro_app.identity.principal import SCOPES
from barberpro_app.identity.repository import Subject

API = "/api/v1"


@dataclass
class Desk:
    """A program with all scopes, talking to the shop."""

    shop: Shop
    caller: Caller
    accounts: Accounts
    token: str

    def ask(self, method: str, path: str, token: str | None = None, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {token or self.token}", **more.pop("headers", {})}
        return self.caller.request(method, API + path, headers=headers, **more)

    def wish(self, clock: str = "10:00", **more: object) -> dict[str, object]:
        return {
            "service_id": str(self.shop.services["cut"]),
            "location_id": str(self.shop.location),
            "starts_at": self.shop.at(clock).isoformat(),
            "client": {"name": "Ana", "email": "ana@api.example"},
            **more,
        }


@pytest.fixture
def desk(shop: Shop, tmp_path: Path) -> Iterator[Desk]:
    accounts = Accounts.make(tmp_path, shop.url)
    with accounts.browser() as caller:
        yield Desk(shop, caller, accounts, accounts.token(caller, *SCOPES))


def test_a_booking_from_free_times_to_its_end(desk: Desk) -> None:
    shop = desk.shop
    where = {"service_id": str(shop.services["cut"]), "location_id": str(shop.location)}
    found = desk.caller.get(
        f"{API}/availability", params={**where, "first": shop.day.isoformat(), "days": 1}
    )
    assert found.status_code == 200
    first = found.json()["days"][0]["slots"][0]
    held = desk.ask("POST", "/holds", json={**where, "starts_at": first["starts_at"]})
    assert (held.status_code, held.json()["status"]) == (201, "held")
    key = held.json()["id"]
    assert desk.ask("POST", f"/holds/{key}/extend").status_code == 200
    done = desk.ask("POST", f"/holds/{key}/confirm", json={"client": {"name": "Ana"}})
    assert done.json()["status"] == "confirmed"
    moved = desk.ask(
        "POST", f"/bookings/{key}/reschedule", json={"starts_at": shop.at("15:00").isoformat()}
    )
    assert moved.status_code == 200
    agenda = desk.ask("GET", f"/agenda?day={shop.day}").json()
    assert [item["id"] for item in agenda["items"]] == [key]
    assert desk.ask("POST", f"/bookings/{key}/cancel", json={}).json()["status"] == "cancelled"
    back = desk.ask("POST", f"/bookings/{key}/status", json={"status": "confirmed"})
    assert back.json()["status"] == "confirmed"
    assert desk.ask("GET", f"/bookings/{key}").json() == back.json()


def test_a_taken_time_is_a_conflict_in_problem_details(desk: Desk) -> None:
    wish = desk.wish(provider_id=str(desk.shop.providers[0]))
    assert desk.ask("POST", "/bookings", json=wish).status_code == 201
    refused = desk.ask("POST", "/bookings", json=wish)
    assert refused.status_code == 409
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["code"] == "slot_taken"
    assert refused.json()["request_id"] == refused.headers["x-request-id"]


def test_a_retry_under_its_key_books_once(desk: Desk) -> None:
    headers = {"Idempotency-Key": "retry-1"}
    first = desk.ask("POST", "/bookings", json=desk.wish(), headers=headers)
    again = desk.ask("POST", "/bookings", json=desk.wish(), headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    other = desk.ask("POST", "/bookings", json=desk.wish(note="x"), headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    hold = {name: value for name, value in desk.wish().items() if name != "client"}
    assert desk.ask("POST", "/holds", json=hold, headers=headers).status_code == 422
    assert desk.shop.rows("SELECT count(*) FROM booking") == [(1,)]


def test_pages_of_a_list_follow_one_another(desk: Desk) -> None:
    for clock in ("09:00", "10:00", "11:00", "12:00", "14:00"):
        assert desk.ask("POST", "/bookings", json=desk.wish(clock)).status_code == 201
    seen, after = [], None
    for _ in range(3):
        page = desk.ask(
            "GET", "/bookings", params={"limit": 2, **({"after": after} if after else {})}
        ).json()
        seen += [item["starts_at"] for item in page["items"]]
        after = page["next"]
    assert after is None
    assert len(seen) == 5
    assert seen == sorted(seen)


SCOPED = [
    ("POST", "/bookings", "bookings:read"),
    ("GET", "/bookings", "bookings:write"),
    ("GET", "/clients", "bookings:read"),
    ("POST", "/services", "catalog:read"),
    ("PATCH", "/settings/policies", "settings:read"),
    ("GET", "/agenda?day=2027-01-01", "availability:read"),
]


def test_a_token_without_the_scope_is_refused(desk: Desk) -> None:
    for number, (method, path, scope) in enumerate(SCOPED):
        weak = desk.accounts.token(desk.caller, scope, name=f"weak-{number}")
        assert desk.ask(method, path, token=weak, json={}).status_code == 403, path
        assert desk.caller.request(method, API + path, json={}).status_code == 401
        assert desk.ask(method, path, token="forged", json={}).status_code == 401


def test_a_signed_in_client_has_the_own_bookings_only(desk: Desk) -> None:
    made = desk.ask("POST", "/bookings", json=desk.wish()).json()
    other = desk.wish("12:00", client={"name": "Beto", "email": "beto@api.example"})
    his = desk.ask("POST", "/bookings", json=other).json()
    cookie = desk.accounts.session(Subject(client_id=UUID(made["client"]["id"])))
    headers = {"Cookie": f"__Host-session={cookie}"}

    def ask(method: str, path: str, **more: Any) -> Any:
        return desk.caller.request(
            method, API + path, headers={**headers, "Origin": desk.accounts.settings.app.public_url},
            **more,
        )  # fmt: skip

    assert [item["id"] for item in ask("GET", "/bookings").json()["items"]] == [made["id"]]
    assert ask("GET", f"/bookings/{his['id']}").status_code == 404
    assert ask("POST", f"/bookings/{his['id']}/cancel", json={}).status_code == 404
    assert ask("GET", f"/clients/{his['client']['id']}").status_code == 404
    assert ask("GET", "/clients").status_code == 403
    assert ask("GET", f"/agenda?day={desk.shop.day}").status_code == 403
    status = ask("POST", f"/bookings/{made['id']}/status", json={"status": "completed"})
    assert status.status_code == 403
    assert ask("POST", f"/bookings/{made['id']}/cancel", json={}).status_code == 200


HOSTILE: list[tuple[str, object]] = [
    ("starts_at", "0001-01-01T00:00:00Z"),
    ("starts_at", "9999-12-31T23:59:59Z"),
    ("starts_at", "2027-01-01T10:00:00"),
    ("starts_at", 1_800_000_000),
    ("starts_at", "2027-13-45T99:99:99Z"),
    ("starts_at", "2027-01-01T10:00:00+99:00"),
    ("service_id", "1; DROP TABLE booking"),
    ("service_id", None),
    ("note", "x" * 501),
    ("note", "a\u0000b"),
    ("note", "\u202etxt.exe"),
    ("note", {"$gt": ""}),
    ("client", {"name": ""}),
    ("client", {"name": "a\nb"}),
    ("client", {"name": "Ana", "email": "not an address"}),
    ("client", {"name": "Ana", "email": "a@b.example\r\nBcc: x@y.example"}),
    ("client", {"name": "Ana", "phone": "<script>"}),
    ("client", {"name": "Ana", "is_admin": True}),
    ("price_centavos", -1),
    ("provider_id", []),
]


def test_hostile_input_is_named_and_refused(desk: Desk) -> None:
    for field, value in HOSTILE:
        refused = desk.ask("POST", "/bookings", json=desk.wish(**{field: value}))
        assert refused.status_code == 422, (field, value)
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.json()["field"].startswith(field), (field, value)
    assert desk.shop.rows("SELECT count(*) FROM booking") == [(0,)]


def test_bodies_and_queries_that_are_no_such_thing(desk: Desk) -> None:
    sent: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/bookings", {"content": b"{"}),
        ("POST", "/bookings", {"content": b"\xff\xfe"}),
        ("POST", "/bookings", {"content": b"[" * 100_000}),
        ("POST", "/bookings", {"json": []}),
        ("POST", "/bookings", {"content": b'{"note": "\\ud800"}'}),
        ("GET", "/bookings?limit=1000000000000000000000", {}),
        ("GET", "/bookings?limit=-1", {}),
        ("GET", "/bookings?after=%00", {}),
        ("GET", "/bookings?after=0001-01-01T00:00:00+00:00_x", {}),
        ("GET", "/bookings?status=open", {}),
        ("GET", "/bookings?colour=red", {}),
        ("GET", "/clients?q=%00", {}),
        ("GET", "/agenda?day=10000-01-01", {}),
        ("GET", "/agenda?day=-1", {}),
        ("GET", "/holidays/99999999999999999999", {}),
        ("GET", "/availability?days=63", {}),
        ("GET", f"/bookings/{'9' * 400}", {}),
    ]
    for method, path, more in sent:
        headers = {"Content-Type": "application/json"}
        refused = desk.ask(method, path, headers=headers, **more)
        assert refused.status_code in {400, 422}, (path, more, refused.text)
        assert refused.headers["content-type"] == "application/problem+json"
    key = {"Idempotency-Key": "k" * 256}
    assert desk.ask("POST", "/bookings", json=desk.wish(), headers=key).status_code == 422
    assert desk.ask("GET", f"/bookings/{uuid4()}").status_code == 404


def test_services_hours_time_off_clients_and_policies_over_http(desk: Desk) -> None:
    provider = str(desk.shop.providers[0])
    draft = {"key": "shave", "name": {"en": "Shave"}, "minutes": 20, "price_centavos": 700_000,
             "providers": [provider]}  # fmt: skip
    headers = {"Idempotency-Key": "shave"}
    made = desk.ask("POST", "/services", json=draft, headers=headers)
    assert made.status_code == 201
    assert desk.ask("POST", "/services", json=draft, headers=headers).json() == made.json()
    assert desk.ask("POST", "/services", json=draft).json()["code"] == "duplicate"
    path = f"/services/{made.json()['id']}"
    changed = desk.ask("PATCH", path, json={"version": 1, "price_centavos": 800_000})
    assert (changed.status_code, changed.json()["price_centavos"]) == (200, 800_000)
    stale = desk.ask("PATCH", path, json={"version": 1, "price_centavos": 1})
    assert (stale.status_code, stale.json()["code"]) == (409, "stale_version")

    week = desk.ask("GET", f"/providers/{provider}/hours").json()
    assert desk.ask("PUT", f"/providers/{provider}/hours", json=week).status_code == 200
    overlap = {**week, "version": week["version"] + 1, "hours": week["hours"] + week["hours"][:1]}
    refused = desk.ask("PUT", f"/providers/{provider}/hours", json=overlap)
    assert (refused.status_code, refused.json()["code"]) == (422, "hours_overlap")
    assert desk.ask("GET", f"/providers/{provider}/hours").json()["hours"] == week["hours"]

    desk.ask("POST", "/bookings", json=desk.wish(provider_id=provider))
    day = desk.shop.day
    away = {"starts_at": f"{day}T00:00:00-03:00", "ends_at": f"{day}T23:00:00-03:00"}
    added = desk.ask("POST", f"/providers/{provider}/time-off", json=away).json()
    assert added["bookings_within"] == 1
    listed = desk.ask("GET", f"/providers/{provider}/time-off").json()["items"]
    assert listed == [added["time_off"]]
    gone = f"/providers/{provider}/time-off/{added['time_off']['id']}"
    assert [desk.ask("DELETE", gone).status_code for _ in range(2)] == [204, 404]

    client = desk.ask("POST", "/clients", json={"name": "Ana", "email": "ANA@api.example"}).json()
    assert client["email"] == "ana@api.example"
    assert desk.ask("GET", "/clients?q=an").json()["items"] == [client]
    assert desk.ask("GET", "/clients?q=%25").json()["items"] == []

    policies = desk.ask("GET", "/settings/policies").json()
    wanted = {"version": policies["version"], "hold_minutes": 5}
    assert desk.ask("PATCH", "/settings/policies", json=wanted).json()["version"] == 1
    assert desk.ask("PATCH", "/settings/policies", json=wanted).status_code == 409


def test_what_is_public_needs_no_token(desk: Desk) -> None:
    for path in ("/services", "/providers", "/locations", "/holidays/2027"):
        answer = desk.caller.get(API + path)
        assert answer.status_code == 200
        assert answer.json()["items"]
    assert "email" not in desk.caller.get(f"{API}/providers").text
