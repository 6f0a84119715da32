"""The API as its OpenAPI document says: no server error, no answer outside the schema."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from support_accounts import Accounts, Caller
from support_shop import Shop

from barberpro_app.identity.principal import SCOPES

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
TAGS = {"availability", "bookings", "services", "providers", "locations", "clients", "settings"}
EXAMPLES = 15
#: Keys and instants that mean something in the shop, beside any: else most cases are "not found".
KEYS: list[str] = []
INSTANTS: list[str] = []
schemathesis.openapi.format(
    "uuid", st.deferred(lambda: st.sampled_from(KEYS) | st.uuids().map(str))
)
schemathesis.openapi.format(
    "date-time",
    st.deferred(
        lambda: st.sampled_from(INSTANTS) | st.datetimes().map(lambda t: f"{t.isoformat()}Z")
    ),
)
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


def furnish(shop: Shop, caller: Caller, token: str) -> None:
    """Bookings to change, and the keys and instants of what there is."""
    INSTANTS[:] = [shop.at(f"{hour:02d}:00").isoformat() for hour in range(9, 18)]
    KEYS[:] = [str(shop.location), *map(str, shop.providers), *map(str, shop.services.values())]
    for hour in (9, 10, 11):
        wish = {
            "service_id": str(shop.services["cut"]),
            "location_id": str(shop.location),
            "starts_at": shop.at(f"{hour:02d}:00").isoformat(),
            "client": {"name": "Ana", "email": f"ana{hour}@api.example"},
        }
        headers = {"Authorization": f"Bearer {token}"}
        made = caller.post("/api/v1/bookings", json=wish, headers=headers).json()
        KEYS.extend((made["id"], made["client"]["id"]))


@pytest.mark.slow
def test_every_operation_keeps_to_its_document(shop: Shop, tmp_path: Path) -> None:
    accounts = Accounts.make(tmp_path, shop.url)
    with accounts.browser() as caller:
        token = accounts.token(caller, *SCOPES)
        furnish(shop, caller, token)
        schema = schemathesis.openapi.from_dict(caller.app.openapi())
        tried = 0
        for result in schema.get_all_operations():
            operation = result.ok()
            if not TAGS.intersection(operation.tags or ()):
                continue
            tried += 1
            cases = st.one_of(
                operation.as_strategy(GenerationMode.POSITIVE),
                operation.as_strategy(GenerationMode.NEGATIVE),
            )

            @settings(
                max_examples=EXAMPLES,
                deadline=None,
                database=None,
                derandomize=True,
                suppress_health_check=list(HealthCheck),
            )
            @given(cases)
            def conforms(case: Any) -> None:
                case.validate_response(send(caller, case, token), checks=CHECKS)

            conforms()
        assert tried > 25
