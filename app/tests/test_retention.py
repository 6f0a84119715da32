"""What is over goes, and no sooner: people are told before, who comes back keeps theirs, evidence stays."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from support_accounts import Accounts
from support_postgres import TestServer
from support_team import query, signed_in
from support_web import deployment, use

from barberpro_app.kit.links import BookingLinks
from barberpro_app.notification.compose import Composer, OutgoingMessage
from barberpro_app.retention import jobs
from barberpro_app.settings import Settings

SERVICES = ("api-gateway", "progress-tracking-service", "biometric-integration-service")
HOME = "/ajustes/conservacion"
LONG, SHORT = "37 months", "10 months"


@pytest.fixture
def gym(tmp_path: Path, migrated_url: str) -> Accounts:
    return Accounts.make(tmp_path, migrated_url, services=SERVICES)


def person(gym: Accounts, name: str, ago: str, email: bool = True) -> UUID:
    """Somebody whose measures, of every kind of body data, were last touched so long ago."""
    ((key,),) = gym.rows(
        "INSERT INTO client (name, email) VALUES (%s, %s) RETURNING id",
        name, f"{name}@x.example" if email else None,
    )  # fmt: skip
    assert isinstance(key, UUID)
    gym.rows(
        "INSERT INTO consent (client_id, purpose, text_version, locale, text_sha256, text, how,"
        " given_by) SELECT %s, p, '1', 'es-AR', sha256('x'), 'x', 'in_person', 'staff:7'"
        " FROM unnest(ARRAY['activity_data', 'progress_data', 'nutrition_data']) p", key,
    )  # fmt: skip
    when = "now() - %s::interval"
    gym.rows(
        f"INSERT INTO measurement (client_id, kind, measured_on, value, written_by, created_at)"
        f" VALUES (%s, 'weight', '2020-01-01', 70, 'client', {when})", key, ago,
    )  # fmt: skip
    gym.rows(
        f"INSERT INTO activity_import (client_id, sha256, format, bytes, imported_by, created_at)"
        f" VALUES (%s, sha256(%s), 'fit', 9, 'client', {when})", key, name.encode(), ago,
    )  # fmt: skip
    gym.rows(
        "INSERT INTO nutrition_profile (client_id, born_on, sex, height_cm, weight_kg, activity,"
        f" aim, updated_at) VALUES (%s, '1990-01-01', 'male', 170, 70, 'light', 'keep', {when})",
        key, ago,
    )  # fmt: skip
    return key


def left(gym: Accounts) -> set[str]:
    return {row[0] for row in gym.rows(
        "SELECT c.name FROM client c WHERE EXISTS (SELECT FROM measurement WHERE client_id = c.id)"
        " OR EXISTS (SELECT FROM activity_import WHERE client_id = c.id)"
        " OR EXISTS (SELECT FROM nutrition_profile WHERE client_id = c.id)")}  # fmt: skip


def told(gym: Accounts) -> set[str]:
    return {row[0] for row in gym.rows(
        "SELECT payload->>'name' FROM message WHERE kind = 'body_data_ageing'")}  # fmt: skip


def test_body_data_go_after_their_time_and_a_warning(gym: Accounts) -> None:
    person(gym, "recent", SHORT)
    person(gym, "nearly", "35 months 15 days")
    person(gym, "silent", LONG, email=False)
    back, gone = person(gym, "back", LONG), person(gym, "gone", LONG)
    assert gym.using(jobs.run) == 3 + 1  # told, and one who cannot be
    assert told(gym) == {"nearly", "back", "gone"}
    assert left(gym) == {"recent", "nearly", "back", "gone"}
    assert gym.using(jobs.run) == 0

    gym.rows("UPDATE client SET body_data_warned_at = now() - interval '31 days'"
             " WHERE body_data_warned_at IS NOT NULL")  # fmt: skip
    gym.rows(
        "INSERT INTO measurement (client_id, kind, measured_on, value, written_by)"
        " VALUES (%s, 'weight', '2026-01-01', 71, 'client')", back,
    )  # fmt: skip
    asyncio.run(_at_once(gym))
    assert left(gym) == {"recent", "nearly", "back"}
    assert told(gym) == {"nearly", "back", "gone"}
    # the proof of what was agreed and done stays
    assert gym.rows("SELECT count(*) FROM consent WHERE client_id = %s", gone) == [(3,)]
    noted = gym.rows(
        "SELECT object_id, (changes->>'months')::int FROM audit_event"
        " WHERE action = 'body_data.aged_out' ORDER BY at DESC LIMIT 1"
    )
    assert noted == [(str(gone), 36)]


async def _at_once(gym: Accounts) -> None:
    """Two workers at the same time."""
    await asyncio.gather(*(asyncio.to_thread(gym.using, jobs.run) for _ in range(2)))


def test_queues_wishes_and_dead_letters_go_and_what_is_open_stays(
    tmp_path: Path, postgres_server: TestServer
) -> None:
    with deployment(tmp_path, postgres_server, services=SERVICES) as settings:
        _fill(settings)

        async def steps(application: FastAPI) -> None:
            assert await jobs.run(application.state.database) == 4
            assert query(settings, "SELECT name FROM walk_in") == [("new",)]
            states = query(settings, "SELECT state FROM waiting_entry ORDER BY state")
            assert states == [("left",), ("waiting",)]
            assert query(settings, "SELECT state FROM message ORDER BY state") == [
                ("failed",), ("pending",),
            ]  # fmt: skip
            assert query(settings, "SELECT wa_id FROM whatsapp_conversation") == [
                ("5491100000002",)
            ]
            swept = query(
                settings, "SELECT changes FROM audit_event WHERE action = 'retention.swept'"
            )
            assert swept[0][0]["walk_ins"] == 1
            await _page(application, settings)

        use(settings, steps)


def _fill(settings: Settings) -> None:
    for name, age in (("old", 31), ("new", 29)):
        query(
            settings,
            "INSERT INTO walk_in (location_id, day, number, name, service_id) SELECT l.id,"
            " current_date - %s, 1, %s, s.id FROM location l, service s LIMIT 1", age, name,
        )  # fmt: skip
    query(settings, "INSERT INTO client (name) VALUES ('Ana')")
    for state, months in (("left", 13), ("left", 11), ("waiting", 30)):
        query(
            settings,
            "INSERT INTO waiting_entry (client_id, service_id, location_id, first_day, last_day,"
            " parts, state, updated_at) SELECT c.id, s.id, l.id, current_date, current_date,"
            " '{morning}', %s, now() - make_interval(months => %s)"
            " FROM client c, service s, location l LIMIT 1", state, months,
        )  # fmt: skip
    for state, months in (("failed", 13), ("failed", 11), ("pending", 30)):
        query(
            settings,
            "INSERT INTO message (kind, recipient, payload, dedupe_key, state, created_at)"
            " VALUES ('nutrition_signed', 'a@x.example', '{}', %s, %s,"
            " now() - make_interval(months => %s))", uuid4().hex, state, months,
        )  # fmt: skip
    for number, days in (("5491100000001", 31), ("5491100000002", 3)):
        query(settings, "INSERT INTO whatsapp_conversation (wa_id, last_heard_at)"
              " VALUES (%s, now() - make_interval(days => %s))", number, days)  # fmt: skip


async def _page(application: FastAPI, settings: Settings) -> None:
    """The owner sets the terms, within the law's."""
    owner = await signed_in(application, settings)
    page = await owner.get(HOME)
    assert "Ley 25.326" in page.text
    form = next(one for one in page.forms if "fila" in one.values)
    for wrong in ({"cuerpo": "5"}, {"cuerpo": "121"}, {"fila": "0"}, {"espera": "x\x00"},
                  {"fila": "9" * 30}):  # fmt: skip
        assert (await owner.send(page, form, **wrong)).status == 422, wrong
    assert (await owner.send(page, form, cuerpo="12", fila="20")).status == 200
    assert (await owner.send(page, form, cuerpo="13")).status == 409  # read before that change
    assert query(settings, "SELECT retention_rules()->>'body_months'") == [("12",)]
    assert (await (await signed_in(application, settings, "manager")).get(HOME)).status == 403


@pytest.mark.parametrize(("locale", "subject"), [("es-AR", "que vamos a borrar"), ("en", "delete")])
def test_the_warning_says_when_and_nothing_else(gym: Accounts, locale: str, subject: str) -> None:
    app = gym.settings.app
    message = OutgoingMessage(
        id=uuid4(), kind="body_data_ageing", recipient="ana@x.example", locale=locale,
        payload={"name": "Ana", "day": "24/12/2026"}, attempts=0, created_at=datetime.now(UTC),
        attempt_id=uuid4(),
    )  # fmt: skip
    made = Composer(app, BookingLinks(b"k" * 32, app.public_url)).compose(message)
    assert subject in str(made["Subject"])
    body = made.get_body(("plain",))
    assert body is not None
    assert "24/12/2026" in body.get_content()
    assert "/mis-datos" in body.get_content()
