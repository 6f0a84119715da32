"""`seed.json`, schema version 1 (docs/reference/app-contract.md)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, ValidationError, model_validator

from barberpro_app.kit.errors import ConfigurationError
from barberpro_app.kit.minutes import TimeOfDay
from barberpro_app.kit.schemas import Centavos, Email, Key, Line, Locale, Name, Request, Sentence

MAX_BYTES = 4_000_000
Weekday = Annotated[int, Field(ge=1, le=7, strict=True)]


class _Part(Request):
    model_config = ConfigDict(populate_by_name=True)


class SeedOwner(_Part):
    name: Name
    email: Email


class SeedLocation(_Part):
    key: Key
    name: Name
    address: Line = ""
    phone: Annotated[Line, Field(max_length=40)] = ""


class SeedHours(_Part):
    weekdays: Annotated[tuple[Weekday, ...], Field(min_length=1, max_length=7)]
    opens: Annotated[TimeOfDay, Field(alias="from")]
    closes: Annotated[TimeOfDay, Field(alias="to")]
    breaks: Annotated[tuple[tuple[TimeOfDay, TimeOfDay], ...], Field(max_length=10)] = ()
    location: Key | None = None

    @model_validator(mode="after")
    def _in_order(self) -> SeedHours:
        if self.opens >= self.closes:
            raise ValueError("`from` must be before `to`")
        for starts, ends in self.breaks:
            if not self.opens <= starts < ends <= self.closes:
                raise ValueError("a break must lie within the hours")
        return self


class SeedProvider(_Part):
    key: Key
    name: Name
    email: Email | None = None
    bio: Annotated[Sentence, Field(max_length=1000)] = ""
    locations: Annotated[tuple[Key, ...], Field(min_length=1, max_length=100)]
    hours: Annotated[tuple[SeedHours, ...], Field(max_length=50)] = ()


class SeedService(_Part):
    key: Key
    name: Annotated[dict[Locale, Name], Field(min_length=1, max_length=10)]
    description: Annotated[
        dict[Locale, Annotated[Sentence, Field(max_length=1000)]], Field(max_length=10)
    ] = Field(default_factory=dict)
    minutes: Annotated[int, Field(ge=5, le=720, strict=True)]
    buffer_before: Annotated[int, Field(ge=0, le=240, strict=True)] = 0
    buffer_after: Annotated[int, Field(ge=0, le=240, strict=True)] = 0
    price_centavos: Annotated[Centavos, Field(strict=True)]
    capacity: Annotated[int, Field(ge=1, le=500, strict=True)] = 1
    providers: Annotated[tuple[Key, ...], Field(max_length=1000)] = ()


class SeedClass(_Part):
    """A line of the timetable, on each of its weekdays, at the provider's first location."""

    service: Key
    provider: Key
    weekdays: Annotated[tuple[Weekday, ...], Field(min_length=1, max_length=7)]
    at: Annotated[TimeOfDay, Field(le=1439)]
    place: Annotated[Line, Field(max_length=80)] = ""
    capacity: Annotated[int, Field(ge=1, le=500, strict=True)] | None = None


class Seed(_Part):
    schema_version: Literal[1]
    owner: SeedOwner
    locations: Annotated[tuple[SeedLocation, ...], Field(min_length=1, max_length=200)]
    providers: Annotated[tuple[SeedProvider, ...], Field(max_length=1000)] = ()
    services: Annotated[tuple[SeedService, ...], Field(max_length=1000)] = ()
    classes: Annotated[tuple[SeedClass, ...], Field(max_length=500)] = ()

    @model_validator(mode="after")
    def _refers_to_what_is_there(self) -> Seed:
        for kind, parts in (
            ("locations", self.locations),
            ("providers", self.providers),
            ("services", self.services),
        ):
            keys = [part.key for part in parts]
            if twice := next((key for key in keys if keys.count(key) > 1), None):
                raise ValueError(f"{kind}: the key {twice!r} is there twice")
        locations = {location.key for location in self.locations}
        providers = {provider.key for provider in self.providers}
        for provider in self.providers:
            own = set(provider.locations)
            named = own | {hours.location for hours in provider.hours if hours.location}
            if unknown := sorted(named - locations):
                raise ValueError(f"providers: {provider.key}: no location {unknown[0]!r}")
        for service in self.services:
            if unknown := sorted(set(service.providers) - providers):
                raise ValueError(f"services: {service.key}: no provider {unknown[0]!r}")
        groups = {item.key: set(item.providers) for item in self.services if item.capacity > 1}
        for line in self.classes:
            if line.provider not in groups.get(line.service, ()):
                raise ValueError(f"classes: {line.provider!r} gives no group {line.service!r}")
        return self


def parse_seed(content: bytes, source: str = "seed.json") -> Seed:
    """The seed of a file's bytes. Raises `ConfigurationError` with the file, the keys and why."""
    if len(content) > MAX_BYTES:
        raise ConfigurationError(
            f"the seed has more than {MAX_BYTES} bytes\n  where: {source}\n  mend: split it"
        )
    try:
        return Seed.model_validate_json(content)
    except ValidationError as error:
        lines = ["the seed is not valid", f"  where: {source}"]
        for item in error.errors(include_url=False, include_input=False)[:10]:
            key = ".".join(str(part) for part in item["loc"]) or "(the whole file)"
            lines.append(f"  mend: {key}: {item['msg']}")
        raise ConfigurationError("\n".join(lines)) from error
