"""Puts the pages into the application: their routes, and what they share, at `app.state`."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, FastAPI

from barberpro_app.kit.database import Database
from barberpro_app.kit.links import BookingLinks
from barberpro_app.kit.routes import add_routes
from barberpro_app.kit.share import WHOLE, Share
from barberpro_app.routers import routers_of
from barberpro_app.settings import Settings
from barberpro_app.web import (
    account,
    agenda,
    arrival,
    basics,
    client_edit,
    client_merge,
    client_profile,
    clients,
    details,
    manage,
    mine,
    moving,
    people,
    privacy_mine,
    public,
    regret,
    report,
    series,
    series_repeat,
    staff_arrival,
    staff_booking,
    staff_new,
    staff_requests,
    today,
    waiting,
    walk_in,
)
from barberpro_app.web.problems import error_page
from barberpro_app.web.rendering import create_site
from barberpro_app.web.setup import routers as setup_routers

_RECORD = (
    "barberpro_app.web.clinical_patients",
    "barberpro_app.web.privacy_record",
    "barberpro_app.web.setup.clinical_access",
)
_BODY = "barberpro_app.web.body_permissions"

#: service -> modules of its pages with a `router`; imported only where the service is enabled.
BY_SERVICE: Mapping[str, tuple[str, ...]] = {
    "encrypted-notes-service": (*_RECORD, "barberpro_app.web.clinical_notes"),
    "odontogram-service": (*_RECORD, "barberpro_app.web.clinical_chart"),
    "treatment-plan-service": (
        *_RECORD,
        "barberpro_app.web.clinical_plans",
        "barberpro_app.web.privacy_plans",
    ),
    "session-recording-service": (
        *_RECORD,
        "barberpro_app.web.clinical_recordings",
        "barberpro_app.web.privacy_recordings",
    ),
    "progress-tracking-service": (
        _BODY,
        "barberpro_app.web.progress",
        "barberpro_app.web.setup.measures",
    ),
    "biometric-integration-service": (_BODY, "barberpro_app.web.activities"),
    "nutrition-service": (
        _BODY,
        "barberpro_app.web.nutrition_foods",
        "barberpro_app.web.nutrition_pages",
        "barberpro_app.web.nutrition_editor",
        "barberpro_app.web.setup.nutritionists",
    ),
    "provider-verification-service": ("barberpro_app.web.setup.licences",),
    "whatsapp-webhook": ("barberpro_app.web.notices_mine", "barberpro_app.web.setup.whatsapp"),
    "calendar-sync": ("barberpro_app.web.calendars", "barberpro_app.web.setup.google"),
    "portfolio-service": (
        "barberpro_app.web.portfolio_gallery",
        "barberpro_app.web.photos",
        "barberpro_app.web.photo_answer",
    ),
    "social-sharing-service": ("barberpro_app.web.setup.instagram",),
    "loyalty-program-service": (
        "barberpro_app.web.rewards_mine",
        "barberpro_app.web.rewards_desk",
        "barberpro_app.web.setup.rewards",
    ),
    "class-management-service": (
        "barberpro_app.web.classes",
        "barberpro_app.web.classes_desk",
        "barberpro_app.web.setup.timetable",
    ),
    "payment": (
        "barberpro_app.web.money_pay",
        "barberpro_app.web.money_desk",
        "barberpro_app.web.money_passes",
        "barberpro_app.web.setup.online",
        "barberpro_app.web.setup.prices",
        "barberpro_app.web.setup.payments",
        "barberpro_app.web.setup.plans",
    ),
}


def install_pages(
    app: FastAPI, settings: Settings, database: Database, share: Share = WHOLE
) -> None:
    """The pages of every business where the gateway is, and those of the services that are here.

    Needs `form_tokens`, `rate_limiter` and `authenticator` at `app.state` by the first request.
    """
    app.state.site = create_site(settings, database)
    app.state.booking_links = BookingLinks(
        settings.secrets.key("session-key"), settings.app.public_url
    )
    app.state.error_page = error_page
    common = _common() if share.gateway else ()
    add_routes(app, (*common, *routers_of(BY_SERVICE, share.own(settings.app.services))))


def _common() -> tuple[APIRouter, ...]:
    modules = (
        basics,
        public,
        people,
        details,
        manage,
        arrival,
        series,
        series_repeat,
        waiting,
        walk_in,
        mine,
        privacy_mine,
        account,
        regret,
        agenda,
        today,
        report,
        moving,
        staff_arrival,
        staff_booking,
        staff_new,
        staff_requests,
        clients,
        client_merge,
        client_edit,
        client_profile,
    )
    return (*(module.router for module in modules), *setup_routers)
