"""The API of calendars keeps to its OpenAPI document, asked by a provider and by a program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from support_accounts import Caller
from support_calendars import add_connection, make_desk
from support_openapi import formats, try_operations
from support_shop import Shop

from barberpro_app.identity.auth import SESSION_COOKIE
from barberpro_app.identity.principal import SCOPES
from barberpro_app.identity.repository import Subject

NOT_FOR_HTTPX = {"cookies", "stream", "verify", "allow_redirects", "timeout"}


def send(caller: Caller, case: Any, headers: dict[str, str]) -> Any:
    options = case.as_transport_kwargs(base_url="https://barbershop-test.localhost:8443")
    options = {name: value for name, value in options.items() if name not in NOT_FOR_HTTPX}
    data = options.pop("data", None)
    if data is not None:
        options["content"] = data if isinstance(data, (bytes, str)) else str(data)
    given = {
        name: value
        for name, value in (options.pop("headers", None) or {}).items()
        if name.lower() not in {"cookie", "authorization"}
    }
    return caller.request(
        options.pop("method"), options.pop("url"), headers={**given, **headers}, **options
    )


@pytest.mark.slow
def test_every_operation_keeps_to_its_document(shop: Shop, tmp_path: Path) -> None:
    desk = make_desk(shop, tmp_path)
    connection = add_connection(
        desk, "caldav", "https://127.0.0.1:9/", {"user": "u", "password": "p"}
    )
    desk.book("10:00")
    desk.rows(
        "INSERT INTO busy_time (provider_id, connection_id, source, uid, period)"
        " SELECT provider_id, %s, 'x', 'x', tstzrange(starts_at, ends_at) FROM booking",
        connection,
    )
    desk.rows("SELECT calendar_find_conflicts()")
    ((conflict,),) = desk.rows("SELECT id FROM calendar_conflict")
    ((member,),) = desk.rows(
        "INSERT INTO staff_user (email, name, role, provider_id)"
        " VALUES ('own@x.example', 'Own', 'provider', %s) RETURNING id",
        desk.provider,
    )
    keys = st.sampled_from([str(desk.provider)] * 3 + [str(connection), str(conflict)])
    cookie = desk.accounts.session(Subject(staff_id=member))
    with desk.accounts.browser() as caller:
        person = {"Cookie": f"{SESSION_COOKIE}={cookie}"}
        program = {"Authorization": f"Bearer {desk.accounts.token(caller, *SCOPES)}"}
        with formats({"uuid": keys | st.uuids().map(str)}):
            tried = try_operations(
                caller.app.openapi(),
                {"calendars"},
                lambda case, who: send(caller, case, who),
                examples=15,
                who=st.sampled_from([person, program]),
            )
        assert tried == 10
