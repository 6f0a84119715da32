"""One business with every service of the release, to be asked everything that its API document lists.

Who asks is drawn: the owner who also works, a client, a program with all scopes, nobody. Keys in paths and
bodies are those of things that are there as often as not, by the name of the parameter; without that most
answers would be "not found".
"""

from __future__ import annotations

import base64
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from hypothesis import strategies as st
from support_accounts import ORIGIN, Accounts, Caller
from support_invariants import violations
from support_openapi import formats, read, try_operation
from support_shop import Shop

from barberpro_app.health import endpoints as health
from barberpro_app.health.services import CONTAINED
from barberpro_app.identity.auth import SESSION_COOKIE
from barberpro_app.identity.principal import SCOPES
from barberpro_app.identity.repository import Subject
from barberpro_app.openapi import released

Operation = tuple[str, str]
METHODS = ("post", "put", "patch", "get", "delete")
#: What another client library would take.
NOT_FOR_HTTPX = {"cookies", "stream", "verify", "allow_redirects", "timeout"}
#: Parameters whose table is called otherwise.
CALLED = {
    "class": "class_rule", "staff": "staff_user", "note": "encrypted_note", "food": "own_food",
    "request": "data_request", "key": "recording_key", "alert": "patient_alert",
    "order": "lab_order", "media": "media_file",
}  # fmt: skip


def operations(document: dict[str, Any]) -> list[Operation]:
    """Path and method of each; what makes things before what changes them, and what removes them last."""
    found = [(path, method) for path, methods in document["paths"].items() for method in methods]
    return sorted(found, key=lambda o: (METHODS.index(o[1]), o[0].count("{"), o[0]))


def of_tags(document: dict[str, Any], tags: set[str]) -> list[Operation]:
    return [
        (path, method)
        for path, method in operations(document)
        if tags.intersection(document["paths"][path][method]["tags"])
    ]


def parts(document: dict[str, Any], count: int) -> list[set[str]]:
    """The document's tags in so many groups with about as many operations each."""
    sizes: Counter[str] = Counter()
    for methods in document["paths"].values():
        for operation in methods.values():
            (tag,) = operation["tags"]
            sizes[tag] += 1
    groups: list[set[str]] = [set() for _ in range(count)]
    for tag, _ in sizes.most_common():
        min(groups, key=lambda group: sum(sizes[t] for t in group)).add(tag)
    return groups


@dataclass(frozen=True)
class Sender:
    """Who asks, and which of the things that are there the request is about, if any."""

    who: str
    picks: tuple[int, ...]


SENDERS = st.builds(
    Sender,
    st.sampled_from(["owner", "owner", "owner", "program", "client", "nobody"]),
    st.sampled_from(range(4)).flatmap(
        lambda none: (
            st.lists(st.integers(0, 30), min_size=4, max_size=4).map(tuple) if none else st.just(())
        )
    ),
)


