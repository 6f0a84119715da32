"""The team is told of what clients do, each change once, and where health is concerned nothing more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email import message_from_bytes, policy
from typing import TypeVar
from uuid import UUID, uuid4

import pytest
from support_shop import ANONYMOUS_ACTOR, SYSTEM_ACTOR, Shop, api, client, configuration, staff

from barberpro_app.approval import service as approval
from barberpro_app.approval.schemas import ApprovalRuleDraft
from barberpro_app.audit.trail import Actor
from barberpro_app.booking import service as bookings
from barberpro_app.booking.schemas import (
    BookRequest,
    CancelRequest,
    Contact,
    RescheduleRequest,
)
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import StaleVersionError
from barberpro_app.kit.links import BookingLinks
from barberpro_app.notification.compose import Composer, OutgoingMessage
from barberpro_app.team_notices import service
from barberpro_app.team_notices.schemas import TeamNoticesChange
from barberpro_app.visit import service as visits
from barberpro_app.visit.schemas import VisitBookRequest

T = TypeVar("T")
ANA = Contact(name="Ana Paz", email="ana@t.example")


def do(shop: Shop, step: Callable[[Connection], Awaitable[T]]) -> T:
    async def run() -> T:
        async with shop.database(2) as database, database.transaction() as connection:
            return await step(connection)

    return asyncio.run(run())


@pytest.fixture
def team(shop: Shop) -> Shop:
    """Providers of whom one signs in, and somebody at the front desk."""
    shop.rows("UPDATE provider SET email = key || '@Shop.example'")
    shop.rows(
        "INSERT INTO staff_user (email, name, role, provider_id) VALUES"
        " ('desk@shop.example', 'Desk', 'reception', NULL), ('zero@shop.example', 'Z', 'provider', %s)",
        shop.providers[0],
    )
    return shop


def told(shop: Shop) -> list[tuple[object, ...]]:
    """Kind and recipient of each message to the team, and none twice."""
    return sorted(
        shop.rows("SELECT kind, recipient FROM message WHERE kind ~ '^team_' ORDER BY id")
    )


def wish(shop: Shop, clock: str = "10:00", provider: int = 0) -> BookRequest:
    return BookRequest(
        service_id=shop.services["cut"], location_id=shop.location, starts_at=shop.at(clock),
        provider_id=shop.providers[provider], client=ANA,
    )  # fmt: skip


def test_whoever_attends_is_told_of_bookings_moves_and_cancellations(team: Shop) -> None:
    made = do(team, lambda c: bookings.book(c, team.app, ANONYMOUS_ACTOR, wish(team)))
    assert told(team) == [("team_new", "zero@shop.example")]
    assert made.client is not None
    own = client(made.client.id)
    moved = RescheduleRequest(starts_at=team.at("11:00"))
    do(team, lambda c: bookings.reschedule(c, team.app, own, made.id, moved))
    do(team, lambda c: bookings.cancel(c, team.app, own, made.id, CancelRequest()))
    assert {kind for kind, _ in told(team)} == {"team_new", "team_moved", "team_cancelled"}
    assert len(told(team)) == 3
    # without a login, the address of the provider
    do(team, lambda c: bookings.book(c, team.app, ANONYMOUS_ACTOR, wish(team, provider=1)))
    assert ("team_new", "p1@shop.example") in told(team)


def test_what_the_team_does_itself_it_is_not_told(team: Shop) -> None:
    for number, actor in enumerate((staff(), api(), SYSTEM_ACTOR)):
        asked = wish(team, f"1{number}:00")
        do(team, lambda c, a=actor, w=asked: bookings.book(c, team.app, a, w))  # type: ignore[misc]
    assert told(team) == []


@pytest.mark.parametrize("actor", [api(), SYSTEM_ACTOR])
def test_what_a_program_or_the_worker_moves_or_cancels_is_told(team: Shop, actor: Actor) -> None:
    made = do(team, lambda c: bookings.book(c, team.app, staff(), wish(team)))
    moved = RescheduleRequest(starts_at=team.at("11:00"))
    do(team, lambda c: bookings.reschedule(c, team.app, actor, made.id, moved))
    do(team, lambda c: bookings.cancel(c, team.app, actor, made.id, CancelRequest()))
    assert told(team) == [
        ("team_cancelled", "zero@shop.example"), ("team_moved", "zero@shop.example"),
    ]  # fmt: skip
    by = team.rows("SELECT DISTINCT payload->>'by' FROM message WHERE kind ~ '^team_'")
    assert by == [(actor.principal.kind,)]


def test_requests_go_to_the_desk_or_to_the_owner(team: Shop) -> None:
    do(team, lambda c: approval.add_rule(c, SYSTEM_ACTOR, ApprovalRuleDraft.model_validate({})))
    do(team, lambda c: bookings.book(c, team.app, ANONYMOUS_ACTOR, wish(team)))
    assert told(team) == [
        ("team_request", "desk@shop.example"), ("team_request", "zero@shop.example"),
    ]  # fmt: skip
    team.rows("UPDATE staff_user SET role = 'owner', email = 'owner@shop.example'"
              " WHERE role = 'reception'")  # fmt: skip
    do(team, lambda c: bookings.book(c, team.app, ANONYMOUS_ACTOR, wish(team, "11:00")))
    assert ("team_request", "owner@shop.example") in told(team)


def test_the_owner_says_who_is_told(team: Shop) -> None:
    asked = TeamNoticesChange(
        version=0, provider=[], desk=["new", "new"], address="Desk@shop.example"
    )
    found = do(team, lambda c: service.change_notices(c, staff("owner"), asked))
    assert (found.provider, found.desk, found.version) == ([], ["new"], 1)
    with pytest.raises(StaleVersionError):
        do(team, lambda c: service.change_notices(c, staff("owner"), asked.model_copy(
            update={"version": 7})))  # fmt: skip
    do(team, lambda c: bookings.book(c, team.app, ANONYMOUS_ACTOR, wish(team)))
    assert told(team) == [("team_new", "desk@shop.example")]  # once, though named twice


def test_each_provider_of_a_visit_is_told_once(team: Shop) -> None:
    ((key,),) = team.rows("INSERT INTO client (name) VALUES ('Ana') RETURNING id")
    assert isinstance(key, UUID)
    asked = VisitBookRequest.model_validate(
        {
            "location_id": team.location, "starts_at": team.at("10:00"), "lines": [
                {"service_id": team.services["cut"], "provider_id": team.providers[0]},
                {"service_id": team.services["cut"], "provider_id": team.providers[1]},
                {"service_id": team.services["cut"], "provider_id": team.providers[1]},
            ],
        }
    )  # fmt: skip
    do(team, lambda c: visits.book(c, team.app, client(key), asked))
    assert told(team) == [("team_new", "p1@shop.example"), ("team_new", "zero@shop.example")]


@pytest.mark.parametrize("locale", ["es-AR", "en"])
@pytest.mark.parametrize("health", [False, True])
def test_what_the_mail_says(team: Shop, locale: str, health: bool) -> None:
    do(team, lambda c: bookings.book(c, team.app, ANONYMOUS_ACTOR, wish(team)))
    ((payload,),) = team.rows("SELECT payload FROM message WHERE kind = 'team_new'")
    assert isinstance(payload, dict)
    app = configuration(
        compliance={"health_data": health}, brand={"name": "Psicología Sur"},
        mail={"host": "h", "port": 25, "from": "a@a.example", "username": "", "starttls": False},
    )  # fmt: skip
    composer = Composer(app, BookingLinks(b"k" * 32, app.public_url))
    for kind in ("team_new", "team_request", "team_moved", "team_cancelled"):
        said = {**payload, "from": payload["starts_at"], "answer_by": payload["starts_at"],
                "repeats": kind == "team_new"}  # fmt: skip
        mail = composer.compose(
            OutgoingMessage(
                uuid4(), kind, "zero@shop.example", locale, said, 1, datetime.now(UTC), UUID(int=1)
            )
        )
        read = message_from_bytes(bytes(mail), policy=policy.default)
        part = read.get_body(("plain",))
        assert part is not None
        text = f"{read['subject']} {read['from']} {part.get_content()}"
        assert f"/agenda/reserva/{payload['id']}" in text
        assert "10:00" in text
        for word in ("Ana Paz", "Corte" if locale == "es-AR" else "Cut", "Psicología"):
            assert (word in text) is not health, (kind, word, text)
