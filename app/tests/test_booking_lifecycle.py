"""A booking from hold to the end: states, policies, audit, messages."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from support_shop import (
    ANONYMOUS_ACTOR,
    SYSTEM_ACTOR,
    Shop,
    api,
    client,
    configuration,
    open_shop,
    staff,
)

from barberpro_app.audit.trail import Actor
from barberpro_app.booking import errors, jobs, service
from barberpro_app.booking.schemas import (
    Booking,
    BookRequest,
    CancelRequest,
    ConfirmRequest,
    Contact,
    HoldRequest,
    RescheduleRequest,
    StatusRequest,
)
from barberpro_app.catalog import service as catalog
from barberpro_app.catalog.schemas import OfferTerms
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import AppError, NotAllowedError, NotFoundError, StaleVersionError
from barberpro_app.kit.idempotency import idempotency_key

ANA = Contact(name="Ana Paz", email="ana@life.example", phone="+54 11 5555-0000", locale="en")


def run(shop: Shop, story: Callable[[Connection], Awaitable[None]]) -> None:
    async def tell() -> None:
        async with shop.connection() as connection:
            await story(connection)

    asyncio.run(tell())


def wish(shop: Shop, clock: str = "10:00", **more: object) -> dict[str, object]:
    return {
        "service_id": shop.services["cut"],
        "location_id": shop.location,
        "starts_at": shop.at(clock),
        **more,
    }


async def booked(
    shop: Shop, connection: Connection, clock: str = "10:00", actor: Actor | None = None, **more: object
) -> Booking:  # fmt: skip
    request = BookRequest(**{"client": ANA, **wish(shop, clock), **more})
    return await service.book(connection, shop.app, actor or staff(), request)


def test_a_hold_is_extended_once_and_confirmed_by_whoever_made_it(shop: Shop) -> None:
    async def story(connection: Connection) -> None:
        request = HoldRequest(**wish(shop))
        held = await service.hold(connection, shop.app, ANONYMOUS_ACTOR, request)
        assert (held.status, held.client, held.version) == ("held", None, 1)
        assert held.hold_expires_at is not None
        until = held.hold_expires_at - datetime.now(UTC)
        assert timedelta(minutes=9) < until <= timedelta(minutes=10)
        longer = await service.extend_hold(connection, shop.app, ANONYMOUS_ACTOR, held.id)
        assert longer.hold_expires_at is not None
        assert longer.hold_expires_at > held.hold_expires_at
        with pytest.raises(errors.AlreadyExtendedError):
            await service.extend_hold(connection, shop.app, ANONYMOUS_ACTOR, held.id)
        with pytest.raises(errors.ClientRequiredError):
            await service.confirm(connection, shop.app, ANONYMOUS_ACTOR, held.id, ConfirmRequest())
        done = await service.confirm(
            connection, shop.app, ANONYMOUS_ACTOR, held.id, ConfirmRequest(client=ANA, note="hola")
        )
        assert (done.status, done.note, done.hold_expires_at) == ("confirmed", "hola", None)
        assert done.code == held.code
        assert done.client is not None
        assert done.client.email == ANA.email
        with pytest.raises((errors.NotHeldError, NotFoundError)):
            await service.confirm(
                connection, shop.app, ANONYMOUS_ACTOR, held.id, ConfirmRequest(client=ANA)
            )

    run(shop, story)


def test_an_expired_hold_is_not_confirmed_and_the_job_marks_it(shop: Shop) -> None:
    async def story() -> None:
        async with shop.database() as database, database.connection() as connection:
            request = HoldRequest(**wish(shop))
            held = await service.hold(connection, shop.app, ANONYMOUS_ACTOR, request)
            assert await jobs.expire_holds(database) == 0
            shop.rows("UPDATE booking SET hold_expires_at = now() - interval '1 second'")
            shop.rows("UPDATE occupancy SET expires_at = now() - interval '1 second'")
            with pytest.raises(errors.HoldExpiredError):
                await service.confirm(
                    connection, shop.app, ANONYMOUS_ACTOR, held.id, ConfirmRequest(client=ANA)
                )
            with pytest.raises(errors.HoldExpiredError):
                await service.extend_hold(connection, shop.app, ANONYMOUS_ACTOR, held.id)
            assert await jobs.expire_holds(database) == 1
            assert await jobs.expire_holds(database) == 0
            assert (await service.get(connection, staff(), held.id)).status == "expired"
            assert shop.rows("SELECT active FROM occupancy") == [(False,)]

    asyncio.run(story())


@pytest.mark.parametrize(
    ("minutes_ahead", "refusal"),
    [(30, errors.TooSoonError), (-60, errors.TooSoonError), (70 * 24 * 60, errors.TooFarError)],
)
def test_notice_and_window_hold_for_clients_and_staff_go_past_them_with_a_reason(
    shop: Shop, minutes_ahead: int, refusal: type[AppError]
) -> None:
    async def story(connection: Connection) -> None:
        starts_at = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=minutes_ahead)
        with pytest.raises(refusal):
            await booked(shop, connection, starts_at=starts_at)
        with pytest.raises(NotAllowedError):
            await booked(
                shop,
                connection,
                actor=client(UUID(int=1)),
                starts_at=starts_at,
                override_reason="x",
            )
        done = await booked(shop, connection, starts_at=starts_at, override_reason="walk-in")
        assert done.status == "confirmed"
        ((changes,),) = shop.rows("SELECT changes FROM audit_event WHERE object_kind = 'booking'")
        assert changes["override"] == "walk-in"  # type: ignore[index, call-overload]
        with pytest.raises(errors.SlotTakenError):
            await booked(
                shop,
                connection,
                starts_at=starts_at,
                provider_id=done.provider.id,
                override_reason="overlap",
            )

    run(shop, story)


def test_late_cancelling_and_moving_need_a_reason_of_staff(migrated_url: str) -> None:
    policies = {"cancel_notice_hours": 720, "reschedule_notice_hours": 720}
    shop = asyncio.run(open_shop(migrated_url, configuration(policies=policies)))

    async def story(connection: Connection) -> None:
        made = await booked(shop, connection)
        assert made.client is not None
        owner = client(made.client.id)
        move = RescheduleRequest(starts_at=shop.at("11:00"))
        with pytest.raises(errors.TooLateToRescheduleError):
            await service.reschedule(connection, shop.app, owner, made.id, move)
        with pytest.raises(errors.TooLateToCancelError):
            await service.cancel(connection, shop.app, owner, made.id, CancelRequest())
        with pytest.raises(NotAllowedError):
            await service.cancel(
                connection, shop.app, owner, made.id, CancelRequest(override_reason="please")
            )
        late = move.model_copy(update={"override_reason": "ill"})
        moved = await service.reschedule(connection, shop.app, staff(), made.id, late)
        assert moved.starts_at == shop.at("11:00").astimezone(UTC)
        gone = await service.cancel(
            connection, shop.app, staff(), made.id, CancelRequest(reason="r", override_reason="ill")
        )
        assert (gone.status, gone.cancel_reason) == ("cancelled", "r")
        again = await service.cancel(connection, shop.app, owner, made.id, CancelRequest())
        assert again == gone

    run(shop, story)


def test_a_stale_version_is_refused(shop: Shop) -> None:
    async def story(connection: Connection) -> None:
        made = await booked(shop, connection)
        move = RescheduleRequest(starts_at=shop.at("11:00"), version=made.version)
        moved = await service.reschedule(connection, shop.app, staff(), made.id, move)
        assert moved.version == made.version + 1
        other = RescheduleRequest(starts_at=shop.at("12:00"), version=made.version)
        with pytest.raises(StaleVersionError):
            await service.reschedule(connection, shop.app, staff(), made.id, other)
        with pytest.raises(StaleVersionError):
            await service.cancel(
                connection, shop.app, staff(), made.id, CancelRequest(version=made.version)
            )
        with pytest.raises(StaleVersionError):
            await service.set_status(
                connection, staff(), made.id, StatusRequest(status="arrived", version=made.version)
            )

    run(shop, story)


def test_a_booking_moves_onto_itself_and_to_another_provider(shop: Shop) -> None:
    async def story(connection: Connection) -> None:
        first, second, _ = shop.providers
        made = await booked(shop, connection, provider_id=first)
        near = RescheduleRequest(starts_at=shop.at("10:15"))
        assert (
            await service.reschedule(connection, shop.app, staff(), made.id, near)
        ).starts_at == shop.at("10:15").astimezone(UTC)
        async with connection.transaction():
            terms = OfferTerms(minutes=60, price_centavos=1)
            await catalog.set_offer(connection, staff(), shop.services["cut"], second, terms)
        other = RescheduleRequest(starts_at=shop.at("15:00"), provider_id=second)
        moved = await service.reschedule(connection, shop.app, staff(), made.id, other)
        assert moved.provider.id == second
        assert moved.ends_at - moved.starts_at == timedelta(minutes=60)
        assert moved.price_centavos == made.price_centavos
        new = await booked(shop, connection, "10:15", provider_id=first)
        assert new.status == "confirmed"
        own = await booked(shop, connection, "09:00", provider_id=second)
        assert (own.price_centavos, own.service.minutes) == (1, 60)

    run(shop, story)


def test_statuses_follow_what_happened(shop: Shop) -> None:
    async def story(connection: Connection) -> None:
        made = await booked(shop, connection)

        async def become(status: str) -> Booking:
            return await service.set_status(
                connection, staff(), made.id, StatusRequest(status=status)
            )

        with pytest.raises(errors.NotChangeableError):
            await become("no_show")  # it has not started
        assert (await become("arrived")).status == "arrived"
        assert (await become("completed")).status == "completed"
        with pytest.raises(errors.NotChangeableError):
            await become("completed")
        with pytest.raises(errors.NotChangeableError):
            await service.cancel(connection, shop.app, staff(), made.id, CancelRequest())
        move = RescheduleRequest(starts_at=shop.at("12:00"))
        with pytest.raises(errors.NotChangeableError):
            await service.reschedule(connection, shop.app, staff(), made.id, move)
        assert made.client is not None
        with pytest.raises(NotAllowedError):
            await service.set_status(
                connection, client(made.client.id), made.id, StatusRequest(status="confirmed")
            )

    run(shop, story)


def test_any_provider_is_the_one_with_least_to_do_that_day(shop: Shop) -> None:
    async def story(connection: Connection) -> None:
        first, second, third = shop.providers
        # nobody is busy: the order of the business; then whoever has less
        names = [(await booked(shop, connection, "10:00")).provider.id for _ in range(3)]
        assert names == [first, second, third]
        await booked(shop, connection, "14:00", provider_id=first)
        await booked(shop, connection, "14:00", provider_id=third)
        made = await booked(shop, connection, "16:00")
        assert made.provider.id == second
        assert made.any_provider
        with pytest.raises(errors.SlotTakenError):
            await booked(shop, connection, "10:00")

    run(shop, story)


def test_each_change_is_audited_without_personal_data_and_told_once(shop: Shop) -> None:
    async def story(connection: Connection) -> None:
        made = await booked(shop, connection)
        move = RescheduleRequest(starts_at=shop.at("11:00"))
        await service.reschedule(connection, shop.app, staff(), made.id, move)
        await service.cancel(connection, shop.app, staff(), made.id, CancelRequest(reason="ill"))
        await service.cancel(connection, shop.app, staff(), made.id, CancelRequest())
        await booked(shop, connection, client=Contact(name="No Mail"))

    run(shop, story)
    trail = shop.rows(
        "SELECT action, actor_kind, actor_name, request_id, changes::text FROM audit_event"
        " WHERE object_kind = 'booking' ORDER BY id"
    )
    assert [row[0] for row in trail] == [
        "booking.confirmed",
        "booking.rescheduled",
        "booking.cancelled",
        "booking.confirmed",
    ]
    assert {row[1:4] for row in trail} == {("staff", "Staff", "staff-request")}
    assert not any(word in str(row[4]) for row in trail for word in ("Ana", "ana@", "5555"))
    told = shop.rows(
        "SELECT kind, recipient, locale, payload->>'starts_at' FROM message ORDER BY id"
    )
    assert [row[:3] for row in told] == [
        (kind, "ana@life.example", "en")
        for kind in ("booking_confirmed", "booking_rescheduled", "booking_cancelled")
    ]
    assert told[0][3] != told[1][3]


def test_what_fails_leaves_nothing_behind(shop: Shop) -> None:
    """No client, message, audit event or idempotency key of a booking that was refused."""

    async def story(connection: Connection) -> None:
        await booked(shop, connection, provider_id=shop.providers[0], client=Contact(name="A"))
        request = BookRequest(client=ANA, **wish(shop, provider_id=shop.providers[0]))
        key = idempotency_key("api:1", "k", "book", {})
        with pytest.raises(errors.SlotTakenError):
            await service.book(connection, shop.app, api(), request, key)

    run(shop, story)
    counts = "SELECT (SELECT count(*) FROM client WHERE email IS NOT NULL),"
    counts += " (SELECT count(*) FROM message), (SELECT count(*) FROM idempotency),"
    counts += " (SELECT count(*) FROM audit_event WHERE object_kind = 'booking')"
    assert shop.rows(counts) == [(0, 0, 0, 1)]


def test_who_types_an_address_neither_changes_nor_sees_what_is_on_file(shop: Shop) -> None:
    async def story(connection: Connection) -> None:
        first = await booked(shop, connection)
        other = Contact(name="Somebody Else", email="ANA@life.example")
        held = await service.hold(
            connection, shop.app, ANONYMOUS_ACTOR, HoldRequest(**wish(shop, "12:00"))
        )
        second = await service.confirm(
            connection, shop.app, ANONYMOUS_ACTOR, held.id, ConfirmRequest(client=other)
        )
        assert first.client is not None
        assert second.client is not None
        assert second.client.id == first.client.id
        assert (second.client.name, second.client.phone) == ("Somebody Else", None)
        assert (await service.get(connection, staff(), second.id)).client == second.client
        assert (await service.get(connection, staff(), first.id)).client == first.client

    run(shop, story)
    assert shop.rows("SELECT name, email, phone FROM client") == [(ANA.name, ANA.email, ANA.phone)]


def test_old_idempotency_keys_are_forgotten(shop: Shop) -> None:
    async def story() -> None:
        async with shop.database() as database:
            async with database.connection() as connection:
                for name in ("old", "new"):
                    request = BookRequest(client=ANA, **wish(shop))
                    key = idempotency_key("api:1", name, "book", {})
                    await service.book(connection, shop.app, SYSTEM_ACTOR, request, key)
            shop.rows(
                "UPDATE idempotency SET created_at = now() - interval '25 hours' WHERE key = 'old'"
            )
            assert await jobs.prune_idempotency_keys(database) == 1
            assert shop.rows("SELECT key FROM idempotency") == [("new",)]

    asyncio.run(story())
