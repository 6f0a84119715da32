"""What the business offers, as the public pages show it: places, services, people, rules."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from barberpro_app.audit.trail import Actor
from barberpro_app.catalog.schemas import Service
from barberpro_app.catalog.service import list_services
from barberpro_app.client.service import get_client
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import NotFoundError
from barberpro_app.location.schemas import Location
from barberpro_app.location.service import list_locations
from barberpro_app.policy.service import get_policies
from barberpro_app.provider.service import list_providers
from barberpro_app.settings import Policies
from barberpro_app.web.parts.booking_view import in_language
from barberpro_app.web.parts.choosing import Wish
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.rendering import Reader


@dataclass(frozen=True)
class Offered:
    """A service in the reader's language; minutes and price of whom the visitor wants."""

    id: UUID
    name: str
    description: str
    minutes: int
    price_centavos: int
    #: given to a group at times of its own, so not together with others in a visit
    group: bool = False
    category: str = ""


@dataclass(frozen=True)
class Person:
    """A provider that can be chosen."""

    id: UUID
    name: str


@dataclass(frozen=True)
class Choice:
    """What somebody is about to book, checked: the service is given there by whom they want."""

    wish: Wish
    service: Offered
    location: Location
    many_locations: bool
    providers: list[Person]
    provider: Person | None
    policies: Policies


async def locations(connection: Connection) -> list[Location]:
    return await list_locations(connection)


async def address_of(connection: Connection, location_id: UUID) -> str:
    """Also of a location that is closed by now: bookings keep it."""
    every = await list_locations(connection, inactive=True)
    return next((item.address for item in every if item.id == location_id), "")


async def services(connection: Connection, reader: Reader, location_id: UUID) -> list[Offered]:
    """What somebody gives at this location."""
    here = {person.id for person in await _people(connection, location_id)}
    return [
        offered(reader, service, None)
        for service in await list_services(connection)
        if any(item.provider_id in here for item in service.offered_by)
    ]


async def choose(connection: Connection, reader: Reader, wish: Wish) -> Choice:
    """Raises `NotFoundError` where the service or the location is not offered (any more).

    A provider who does not give the service there counts as anybody.
    """
    places = await list_locations(connection)
    location = next((item for item in places if item.id == wish.location_id), None)
    known = {item.id: item for item in await list_services(connection)}
    if location is None or any(key not in known for key, _ in wish.lines):
        raise NotFoundError
    chosen = [known[key] for key, _ in wish.lines]
    giving = set.intersection(*({who.provider_id for who in s.offered_by} for s in chosen))
    people = [item for item in await _people(connection, location.id) if item.id in giving]
    provider = next((item for item in people if item.id == wish.provider_id), None)
    provider_id = provider.id if provider else None
    return Choice(
        wish=Wish(wish.service_id, location.id, provider_id, wish.others),
        service=_together([offered(reader, service, provider_id) for service in chosen]),
        location=location,
        many_locations=len(places) > 1,
        providers=people,
        provider=provider,
        policies=await policies(connection, reader),
    )


def _together(services: list[Offered]) -> Offered:
    """Several services as one, for a page that sums them up."""
    if len(services) == 1:
        return services[0]
    return Offered(
        services[0].id,
        " + ".join(item.name for item in services),
        "",
        sum(item.minutes for item in services),
        sum(item.price_centavos for item in services),
    )


async def policies(connection: Connection, reader: Reader) -> Policies:
    """The rules as the owner set them."""
    return (await get_policies(connection, reader.app)).policies


async def known_client(connection: Connection, reader: Reader) -> Form:
    """The form of details of a signed-in client, who need not say who they are."""
    client_id = reader.principal.client_id
    if reader.principal.kind != "client" or client_id is None:
        return Form.empty()
    client = await get_client(connection, Actor(reader.principal), client_id)
    return Form.empty(nombre=client.name)


async def _people(connection: Connection, location_id: UUID) -> list[Person]:
    return [
        Person(item.id, item.name)
        for item in await list_providers(connection, location_id=location_id)
    ]


def offered(reader: Reader, service: Service, provider_id: UUID | None) -> Offered:
    """A service in the reader's language, as this provider gives it."""
    minutes, price = service.minutes, service.price_centavos
    for item in service.offered_by:
        if item.provider_id == provider_id:
            minutes, price = item.minutes, item.price_centavos
    return Offered(
        service.id,
        in_language(service.name, reader.locale, reader.app.locale),
        in_language(service.description, reader.locale, reader.app.locale),
        minutes,
        price,
        service.capacity > 1,
        in_language(service.category, reader.locale, reader.app.locale),
    )
