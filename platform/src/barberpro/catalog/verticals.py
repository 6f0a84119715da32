"""What a vertical is: features, compliance, services, words and the first data of a deployment."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, JsonValue, WithJsonSchema

from barberpro.catalog.figures import ClockTime, Color, Model, Multiplier, Slug, Text, Years

LOCALES = ("es-AR", "en")
Gender = Literal["m", "f"]
Trait = Literal["health-data", "clinical-records", "video-sessions", "minors"]


def _both_languages(names: dict[str, str]) -> dict[str, str]:
    if missing := [locale for locale in LOCALES if locale not in names]:
        raise ValueError(f"expected the same text in {missing[0]} too")
    return names


Names = Annotated[
    dict[Literal["es-AR", "en"], Text],
    AfterValidator(_both_languages),
    WithJsonSchema(
        {
            "type": "object",
            "description": "The same text in both languages.",
            "properties": {
                locale: {"type": "string", "minLength": 1, "maxLength": 2000} for locale in LOCALES
            },
            "required": list(LOCALES),
            "additionalProperties": False,
        }
    ),
]


class ResourceAllocation(Model):
    """What the vertical needs in proportion to the market's figures (manual, per vertical)."""

    cpu_multiplier: Multiplier
    memory_multiplier: Multiplier
    storage_multiplier: Multiplier


class VerticalCompliance(Model):
    """The manual's keys, and the traits by which controls apply.

    ``data_retention_default`` is for data with no legal floor; ``clinical_record_retention`` counts
    from the last entry of a clinical record (Ley 26.529 art. 18: at least 10 years).
    """

    gdpr_article_9: bool = False
    session_recording_encryption: Literal["end_to_end", "none"] = "none"
    provider_verification: Literal["none", "basic", "enhanced"] = "none"
    privacy_controls: Literal["standard", "advanced"] = "standard"
    data_retention_default: Years
    clinical_record_retention: Years | None = None
    audit_trail: Literal["standard", "comprehensive"] = "standard"
    traits: tuple[Trait, ...] = ()


class Brand(Model):
    """Colours have at least WCAG AA contrast (4.5:1) for white text on ``primary_color``."""

    primary_color: Color
    accent_color: Color
    tagline: Names


class BookingPolicies(Model):
    """Rules of booking, in minutes, days and hours as named; passed to the app unchanged."""

    hold_minutes: Annotated[int, Field(ge=1, le=60)]
    slot_minutes: Annotated[int, Field(ge=5, le=240)]
    booking_window_days: Annotated[int, Field(ge=1, le=730)]
    minimum_notice_minutes: Annotated[int, Field(ge=0, le=43200)]
    cancel_notice_hours: Annotated[int, Field(ge=0, le=720)]
    reschedule_notice_hours: Annotated[int, Field(ge=0, le=720)]


class Payments(Model):
    methods: Annotated[
        tuple[Literal["cash", "transfer", "card", "mercado-pago"], ...], Field(min_length=1)
    ]


class Vertical(Model):
    """One kind of service business (``verticals/<id>/vertical.yaml``)."""

    vertical: Slug
    name: Names
    description: Names
    features: dict[Slug, bool]
    compliance: VerticalCompliance
    specialized_services: Annotated[tuple[Slug, ...], Field(max_length=20)]
    resource_allocation: ResourceAllocation
    brand: Brand
    policies: BookingPolicies
    payments: Payments

    @property
    def id(self) -> str:
        return self.vertical

    @property
    def health_data(self) -> bool:
        return "health-data" in self.compliance.traits

    @property
    def clinical_records(self) -> bool:
        return "clinical-records" in self.compliance.traits

    @property
    def specialized_workloads(self) -> tuple[str, ...]:
        """Names as DNS labels: ``session_recording_service`` is ``session-recording-service``."""
        return tuple(name.replace("_", "-") for name in self.specialized_services)


class WordSet(Model):
    """A vertical's own words in one language (docs/reference/app-contract.md)."""

    booking: Text
    bookings: Text
    book: Text
    provider: Text
    providers: Text
    service: Text
    services: Text
    client: Text
    clients: Text
    location: Text
    locations: Text
    any_provider: Text
    agenda: Text
    booking_gender: Gender
    provider_gender: Gender


class Words(Model):
    """Both languages are complete (``verticals/<id>/words.yaml``)."""

    es_ar: Annotated[WordSet, Field(alias="es-AR")]
    en: WordSet

    def as_contract(self) -> dict[str, JsonValue]:
        """As ``words`` stands in app.json."""
        return self.model_dump(mode="json", by_alias=True)


class Owner(Model):
    name: Text
    email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=254)]


class Location(Model):
    key: Slug
    name: Text
    address: Text
    phone: Text


class Hours(Model):
    """Working hours on ISO weekdays (1 is Monday), local time, breaks inside them."""

    weekdays: Annotated[
        tuple[Annotated[int, Field(ge=1, le=7)], ...], Field(min_length=1, max_length=7)
    ]
    from_: Annotated[ClockTime, Field(alias="from")]
    to: ClockTime
    breaks: tuple[tuple[ClockTime, ClockTime], ...] = ()


class SeedProvider(Model):
    key: Slug
    name: Text
    email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=254)]
    bio: Text
    locations: Annotated[tuple[Slug, ...], Field(min_length=1)]
    hours: Annotated[tuple[Hours, ...], Field(min_length=1)]


class SeedService(Model):
    """Price in centavos of ARS; durations and buffers in minutes."""

    key: Slug
    name: Names
    description: Names
    minutes: Annotated[int, Field(ge=5, le=480)]
    buffer_before: Annotated[int, Field(ge=0, le=120)]
    buffer_after: Annotated[int, Field(ge=0, le=120)]
    price_centavos: Annotated[int, Field(ge=0, le=10**12)]
    capacity: Annotated[int, Field(ge=1, le=500)] = 1
    providers: Annotated[tuple[Slug, ...], Field(min_length=1)]


class SeedClass(Model):
    """A class of the weekly timetable, on ISO weekdays at a local hour, at its provider's location."""

    service: Slug
    provider: Slug
    weekdays: Annotated[
        tuple[Annotated[int, Field(ge=1, le=7)], ...], Field(min_length=1, max_length=7)
    ]
    at: ClockTime
    place: Annotated[str, Field(max_length=80)] = ""


class Seed(Model):
    """First data of a new deployment (``verticals/<id>/seed.yaml``)."""

    schema_version: Literal[1]
    owner: Owner
    locations: Annotated[tuple[Location, ...], Field(min_length=1)]
    providers: Annotated[tuple[SeedProvider, ...], Field(min_length=1)]
    services: Annotated[tuple[SeedService, ...], Field(min_length=1)]
    classes: tuple[SeedClass, ...] = ()

    def as_contract(self) -> dict[str, JsonValue]:
        """As seed.json stands in docs/reference/app-contract.md."""
        without = None if self.classes else {"classes"}
        return self.model_dump(mode="json", by_alias=True, exclude=without)