@dataclass
class World:
    """The business while it is asked; `answers` counts what each operation was answered."""

    shop: Shop
    accounts: Accounts
    caller: Caller
    headers: dict[str, dict[str, str]]
    schema: dict[Operation, Any] = field(default_factory=lambda: read(released()))
    answers: dict[Operation, Counter[int]] = field(default_factory=dict)
    tables: list[str] = field(default_factory=list)
    keys: dict[str, list[str]] = field(default_factory=dict)

    def look(self) -> None:
        """Reads anew which things there are."""
        if not self.tables:
            self.tables = [str(name) for (name,) in self.shop.rows(
                "SELECT table_name::text FROM information_schema.columns WHERE column_name = 'id'"
                " AND data_type = 'uuid' AND table_schema = 'public'"
            )]  # fmt: skip
        each = (f"(SELECT '{name}', id::text FROM {name} LIMIT 30)" for name in self.tables)
        self.keys = {}
        for name, key in self.shop.rows(" UNION ALL ".join(each) + " ORDER BY 1, 2"):
            self.keys.setdefault(str(name), []).append(str(key))

    def keys_for(self, parameter: str) -> list[str]:
        """Keys of what `parameter` names, such as `booking_id` or `rule_id`."""
        name = parameter.removesuffix("_id")
        name = CALLED.get(name, name)
        exact = self.keys.get(name, [])
        near = [k for table, keys in self.keys.items() if table.endswith(f"_{name}") for k in keys]
        return [*exact, *near]

    def real(self, value: Any, picks: tuple[int, ...], name: str = "") -> Any:
        """The value with keys of what there is in place of drawn ones."""
        if isinstance(value, dict):
            return {key: self.real(part, picks, str(key)) for key, part in value.items()}
        if isinstance(value, list):
            return [self.real(part, picks, name.removesuffix("s")) for part in value]
        if name.endswith("_id") and isinstance(value, str):
            known = self.keys_for(name)
            if known:
                return known[picks[len(name) % len(picks)] % len(known)]
        return value

    def send(self, case: Any, sender: Sender) -> httpx.Response:
        if sender.picks:
            case.path_parameters = self.real(case.path_parameters, sender.picks)
            if isinstance(case.query, dict):
                case.query = self.real(case.query, sender.picks)
            if isinstance(case.body, dict | list):
                case.body = self.real(case.body, sender.picks)
        options = case.as_transport_kwargs(base_url=ORIGIN)
        options = {name: value for name, value in options.items() if name not in NOT_FOR_HTTPX}
        data = options.pop("data", None)
        if isinstance(data, dict):
            options["data"] = data
        elif data is not None:
            options["content"] = data if isinstance(data, bytes | str) else str(data)
        drawn = {
            name: value
            for name, value in (options.pop("headers", None) or {}).items()
            if name.lower() not in {"cookie", "authorization"}
        }
        headers = {**drawn, **self.headers[sender.who]}
        answer = self.caller.request(
            options.pop("method"), options.pop("url"), headers=headers, **options
        )
        key = (case.operation.path, case.operation.method.lower())
        self.answers.setdefault(key, Counter())[answer.status_code] += 1
        return answer

    def ask(self, operation: Operation, examples: int) -> None:
        """One operation so often. Raises what schemathesis found wrong."""
        self.look()
        hours = [
            self.shop.at(f"{h:02d}:{m:02d}").isoformat() for h in range(9, 18) for m in (0, 30)
        ]
        given = {
            "uuid": st.sampled_from([key for keys in self.keys.values() for key in keys])
            | st.uuids().map(str),
            "date-time": st.sampled_from(hours) | st.datetimes().map(lambda t: f"{t.isoformat()}Z"),
            "date": st.just(self.shop.day.isoformat()) | st.dates().map(str),
        }
        with formats(given):
            try_operation(self.schema[operation], self.send, examples=examples, who=SENDERS)


@contextmanager
def whole_world(shop: Shop, folder: Path) -> Iterator[World]:
    """Every service, with a client who agreed to everything and a booking of today."""
    accounts = Accounts.make(
        folder, shop.url, services=list(CONTAINED), compliance={"health_data": True}
    )
    key = base64.b64encode(os.urandom(32)).decode()
    (folder / "secrets" / "notes-key").write_text(key)
    (folder / "media").mkdir()
    accounts.settings = accounts.settings.model_copy(update={"media_dir": folder / "media"})
    member, patient = _people(accounts, shop)
    patience, health.READY_SECONDS = health.READY_SECONDS, 60.0
    try:
        with accounts.browser() as caller:
            owner = accounts.session(Subject(staff_id=member))
            client = accounts.session(Subject(client_id=patient))
            headers = {
                "owner": {"Cookie": f"{SESSION_COOKIE}={owner}", "Origin": ORIGIN},
                "client": {"Cookie": f"{SESSION_COOKIE}={client}", "Origin": ORIGIN},
                "program": {"Authorization": f"Bearer {accounts.token(caller, *SCOPES)}"},
                "nobody": {},
            }
            yield World(shop, accounts, caller, headers)
    finally:
        health.READY_SECONDS = patience


