"""Object-level authorisation (OWASP API1): what is not yours does not exist."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

import pytest
from support_shop import ANONYMOUS_ACTOR, SYSTEM_ACTOR, Shop, api, client, staff

from barberpro_app.audit.trail import Actor
from barberpro_app.booking import service
from barberpro_app.booking.errors import TooManyHoldsError
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
from barberpro_app.client import service as clients
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import NotAllowedError, NotFoundError
from barberpro_app.provider import service as providers
from barberpro_app.provider.schemas import Week


@dataclass
class Scene:
    """Two bookings of two clients with two providers."""

    shop: Shop
    connection: Connection
    hers: Booking
    his: Booking

    @property
    def her(self) -> Actor:
        assert self.hers.client is not None
        return client(self.hers.client.id)


def play(shop: Shop, story: Callable[[Scene], Awaitable[None]]) -> None:
    async def tell() -> None:
        async with shop.connection() as connection:
            made = []
            for number, name in enumerate(("ana", "beto")):
                request = BookRequest(
                    service_id=shop.services["cut"],
                    location_id=shop.location,
                    starts_at=shop.at("10:00"),
                    provider_id=shop.providers[number],
                    client=Contact(name=name, email=f"{name}@access.example"),
                )
                made.append(await service.book(connection, shop.app, SYSTEM_ACTOR, request))
            await story(Scene(shop, connection, *made))

    asyncio.run(tell())


Act = Callable[[Scene, Actor, UUID], Awaitable[object]]
ACTS: dict[str, Act] = {
    "get": lambda s, who, key: service.get(s.connection, who, key),
    "reschedule": lambda s, who, key: service.reschedule(
        s.connection, s.shop.app, who, key, RescheduleRequest(starts_at=s.shop.at("11:00"))
    ),
    "cancel": lambda s, who, key: service.cancel(
        s.connection, s.shop.app, who, key, CancelRequest()
    ),
    "confirm": lambda s, who, key: service.confirm(
        s.connection, s.shop.app, who, key, ConfirmRequest()
    ),
    "extend": lambda s, who, key: service.extend_hold(s.connection, s.shop.app, who, key),
}


@pytest.mark.parametrize("act", ACTS)
def test_another_clients_booking_does_not_exist(shop: Shop, act: str) -> None:
    async def story(scene: Scene) -> None:
        strangers = [
            scene.her,
            client(UUID(int=5)),
            ANONYMOUS_ACTOR,
            staff("provider", shop.providers[0]),
            staff("provider", None),
        ]
        for stranger in strangers:
            with pytest.raises(NotFoundError) as refused:
                await ACTS[act](scene, stranger, scene.his.id)
            with pytest.raises(NotFoundError) as unknown:
                await ACTS[act](scene, stranger, UUID(int=9))
            assert refused.value.code == unknown.value.code
        with pytest.raises(NotFoundError):
            await service.get_by_code(scene.connection, scene.her, scene.his.code)
        assert (await service.get(scene.connection, staff(), scene.his.id)).version == 1

    play(shop, story)


def test_the_own_booking_is_seen_moved_and_cancelled(shop: Shop) -> None:
    async def story(scene: Scene) -> None:
        assert await service.get(scene.connection, scene.her, scene.hers.id) == scene.hers
        code = scene.hers.code.lower()
        assert await service.get_by_code(scene.connection, scene.her, code) == scene.hers
        await ACTS["reschedule"](scene, scene.her, scene.hers.id)
        await ACTS["cancel"](scene, scene.her, scene.hers.id)

    play(shop, story)


def test_lists_hold_only_what_is_ones_own(shop: Shop) -> None:
    async def story(scene: Scene) -> None:
        async def seen(who: Actor, **conditions: object) -> set[UUID]:
            query = service.BookingQuery(**conditions)  # type: ignore[arg-type]
            page = await service.search(scene.connection, who, query)
            return {booking.id for booking in page.items}

        both = {scene.hers.id, scene.his.id}
        assert await seen(staff()) == both
        assert await seen(api()) == both
        assert scene.his.client is not None
        assert await seen(scene.her, client_id=scene.his.client.id) == {scene.hers.id}
        first, second = staff("provider", shop.providers[0]), shop.providers[1]
        assert await seen(first) == {scene.hers.id}
        with pytest.raises(NotAllowedError):
            await seen(first, provider_id=second)
        assert await seen(staff("provider", None)) == set()
        with pytest.raises(NotAllowedError):
            await seen(ANONYMOUS_ACTOR)
        for outsider in (scene.her, ANONYMOUS_ACTOR):
            with pytest.raises(NotAllowedError):
                await service.agenda(scene.connection, outsider, shop.day)
        agenda = await service.agenda(scene.connection, first, shop.day)
        assert [booking.id for booking in agenda.items] == [scene.hers.id]

    play(shop, story)


def test_a_client_cannot_book_in_anothers_name(shop: Shop) -> None:
    async def story(scene: Scene) -> None:
        assert scene.his.client is not None
        request = BookRequest(
            service_id=shop.services["cut"],
            location_id=shop.location,
            starts_at=shop.at("15:00"),
            client_id=scene.his.client.id,
            client=Contact(name="x", email="beto@access.example"),
        )
        made = await service.book(scene.connection, shop.app, scene.her, request)
        assert made.client == scene.hers.client
        with pytest.raises(NotAllowedError):
            await service.set_status(
                scene.connection, scene.her, scene.hers.id, StatusRequest(status="completed")
            )

    play(shop, story)


def test_a_clients_hold_is_not_confirmed_by_another(shop: Shop) -> None:
    async def story(scene: Scene) -> None:
        request = HoldRequest(
            service_id=shop.services["cut"], location_id=shop.location, starts_at=shop.at("16:00")
        )
        held = await service.hold(scene.connection, shop.app, scene.her, request)
        for other in (client(UUID(int=5)), ANONYMOUS_ACTOR):
            with pytest.raises(NotFoundError):
                await ACTS["confirm"](scene, other, held.id)
        done = await service.confirm(
            scene.connection, shop.app, scene.her, held.id, ConfirmRequest()
        )
        assert done.client == scene.hers.client

    play(shop, story)


def test_a_providers_login_books_into_the_own_agenda_only(shop: Shop) -> None:
    async def story(scene: Scene) -> None:
        login = staff("provider", shop.providers[0])
        wish = {
            "service_id": shop.services["cut"],
            "location_id": shop.location,
            "starts_at": shop.at("15:00"),
            "client": Contact(name="Walk-in"),
        }
        made = await service.book(scene.connection, shop.app, login, BookRequest(**wish))
        assert made.provider.id == shop.providers[0]
        other = BookRequest(**wish, provider_id=shop.providers[1])
        with pytest.raises(NotAllowedError):
            await service.book(scene.connection, shop.app, login, other)
        away = RescheduleRequest(starts_at=shop.at("16:00"), provider_id=shop.providers[1])
        with pytest.raises(NotAllowedError):
            await service.reschedule(scene.connection, shop.app, login, made.id, away)

    play(shop, story)


def test_hours_and_clients_of_others_are_closed_too(shop: Shop) -> None:
    async def story(scene: Scene) -> None:
        login = staff("provider", shop.providers[0])
        with pytest.raises(NotAllowedError):
            await providers.get_hours(scene.connection, login, shop.providers[1])
        with pytest.raises(NotAllowedError):
            await providers.set_hours(
                scene.connection, login, shop.providers[1], Week(version=1, hours=())
            )
        assert scene.his.client is not None
        assert scene.hers.client is not None
        with pytest.raises(NotFoundError):
            await clients.get_client(scene.connection, scene.her, scene.his.client.id)
        own = await clients.get_client(scene.connection, scene.her, scene.hers.client.id)
        assert own.email == "ana@access.example"

    play(shop, story)


def test_a_client_keeps_few_times_at_once(shop: Shop) -> None:
    async def story(scene: Scene) -> None:
        def wish(hour: int) -> HoldRequest:
            return HoldRequest(
                service_id=shop.services["cut"],
                location_id=shop.location,
                starts_at=shop.at(f"{hour}:00"),
                provider_id=shop.providers[2],
            )

        held = [
            await service.hold(scene.connection, shop.app, scene.her, wish(hour))
            for hour in (10, 11, 12, 14, 15)
        ]
        with pytest.raises(TooManyHoldsError):
            await service.hold(scene.connection, shop.app, scene.her, wish(16))
        await ACTS["cancel"](scene, scene.her, held[0].id)
        await service.hold(scene.connection, shop.app, scene.her, wish(16))

    play(shop, story)
