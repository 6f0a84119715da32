"""What the deployment will do with personal data: where it rests, how long, how it is protected."""

from __future__ import annotations

from collections.abc import Iterator

from barberpro.catalog.model import Catalog, Provider, ProviderLocation, Vertical
from barberpro.planning.model import DataLocation, Protection, Request, Retention

CLINICAL_RECORD = "clinical-record"
BOOKING_AND_CLIENT = "booking-and-client"
PERSONAL_DATA = "personal_data"
VOLUME_LAYER = "volume"
FIELD_LAYER = "field"
TLS_MINIMUM = "1.3"


def location_of(request: Request, catalog: Catalog) -> ProviderLocation:
    """The location that the request names, or the provider's default one."""
    provider = catalog.providers[request.provider]
    if request.provider_location is None:
        return provider.default
    return provider.locations[request.provider_location]


def make_protection(request: Request, catalog: Catalog) -> Protection:
    vertical = catalog.verticals[request.vertical]
    provider = catalog.providers[request.provider]
    return Protection(
        data_classification=_classification(vertical, catalog),
        locations=tuple(_locations(request, provider, location_of(request, catalog))),
        retention=tuple(_retention(request, vertical)),
        tls_minimum=TLS_MINIMUM,
        encryption_layers=tuple(_layers(vertical, provider)),
        card_data=False,  # payments are made at the provider's own page: no form of ours takes a card
        audit_trail=vertical.compliance.audit_trail,
    )


def _classification(vertical: Vertical, catalog: Catalog) -> str:
    """A booking at a health professional says something of a person's health (Ley 25.326 art. 2)."""
    policy = catalog.policies.healthcare_compliance
    if vertical.health_data or vertical.id in policy.applies_to:
        return policy.data_classification
    return PERSONAL_DATA


def _locations(
    request: Request, provider: Provider, location: ProviderLocation
) -> Iterator[DataLocation]:
    yield DataLocation(
        what="database, files and backups",
        country=location.country,
        place=f"{provider.name}, {location.name}",
    )
    if request.target == "kubernetes":
        yield DataLocation(
            what="secrets, configuration and logs of the control plane",
            country=location.control_plane_country,
            place=f"{provider.name}, control plane of {location.name}",
        )


def _retention(request: Request, vertical: Vertical) -> Iterator[Retention]:
    """Clinical records are reviewed after their time, never erased by age alone (DESIGN §9). A
    vertical that keeps them without saying how long falls back to its general figure."""
    compliance = vertical.compliance
    if vertical.clinical_records:
        yield Retention(
            record_class=CLINICAL_RECORD,
            years=request.clinical_retention_years
            or compliance.clinical_record_retention
            or compliance.data_retention_default,
            clinical=True,
            on_expiry="review",
        )
    yield Retention(
        record_class=BOOKING_AND_CLIENT,
        years=compliance.data_retention_default,
        clinical=False,
        on_expiry="erase",
    )


def _layers(vertical: Vertical, provider: Provider) -> Iterator[str]:
    """The meaning of the manual's ``double_encryption``: the volume, and the field with another key."""
    if any(storage.encrypted_at_rest for storage in provider.storage_classes):
        yield VOLUME_LAYER
    if vertical.health_data:
        yield FIELD_LAYER
