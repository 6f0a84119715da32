"""Resources, and which of them a service needs."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field, field_validator

from barberpro_app.kit.schemas import Answer, Line, Name, Request, Version

Kind = Annotated[Line, Field(min_length=1, max_length=40)]
Sort = Annotated[int, Field(ge=0, le=1_000_000)]


class Resource(Answer):
    """One chair, room or machine at a location; one booking at a time can use it."""

    id: UUID
    location_id: UUID
    kind: str
    name: str
    active: bool
    sort: int
    version: int


class ResourceList(Answer):
    """Resources by location and kind, in the order of the business."""

    items: list[Resource]


class ResourceDraft(Request):
    """A new resource. Its location and kind stay; another kind is another resource."""

    location_id: UUID
    kind: Kind
    name: Name
    sort: Sort = 0


class ResourcePatch(Request):
    """What to change of a resource that was read at `version`. One that is not active is taken by
    no new booking."""

    version: Version
    name: Name | None = None
    active: bool | None = None
    sort: Sort | None = None


class Need(Request):
    """So many of a kind are taken with each booking."""

    kind: Kind
    count: Annotated[int, Field(ge=1, le=5)] = 1


class Needs(Request):
    """All that a service needs; an empty list for nothing."""

    items: Annotated[tuple[Need, ...], Field(max_length=10)]

    @field_validator("items")
    @classmethod
    def _each_kind_once(cls, items: tuple[Need, ...]) -> tuple[Need, ...]:
        if len({item.kind for item in items}) != len(items):
            raise ValueError("each kind once")
        return items


class NeedList(Answer):
    """What a service needs."""

    items: list[Need]