def _people(accounts: Accounts, shop: Shop) -> tuple[UUID, UUID]:
    """An owner who works, and a client of theirs who is here now."""
    member, patient = accounts.rows(
        "WITH c AS (INSERT INTO client (name, email) VALUES ('Ana', 'ana@api.example') RETURNING id),"
        " u AS (INSERT INTO staff_user (email, name, role, provider_id)"
        "  VALUES ('own@x.example', 'Lic.', 'owner', %s) RETURNING id, provider_id)"
        " INSERT INTO booking (code, status, client_id, provider_id, service_id, location_id,"
        "  starts_at, ends_at, zone, price_centavos)"
        " SELECT new_booking_code(), 'arrived', c.id, u.provider_id, s.id, l.id,"
        "  now(), now() + interval '40 min', l.zone, 0 FROM c, u, location l, service s LIMIT 1"
        " RETURNING (SELECT id FROM u), client_id",
        shop.providers[0],
    )[0]
    accounts.rows(
        "INSERT INTO occupancy (booking_id, resource_id, period)"
        " SELECT id, provider_id, tstzrange(starts_at, ends_at) FROM booking"
    )
    accounts.rows(
        "INSERT INTO consent (client_id, purpose, text_version, locale, text_sha256, text, how,"
        " given_by) SELECT %s, p, '1', 'es-AR', sha256('x'), 'x', 'own_session', 'client:x' FROM"
        " unnest(ARRAY['activity_data', 'progress_data', 'nutrition_data', 'share_progress']) AS p",
        patient,
    )
    accounts.rows(
        "INSERT INTO nutritionist (provider_id, licence_number, jurisdiction, entered_by)"
        " VALUES (%s, '1', 'AR', 'x')",
        shop.providers[0],
    )
    accounts.rows("UPDATE service SET capacity = 5 WHERE id = %s", shop.services["solo"])
    return member, patient


def furnish(world: World) -> None:
    """Some of what a business has, made as its owner does: there is something to see on the pages."""
    shop = world.shop
    place, (first, *_) = str(shop.location), map(str, shop.providers)
    cut, solo = str(shop.services["cut"]), str(shop.services["solo"])
    day = shop.day.isoformat()
    ((ana,),) = shop.rows("SELECT id::text FROM client LIMIT 1")
    contact = {"name": "Eva", "email": "eva@api.example"}
    wish = {"service_id": cut, "location_id": place, "provider_id": first, "client": contact}
    made: dict[str, Any] = {}
    for path, body in (
        ("/bookings", {**wish, "starts_at": shop.at("10:00").isoformat(), "client_id": ana, "client": None}),
        ("/bookings", {**wish, "starts_at": shop.at("11:00").isoformat()}),
        ("/sessions", {"service_id": solo, "provider_id": first, "location_id": place,
                       "starts_at": shop.at("16:00").isoformat()}),
        ("/price-rules", {"kind": "percent", "percent": 110}),
        ("/deposit-rules", {"kind": "fixed", "amount_centavos": 5, "applies": "no_shows", "no_shows": 1}),
        ("/approval-rules", {"service_id": solo}),
        ("/plans", {"name": "Tres", "credits": 3, "days": 30, "price_centavos": 5000}),
        ("/resources", {"location_id": place, "kind": "sillón", "name": "1"}),
        ("/loyalty/rules", {"name": "Diez", "stamps": 10, "percent": 50}),
        ("/waiting-list", {"service_id": cut, "location_id": place, "first_day": day, "last_day": day,
                           "client_id": ana}),
        ("/walk-ins", {"service_id": cut, "location_id": place, "name": "Pasó"}),
        ("/classes", {"service_id": solo, "provider_id": first, "location_id": place, "starts": "18:00",
                      "weekday": shop.day.isoweekday(), "valid_from": day}),
    ):  # fmt: skip
        given = {name: value for name, value in body.items() if value is not None}
        answer = world.caller.post(f"/api/v1{path}", json=given, headers=world.headers["owner"])
        assert answer.status_code == 201, answer.text
        made.setdefault(path, answer.json())
    series = f"/api/v1/bookings/{made['/bookings']['id']}/series"
    world.caller.post(series, json={"count": 3}, headers=world.headers["owner"])
    sale = {"plan_id": made["/plans"]["id"], "client_id": ana, "method": "cash"}
    world.caller.post("/api/v1/passes", json=sale, headers=world.headers["owner"])


def counted(shop: Shop) -> list[str]:
    """What is stored by halves, of things that are never stored alone."""
    return violations(shop.rows, after_worker=False)
