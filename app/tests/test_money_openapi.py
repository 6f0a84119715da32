"""The API of money as its OpenAPI document says: no server error, no answer outside the schema."""

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

NOT_FOR_HTTPX = {"cookies", "stream", "verify", "allow_redirects", "timeout"}


def furnish(shop: Shop, call: Any) -> list[str]:
    """Rules, a plan, a booking that is partly paid; the keys of what there is."""
    keys = [str(shop.location), *map(str, shop.providers), *map(str, shop.services.values())]
    wish = {
        "service_id": str(shop.services["cut"]),
        "location_id": str(shop.location),
        "starts_at": shop.at("10:00").isoformat(),
        "client": {"name": "Ana", "email": "ana@api.example"},
    }
    booking = call("/bookings", wish)
    plan = {"name": "Tres", "credits": 3, "days": 30, "price_centavos": 5000}
    for path, body in (
        (f"/bookings/{booking['id']}/payments", {"method": "cash", "amount_centavos": 500}),
        ("/price-rules", {"kind": "percent", "percent": 110}),
        ("/deposit-rules", {"kind": "fixed", "amount_centavos": 5}),
        ("/plans", plan),
    ):
        keys.append(call(path, body)["id"])
    sale = {"plan_id": keys[-1], "client_id": booking["client"]["id"], "method": "transfer"}
    return [*keys, booking["id"], booking["client"]["id"], call("/passes", sale)["id"]]


def send(caller: Caller, case: Any, headers: dict[str, str]) -> Any:
    """The case, as a program with a token would send it."""
    options = case.as_transport_kwargs(base_url=str(CONFIGURATION["public_url"]))
    options = {name: value for name, value in options.items() if name not in NOT_FOR_HTTPX}
    data = options.pop("data", None)
    if data is not None:
        options["content"] = data if isinstance(data, (bytes, str)) else str(data)
    given_headers = {**(options.pop("headers", None) or {}), **headers}
    return caller.request(
        options.pop("method"), options.pop("url"), headers=given_headers, **options
    )


@pytest.mark.slow
def test_every_operation_of_money_keeps_to_its_document(shop: Shop, tmp_path: Path) -> None:
    services = [*CONFIGURATION["services"], "payment"]
    accounts = Accounts.make(tmp_path, shop.url, services=services)
    with accounts.browser() as caller:
        headers = {"Authorization": f"Bearer {accounts.token(caller, *SCOPES)}"}

        def call(path: str, body: dict[str, Any]) -> Any:
            answer = caller.post(f"/api/v1{path}", json=body, headers=headers)
            assert answer.status_code == 201, answer.text
            return answer.json()

        keys = furnish(shop, call)
        with formats({"uuid": st.sampled_from(keys) | st.uuids().map(str)}):
            tried = try_operations(
                caller.app.openapi(),
                {"money"},
                lambda case, _: send(caller, case, headers),
                examples=15,
            )
        assert tried >= 20
    assert shop.rows("SELECT coalesce(sum(amount), 0) FROM ledger_line") == [(0,)]
