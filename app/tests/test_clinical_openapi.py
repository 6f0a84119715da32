"""The API of health data keeps to its OpenAPI document, asked by a professional and by a program."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from support_accounts import Accounts, Caller
from support_openapi import formats, try_operations
from support_shop import Shop

from barberpro_app.identity.auth import SESSION_COOKIE
from barberpro_app.identity.principal import SCOPES
from barberpro_app.identity.repository import Subject

TAGS = {"clinical records", "notes", "licences", "privacy", "session recordings", "odontogram",
        "treatment plans"}  # fmt: skip
SERVICES = ["api-gateway", "booking", "encrypted-notes-service", "provider-verification-service",
            "privacy-compliance-service", "session-recording-service", "odontogram-service",
            "treatment-plan-service"]  # fmt: skip
NOT_FOR_HTTPX = {"cookies", "stream", "verify", "allow_redirects", "timeout"}


def send(caller: Caller, case: Any, headers: dict[str, str]) -> Any:
    options = case.as_transport_kwargs(base_url="https://barbershop-test.localhost:8443")
    options = {name: value for name, value in options.items() if name not in NOT_FOR_HTTPX}
    data = options.pop("data", None)
    if data is not None:
        options["content"] = data if isinstance(data, (bytes, str)) else str(data)
    given_headers = {
        name: value
        for name, value in (options.pop("headers", None) or {}).items()
        if name.lower() not in {"cookie", "authorization"}
    }
    return caller.request(
        options.pop("method"), options.pop("url"), headers={**given_headers, **headers}, **options
    )


@pytest.mark.slow
def test_every_operation_keeps_to_its_document(shop: Shop, tmp_path: Path) -> None:
    accounts = Accounts.make(tmp_path, shop.url, services=SERVICES,
                             compliance={"health_data": True})  # fmt: skip
    key = base64.b64encode(os.urandom(32)).decode()
    (accounts.home.folder / "secrets" / "notes-key").write_text(key)
    member, patient, booking = accounts.rows(
        "WITH c AS (INSERT INTO client (name) VALUES ('Ana') RETURNING id),"
        " u AS (INSERT INTO staff_user (email, name, role, provider_id)"
        "  VALUES ('own@x.example', 'Lic.', 'owner', %s) RETURNING id, provider_id)"
        " INSERT INTO booking (code, status, client_id, provider_id, service_id, location_id,"
        "  starts_at, ends_at, zone, price_centavos)"
        " SELECT new_booking_code(), 'arrived', c.id, u.provider_id, s.id, l.id,"
        "  now(), now() + interval '40 min', l.zone, 0 FROM c, u, location l, service s LIMIT 1"
        " RETURNING (SELECT id FROM u), client_id, id",
        shop.providers[0],
    )[0]  # fmt: skip
    keys = st.sampled_from([str(patient)] * 3 + [str(booking), str(shop.providers[0])])
    cookie = accounts.session(Subject(staff_id=member))
    with accounts.browser() as caller:
        person = {"Cookie": f"{SESSION_COOKIE}={cookie}"}
        program = {"Authorization": f"Bearer {accounts.token(caller, *SCOPES)}"}
        with formats({"uuid": keys | st.uuids().map(str)}):
            tried = try_operations(
                caller.app.openapi(),
                TAGS,
                lambda case, who: send(caller, case, who),
                examples=12,
                who=st.sampled_from([person, person, person, program]),
            )
        assert tried > 40
