"""Puts the pages into the application: their routes, and what they share, at `app.state`."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import FastAPI

from barberpro_app.kit.database import Database
from barberpro_app.kit.links import BookingLinks
from barberpro_app.kit.routes import add_routes
from barberpro_app.kit.share import WHOLE, Share
from barberpro_app.routers import routers_named, routers_of
from barberpro_app.settings import Settings
from barberpro_app.web.setup import routers as setup_routers
from barberpro_app.web.site.problems import error_page
from barberpro_app.web.site.rendering import create_site

#: Modules with a `router` that every business has.
COMMON = tuple(
    f"barberpro_app.web.{name}"
    for name in (
        "legal.basics",
        "booking.public",
        "booking.people",
        "booking.details",
        "booking.manage",
        "booking.arrival",
        "series.pages",
        "series.repeat",
        "booking.waiting",
        "booking.walk_in",
        "account.bookings",
        "privacy.mine",
        "account.sign_in",
        "legal.regret",
        "agenda.pages",
        "agenda.today",
        "report.pages",
        "agenda.moving",
        "agenda.arrivals",
        "agenda.booking",
        "agenda.new_booking",
        "agenda.requests",
        "clients.directory",
        "clients.merge",
        "clients.edit",
        "clients.profile",
    )
)
_RECORD = (
    "barberpro_app.web.clinical.patients",
    "barberpro_app.web.privacy.record",
    "barberpro_app.web.setup.clinical_access",
)
_BODY = "barberpro_app.web.body.permissions"

#: service -> modules of its pages with a `router`; imported only where the service is enabled.
BY_SERVICE: Mapping[str, tuple[str, ...]] = {
    "encrypted-notes-service": (*_RECORD, "barberpro_app.web.clinical.notes"),
    "odontogram-service": (*_RECORD, "barberpro_app.web.clinical.chart"),
    "treatment-plan-service": (
        *_RECORD,
        "barberpro_app.web.clinical.plans",
        "barberpro_app.web.privacy.plans",
    ),
    "session-recording-service": (
        *_RECORD,
        "barberpro_app.web.clinical.recordings",
        "barberpro_app.web.privacy.recordings",
    ),
    "progress-tracking-service": (
        _BODY,
        "barberpro_app.web.body.progress",
        "barberpro_app.web.setup.measures",
    ),
    "biometric-integration-service": (_BODY, "barberpro_app.web.body.activities"),
    "nutrition-service": (
        _BODY,
        "barberpro_app.web.nutrition.foods",
        "barberpro_app.web.nutrition.pages",
        "barberpro_app.web.nutrition.editor",
        "barberpro_app.web.setup.nutritionists",
    ),
    "provider-verification-service": ("barberpro_app.web.setup.licences",),
    "notification": ("barberpro_app.web.setup.mail",),
    "whatsapp-webhook": (
        "barberpro_app.web.account.notices",
        "barberpro_app.web.setup.whatsapp",
        "barberpro_app.web.setup.wa_templates",
    ),
    "calendar-sync": ("barberpro_app.web.setup.calendars", "barberpro_app.web.setup.google"),
    "portfolio-service": (
        "barberpro_app.web.photos.gallery",
        "barberpro_app.web.photos.desk",
        "barberpro_app.web.photos.answer",
    ),
    "social-sharing-service": ("barberpro_app.web.setup.instagram",),
    "loyalty-program-service": (
        "barberpro_app.web.rewards.mine",
        "barberpro_app.web.rewards.desk",
        "barberpro_app.web.setup.rewards",
    ),
    "class-management-service": (
        "barberpro_app.web.classes.timetable",
        "barberpro_app.web.classes.desk",
        "barberpro_app.web.setup.timetable",
    ),
    "payment": (
        "barberpro_app.web.money.pay",
        "barberpro_app.web.money.desk",
        "barberpro_app.web.money.passes",
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
    common = (*routers_named(COMMON), *setup_routers) if share.gateway else ()
    add_routes(app, (*common, *routers_of(BY_SERVICE, share.own(settings.app.services))))
