"""The platform's side of the contract with the app (docs/reference/app-contract.md), as types.

A plan carries ``app.json`` less what only the target knows, and ``seed.json``. Both are checked
here before anything is provisioned, so that a mistake in a vertical's files is named by its key
instead of surfacing as a process that does not start.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, ValidationError

from barberpro.planning.findings import Finding, Severity

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")]
Clock = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$")]
Email = Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+$")]

WORDS = frozenset(
    {
        "booking", "bookings", "book", "provider", "providers", "service", "services", "client",
        "clients", "location", "locations", "any_provider", "agenda", "booking_gender",
        "provider_gender",
    }
)  # fmt: skip


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Brand(Strict):
    name: Text
    tagline: str = ""
    primary_color: Colour
    accent_color: Colour
    contact_email: str = ""
    contact_phone: str = ""


class Policies(Strict):
    hold_minutes: int = Field(ge=1)
    slot_minutes: int = Field(ge=1)
    booking_window_days: int = Field(ge=1)
    minimum_notice_minutes: int = Field(ge=0)
    cancel_notice_hours: int = Field(ge=0)
    reschedule_notice_hours: int = Field(ge=0)


class Payments(Strict):
    methods: tuple[Literal["cash", "transfer", "mercado-pago"], ...] = Field(min_length=1)


class Mail(Strict):
    host: str = ""
    port: int = 0
    sender: str = Field(alias="from")
    username: str = ""
    starttls: bool = False


class Compliance(Strict):
    health_data: bool
    clinical_retention_years: int | None
    audit_trail: Text


class Application(Strict):
    """``app.json``; ``public_url`` and ``mail`` are the target's to fill in."""

    schema_version: Literal[1]
    deployment_id: Text
    environment: Literal["production", "staging", "development"]
    brand: Brand
    vertical: Text
    locale: Text
    locales: tuple[Text, ...] = Field(min_length=1)
    timezone: Text
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
    words: dict[str, dict[str, str]]
    public_url: str = ""
    services: tuple[Key, ...] = Field(min_length=1)
    features: dict[str, JsonValue]
    policies: Policies
    payments: Payments
    mail: Mail | None = None
    compliance: Compliance


class Owner(Strict):
    name: Text
    email: Email


class Location(Strict):
    key: Key
    name: Text
    address: str = ""
    phone: str = ""


class Hours(Strict):
    weekdays: tuple[Annotated[int, Field(ge=1, le=7)], ...] = Field(min_length=1)
    start: Clock = Field(alias="from")
    end: Clock = Field(alias="to")
    breaks: tuple[tuple[Clock, Clock], ...] = ()


class Provider(Strict):
    key: Key
    name: Text
    email: Email
    bio: str = ""
    locations: tuple[Key, ...] = Field(min_length=1)
    hours: tuple[Hours, ...] = Field(min_length=1)


class Service(Strict):
    key: Key
    name: dict[str, Text]
    description: dict[str, str] = {}
    minutes: int = Field(ge=1, le=24 * 60)
    buffer_before: int = Field(default=0, ge=0)
    buffer_after: int = Field(default=0, ge=0)
    price_centavos: int = Field(ge=0)
    capacity: int = Field(default=1, ge=1, le=500)
    providers: tuple[Key, ...] = Field(min_length=1)


class GroupClass(Strict):
    service: Key
    provider: Key
    weekdays: tuple[Annotated[int, Field(ge=1, le=7)], ...] = Field(min_length=1)
    at: Clock
    place: str = Field(default="", max_length=80)


class Seed(Strict):
    schema_version: Literal[1]
    owner: Owner
    locations: tuple[Location, ...] = Field(min_length=1)
    providers: tuple[Provider, ...] = Field(min_length=1)
    services: tuple[Service, ...] = Field(min_length=1)
    classes: tuple[GroupClass, ...] = ()


def check_application(values: Mapping[str, object]) -> Iterator[Finding]:
    """Findings on ``app.json``: unknown or missing keys, and words without a translation."""
    try:
        application = Application.model_validate(values)
    except ValidationError as error:
        yield from _invalid("app.json", error)
        return
    if application.locale not in application.locales:
        yield _fault("app.json", "locale", "the default locale is not one of the locales")
    for locale in application.locales:
        missing = sorted(WORDS - application.words.get(locale, {}).keys())
        if missing:
            where = f"words.{locale}"
            yield _fault("app.json", where, f"words are missing: {', '.join(missing)}")


def check_seed(values: Mapping[str, object]) -> Iterator[Finding]:
    """Findings on ``seed.json``: its shape, its references and its hours."""
    try:
        seed = Seed.model_validate(values)
    except ValidationError as error:
        yield from _invalid("seed.json", error)
        return
    locations = {location.key for location in seed.locations}
    providers = {provider.key for provider in seed.providers}
    for provider in seed.providers:
        for unknown in sorted(set(provider.locations) - locations):
            yield _fault("seed.json", f"providers.{provider.key}", f"no location {unknown!r}")
        for hours in provider.hours:
            spans = [(hours.start, hours.end), *hours.breaks]
            if any(start >= end for start, end in spans):
                where = f"providers.{provider.key}.hours"
                yield _fault("seed.json", where, "a period ends before it begins")
    for service in seed.services:
        for unknown in sorted(set(service.providers) - providers):
            yield _fault("seed.json", f"services.{service.key}", f"no provider {unknown!r}")
    groups = {service.key: service.providers for service in seed.services if service.capacity > 1}
    for line in seed.classes:
        if line.provider not in groups.get(line.service, ()):
            what = f"{line.provider!r} gives no group {line.service!r}"
            yield _fault("seed.json", f"classes.{line.service}", what)


def _invalid(file: str, error: ValidationError) -> Iterator[Finding]:
    for problem in error.errors():
        yield _fault(file, ".".join(str(part) for part in problem["loc"]), problem["msg"])


def _fault(file: str, where: str, what: str) -> Finding:
    slug = re.sub(r"[^a-z0-9]+", "-", f"{file} {where}".lower()).strip("-")
    return Finding(
        id=f"contract-{slug}",
        severity=Severity.BLOCKING,
        what=f"{file}: {where}: {what}",
        where=f"{file}: {where}",
        why="docs/reference/app-contract.md",
        mend="correct the vertical's file in the catalog and plan again",
    )
