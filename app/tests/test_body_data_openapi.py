"""The API of body data keeps to its OpenAPI document, asked by the person, by a professional
and by a program."""

from __future__ import annotations

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

TAGS = {"body data", "activities", "progress", "nutrition"}
SERVICES = ["api-gateway", "booking", "biometric-integration-service",
            "progress-tracking-service", "nutrition-service"]  # fmt: skip
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
    accounts = Accounts.make(tmp_path, shop.url, services=SERVICES, vertical="fitness")
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
    keys = st.sampled_from([str(patient)] * 3 + [str(booking), str(shop.providers[0])])
    cookie = accounts.session(Subject(staff_id=member))
    own = accounts.session(Subject(client_id=patient))
    with accounts.browser() as caller:
        person = {"Cookie": f"{SESSION_COOKIE}={cookie}"}
        client = {"Cookie": f"{SESSION_COOKIE}={own}"}
        program = {"Authorization": f"Bearer {accounts.token(caller, *SCOPES)}"}
        with formats({"uuid": keys | st.uuids().map(str)}):
            tried = try_operations(
                caller.app.openapi(),
                TAGS,
                lambda case, who: send(caller, case, who),
                examples=12,
                who=st.sampled_from([person, person, client, client, program]),
            )
        assert tried > 25
