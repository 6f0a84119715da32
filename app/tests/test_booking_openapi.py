"""The API as its OpenAPI document says: no server error, no answer outside the schema."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from support_accounts import Accounts, Caller
from support_app import CONFIGURATION
from support_openapi import formats, try_operations
from support_shop import Shop

from barberpro_app.identity.principal import SCOPES

TAGS = {"availability", "bookings", "sessions", "services", "providers", "locations", "clients",
        "settings", "resources", "attendance", "visits", "series", "approval",
        "classes"}  # fmt: skip
EXAMPLES = 15
#: What another client library would take.
NOT_FOR_HTTPX = {"cookies", "stream", "verify", "allow_redirects", "timeout"}


def send(caller: Caller, case: Any, token: str) -> Any:
    """The case, as a program with a token would send it."""
    options = case.as_transport_kwargs(base_url="https://barbershop-test.localhost:8443")
    options = {name: value for name, value in options.items() if name not in NOT_FOR_HTTPX}
    data = options.pop("data", None)
    if data is not None:
        options["content"] = data if isinstance(data, (bytes, str)) else str(data)
    headers = {**(options.pop("headers", None) or {}), "Authorization": f"Bearer {token}"}
    return caller.request(options.pop("method"), options.pop("url"), headers=headers, **options)


def furnish(shop: Shop, caller: Caller, token: str) -> list[str]:
    """Bookings to change; gives the keys of what there is."""
    keys = [str(shop.location), *map(str, shop.providers), *map(str, shop.services.values())]
    for hour in (9, 10, 11):
        wish = {
            "service_id": str(shop.services["cut"]),
            "location_id": str(shop.location),
            "starts_at": shop.at(f"{hour:02d}:00").isoformat(),
            "client": {"name": "Ana", "email": f"ana{hour}@api.example"},
        }
        headers = {"Authorization": f"Bearer {token}"}
        made = caller.post("/api/v1/bookings", json=wish, headers=headers).json()
        keys += [made["id"], made["client"]["id"]]
    shop.rows("UPDATE service SET capacity = 5 WHERE id = %s", shop.services["solo"])
    wish = {
        "service_id": str(shop.services["solo"]),
        "provider_id": str(shop.providers[0]),
        "location_id": str(shop.location),
        "starts_at": shop.at("16:00").isoformat(),
    }
    made = caller.post("/api/v1/sessions", json=wish, headers=headers)
    assert made.status_code == 201, made.text
    line = {**wish, "weekday": shop.day.isoweekday(), "starts": "11:30"}
    line["valid_from"] = line.pop("starts_at")[:10]
    given = caller.post("/api/v1/classes", json=line, headers=headers)
    assert given.status_code == 201, given.text
    return [*keys, made.json()["id"], given.json()["id"]]


@pytest.mark.slow
def test_every_operation_keeps_to_its_document(shop: Shop, tmp_path: Path) -> None:
    services = [*CONFIGURATION["services"], "class-management-service"]
    accounts = Accounts.make(tmp_path, shop.url, services=services)
    with accounts.browser() as caller:
        token = accounts.token(caller, *SCOPES)
        # keys and instants that mean something in the shop, beside any: else most is "not found"
        keys = st.sampled_from(furnish(shop, caller, token)) | st.uuids().map(str)
        hours = st.sampled_from([shop.at(f"{hour:02d}:00").isoformat() for hour in range(9, 18)])
        instants = hours | st.datetimes().map(lambda t: f"{t.isoformat()}Z")
        with formats({"uuid": keys, "date-time": instants}):
            tried = try_operations(
                caller.app.openapi(),
                TAGS,
                lambda case, _: send(caller, case, token),
                examples=EXAMPLES,
            )
        assert tried > 25
