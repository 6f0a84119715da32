"""The JSON API: of every deployment, and of the services that a deployment enables.

A service's modules are imported only where it is enabled, so that a business that does not take
payments online, say, does not load the libraries for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module

from fastapi import APIRouter

from barberpro_app.approval import endpoints as approval
from barberpro_app.attendance import endpoints as attendance
from barberpro_app.availability import endpoints as availability
from barberpro_app.booking import endpoints as booking
from barberpro_app.brand import endpoints as brand
from barberpro_app.catalog import endpoints as catalog
from barberpro_app.client import endpoints as client
from barberpro_app.contact_channel import endpoints as contact_channel
from barberpro_app.group_session import endpoints as group_session
from barberpro_app.integration_processor import endpoints as integrations
from barberpro_app.kit.share import Share
from barberpro_app.location import endpoints as location
from barberpro_app.policy import endpoints as policy
from barberpro_app.provider import endpoints as provider
from barberpro_app.reminders import endpoints as reminders
from barberpro_app.report import endpoints as report
from barberpro_app.resource import endpoints as resource
from barberpro_app.series import endpoints as series
from barberpro_app.team_notices import endpoints as team_notices
from barberpro_app.visit import endpoints as visit
from barberpro_app.waiting_list import endpoints as waiting_list
from barberpro_app.walk_in import endpoints as walk_in

ROUTERS: tuple[APIRouter, ...] = (
    booking.router,
    visit.router,
    approval.router,
    attendance.router,
    group_session.router,
    series.router,
    waiting_list.router,
    walk_in.router,
    availability.router,
    catalog.router,
    provider.router,
    resource.router,
    location.router,
    client.router,
    policy.router,
    brand.router,
    report.router,
    contact_channel.router,
    reminders.router,
    team_notices.router,
    integrations.router,
)

#: base service -> its share of these where it runs apart; what nobody owns is the gateway's.
OWNED: Mapping[str, tuple[APIRouter, ...]] = {
    "booking": (
        booking.router,
        visit.router,
        approval.router,
        attendance.router,
        group_session.router,
        series.router,
        waiting_list.router,
        walk_in.router,
        availability.router,
    ),
    "catalog": (catalog.router, resource.router, location.router),
    "provider": (provider.router,),
    "client": (client.router, contact_channel.router),
    "notification": (reminders.router,),
}

_RECORD = "barberpro_app.clinical_records.endpoints"
_BODY = "barberpro_app.body_data.endpoints"

#: service -> modules with a `router`, in the order of the documentation.
BY_SERVICE: Mapping[str, tuple[str, ...]] = {
    "whatsapp-webhook": ("barberpro_app.whatsapp_webhook.endpoints",),
    "calendar-sync": (
        "barberpro_app.calendar_sync.endpoints",
        "barberpro_app.calendar_sync.hooks",
    ),
    "encrypted-notes-service": (_RECORD, "barberpro_app.encrypted_notes.endpoints"),
    "provider-verification-service": ("barberpro_app.provider_verification.endpoints",),
    "privacy-compliance-service": ("barberpro_app.privacy_compliance.endpoints",),
    "session-recording-service": (_RECORD, "barberpro_app.session_recording.endpoints"),
    "odontogram-service": (_RECORD, "barberpro_app.odontogram.endpoints"),
    "treatment-plan-service": (_RECORD, "barberpro_app.treatment_plan.endpoints"),
    "media-processor": ("barberpro_app.media_processor.endpoints",),
    "portfolio-service": (
        "barberpro_app.media_processor.endpoints",
        "barberpro_app.portfolio.endpoints",
    ),
    "social-sharing-service": ("barberpro_app.social_sharing.endpoints",),
    "loyalty-program-service": ("barberpro_app.loyalty.endpoints",),
    "biometric-integration-service": (_BODY, "barberpro_app.biometric_integration.endpoints"),
    "progress-tracking-service": (_BODY, "barberpro_app.progress_tracking.endpoints"),
    "nutrition-service": (_BODY, "barberpro_app.nutrition.endpoints"),
    "class-management-service": ("barberpro_app.class_management.endpoints",),
    "payment": (
        "barberpro_app.pricing.endpoints",
        "barberpro_app.payment.endpoints",
        "barberpro_app.membership.endpoints",
        "barberpro_app.payment.webhook",
        "barberpro_app.ledger.endpoints",
        "barberpro_app.withdrawal.endpoints",
    ),
}


def routers_for(services: Iterable[str]) -> tuple[APIRouter, ...]:
    """The routers of every deployment, then those of the services that this one enables."""
    return (*ROUTERS, *routers_of(BY_SERVICE, services))


def base_of(share: Share, enabled: Iterable[str]) -> list[APIRouter]:
    """Those of every deployment that this process answers itself."""
    apart = {id(router) for name in enabled for router in OWNED.get(name, ())}
    own = {id(router) for name in share.own(enabled) for router in OWNED.get(name, ())}
    return [
        router
        for router in ROUTERS
        if (share.gateway if id(router) not in apart else id(router) in own)
    ]


def passed_on(
    share: Share, enabled: Sequence[str], *tables: Mapping[str, tuple[str, ...]]
) -> list[tuple[str, APIRouter]]:
    """Service and router of all that belongs to processes elsewhere; a shared module is the first's.
    What this process answers itself is left out."""
    here = {id(router) for table in tables for router in routers_of(table, share.own(enabled))}
    found: dict[int, tuple[str, APIRouter]] = {}
    for name in share.elsewhere(enabled):
        owned = [*OWNED.get(name, ())]
        for table in tables:
            owned += routers_of(table, [name])
        for router in owned:
            if id(router) not in here:
                found.setdefault(id(router), (name, router))
    return list(found.values())


def routers_of(table: Mapping[str, tuple[str, ...]], services: Iterable[str]) -> list[APIRouter]:
    """The routers that `table` names for these services; a module that is shared comes once."""
    enabled = set(services)
    names = [name for service, modules in table.items() if service in enabled for name in modules]
    return routers_named(names)


def routers_named(modules: Iterable[str]) -> list[APIRouter]:
    """The `router` of each of these modules; one that is named again comes once."""
    return [import_module(name).router for name in dict.fromkeys(modules)]
