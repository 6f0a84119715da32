"""What the app is given: ``app.json`` and ``seed.json`` (docs/reference/app-contract.md).

``app.json`` lacks here what only the target knows: the public URL and the mail server's host and
port. The target adds ``public_url`` and the rest of ``mail``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import JsonValue

from barberpro.catalog.model import Catalog, Vertical
from barberpro.planning.model import Network, Protection, Request, Workload
from barberpro.planning.monitors import ONLINE_METHODS

APP_SCHEMA_VERSION = 1
LOCALE: Literal["es-AR"] = "es-AR"
LOCALES = ("es-AR", "en")


def make_application(
    identifier: str,
    request: Request,
    catalog: Catalog,
    workloads: Iterable[Workload],
    network: Network,
    protection: Protection,
) -> dict[str, JsonValue]:
    """``app.json`` of the deployment ``identifier``, less what only the target knows."""
    vertical = catalog.verticals[request.vertical]
    region = catalog.regions[request.region]
    seed = catalog.seeds[request.vertical]
    clinical = next((kept.years for kept in protection.retention if kept.clinical), None)
    services: list[JsonValue] = [workload.name for workload in workloads]
    features: dict[str, JsonValue] = dict(sorted(vertical.features.items()))
    return {
        "schema_version": APP_SCHEMA_VERSION,
        "deployment_id": identifier,
        "environment": request.environment,
        "brand": {
            "name": request.name,
            "tagline": vertical.brand.tagline[LOCALE],
            "primary_color": vertical.brand.primary_color,
            "accent_color": vertical.brand.accent_color,
            "contact_email": _owner_email(request, catalog),
            "contact_phone": seed.locations[0].phone,
        },
        "vertical": vertical.id,
        "locale": LOCALE,
        "locales": list(LOCALES),
        "timezone": region.timezone,
        "country": region.country,
        "currency": region.currency,
        "words": catalog.words[request.vertical].as_contract(),
        "services": services,
        "features": features,
        "policies": vertical.policies.model_dump(mode="json"),
        "payments": {"methods": list(offered_methods(vertical))},
        "mail": {"from": f"{_mailbox(request, catalog)}@{network.hostname}"},
        "compliance": {
            "health_data": vertical.health_data,
            "clinical_retention_years": clinical,
            "audit_trail": protection.audit_trail,
        },
    }


def offered_methods(vertical: Vertical) -> tuple[str, ...]:
    """How clients can pay now: an online method only with the credentials of the owner's own account
    at the payment provider, which no request can hold yet."""
    return tuple(name for name in vertical.payments.methods if name not in ONLINE_METHODS)


def make_seed(request: Request, catalog: Catalog) -> dict[str, JsonValue]:
    """``seed.json``: the vertical's first data, with the owner that the request names."""
    seed = catalog.seeds[request.vertical].as_contract()
    if request.owner_email is not None:
        seed["owner"] = {"name": request.name, "email": request.owner_email}
    return seed


def _owner_email(request: Request, catalog: Catalog) -> str:
    return request.owner_email or catalog.seeds[request.vertical].owner.email


def _mailbox(request: Request, catalog: Catalog) -> str:
    """The vertical's own word for bookings, as in ``turnos@...``; ASCII because a mailbox is."""
    word = catalog.words[request.vertical].es_ar.bookings.lower()
    return word if word.isascii() and word.isalnum() else "turnos"
