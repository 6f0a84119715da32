"""Services: what can be booked."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from barberpro_app.kit.schemas import (
    Answer,
    Centavos,
    Key,
    Line,
    Locale,
    Name,
    Request,
    Sentence,
    Version,
)

Minutes = Annotated[int, Field(ge=5, le=720)]
Buffer = Annotated[int, Field(ge=0, le=240)]
#: Of a group; 1 is a service that is given to one client at a time.
Capacity = Annotated[int, Field(ge=1, le=500)]
Sort = Annotated[int, Field(ge=0, le=1_000_000)]
Names = Annotated[dict[Locale, Name], Field(min_length=1, max_length=10)]
Descriptions = Annotated[
    dict[Locale, Annotated[Sentence, Field(max_length=1000)]], Field(max_length=10)
]


Category = Annotated[
    dict[Locale, Annotated[Line, Field(min_length=1, max_length=60)]], Field(max_length=10)
]


class OfferedBy(Answer):
    """Who gives a service, with minutes and price as that provider gives it."""

    provider_id: UUID
    minutes: int
    price_centavos: int


class Service(Answer):
    """A service. `offered_by` has the active providers in the order of the business; services of one
    `category` are shown together."""

    id: UUID
    key: str
    name: dict[str, str]
    description: dict[str, str]
    category: dict[str, str]
    minutes: int
    buffer_before: int
    buffer_after: int
    price_centavos: int
    capacity: int
    active: bool
    sort: int
    version: int
    offered_by: list[OfferedBy]


class ServiceList(Answer):
    """All services, in the order of the business."""

    items: list[Service]


class ServiceDraft(Request):
    """A new service; `providers` give it from the start."""

    key: Key
    name: Names
    description: Descriptions = Field(default_factory=dict)
    category: Category = Field(default_factory=dict)
    minutes: Minutes
    buffer_before: Buffer = 0
    buffer_after: Buffer = 0
    price_centavos: Centavos
    capacity: Capacity = 1
    sort: Sort = 0
    providers: Annotated[tuple[UUID, ...], Field(max_length=1000)] = ()


class ServicePatch(Request):
    """What to change of a service that was read at `version`; what is left out stays."""

    version: Version
    name: Names | None = None
    description: Descriptions | None = None
    category: Category | None = None
    minutes: Minutes | None = None
    buffer_before: Buffer | None = None
    buffer_after: Buffer | None = None
    price_centavos: Centavos | None = None
    capacity: Capacity | None = None
    active: bool | None = None
    sort: Sort | None = None


class OfferTerms(Request):
    """Own minutes and price of a provider; none means the service's."""

    minutes: Minutes | None = None
    price_centavos: Centavos | None = None
