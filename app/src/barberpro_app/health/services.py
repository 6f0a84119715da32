"""The services that this release contains, and what each enabled one is doing."""

from __future__ import annotations

from collections.abc import Iterable

from barberpro_app.kit.share import WHOLE, Share

#: name -> what it does, in this release
CONTAINED: dict[str, str] = {
    "api-gateway": "pages, JSON API, tokens and sign-in",
    "booking": "free times, holds, bookings and agendas",
    "provider": "providers, hours, breaks and time off",
    "client": "clients and their bookings",
    "catalog": "services, prices, locations and holidays",
    "payment": "prices, deposits, payments, packages, books; online where its secret is set up",
    "encrypted-notes-service": "clinical records and a professional's sealed notes",
    "provider-verification-service": "licences; only verified professionals are booked",
    "privacy-compliance-service": "data requests with their deadlines, and consents",
    "session-recording-service": "recordings encrypted in the browser",
    "odontogram-service": "the dental chart",
    "treatment-plan-service": "alerts, health cover, treatment plans, laboratory",
    "media-processor": "photographs in sizes, without metadata",
    "portfolio-service": "a gallery of before and after, with consent and moderation",
    "social-sharing-service": "pages to share; posts on Instagram where its token is set up",
    "loyalty-program-service": "stamps for visits, and rewards",
    "biometric-integration-service": "activities from FIT, GPX, TCX and CSV files, with consent",
    "progress-tracking-service": "body measures and goals, with consent",
    "nutrition-service": "meal plans that a licensed nutritionist signs",
    "class-management-service": "the weekly timetable, its sessions, late cancelling, who owes",
    "notification": "e-mail about bookings and sign-in links; reminders",
    "whatsapp-webhook": "what WhatsApp tells: reports, buttons, BAJA; where its secrets are set up",
    "calendar-sync": "providers' own calendars: a feed, CalDAV, Google where its secrets are set up",
    "integration-processor": "sends by WhatsApp where its token is set up; retries, dead letters",
}

RUNNING = "running"
NOT_IN_RELEASE = "not_in_release"
WAITING_FOR_WORKER = "in_worker_process"
#: A process that serves this one alone is asked for its health itself.
ELSEWHERE = "in_own_process"
NOT_CONFIGURED = "not_configured"


#: What these keep is sealed under the secret `notes-key`.
SEALED = {"encrypted-notes-service", "odontogram-service", "treatment-plan-service"}
#: What these show are files in the folder of photographs.
PHOTOGRAPHS = {"media-processor", "portfolio-service"}
#: These do nothing without WhatsApp's token, number and keys.
WHATSAPP = {"whatsapp-webhook", "integration-processor"}
#: What the worker does, in this process or in one of its own.
WORKED = {"notification", "integration-processor", "calendar-sync", *PHOTOGRAPHS}
STALLED = "stalled"
#: The worker looks at the outbox every few seconds; a slow mail server may hold one turn up.
STALLED_SECONDS = 120.0


def service_states(
    enabled: Iterable[str],
    *,
    share: Share = WHOLE,
    worker_silent_seconds: float | None,
    mail_configured: bool,
    notes_key: bool = True,
    media_folder: bool = True,
    whatsapp: bool = False,
) -> dict[str, str]:
    """The state of each enabled service in this process; an unknown name is said to be missing.

    `share`: what this process serves; of the others a gateway says that they run elsewhere.
    `worker_silent_seconds`: since the worker's last turn; None if it is not in this process.
    """
    states = {name: RUNNING if name in CONTAINED else NOT_IN_RELEASE for name in enabled}
    missing = {
        "notification": not mail_configured,
        **dict.fromkeys(SEALED, not notes_key),
        **dict.fromkeys(PHOTOGRAPHS, not media_folder),
        **dict.fromkeys(WHATSAPP, not whatsapp),
    }
    for name in states.keys() & missing.keys():
        if missing[name]:
            states[name] = NOT_CONFIGURED
    for name in states.keys() & WORKED:
        if states[name] == RUNNING:
            states[name] = _worker_state(name, worker_silent_seconds)
    for name in states:
        if not share.has(name) and states[name] not in (NOT_IN_RELEASE, NOT_CONFIGURED):
            states[name] = ELSEWHERE
    return states if share.gateway else {name: states[name] for name in share.own(states)}


def _worker_state(name: str, silent_seconds: float | None) -> str:
    if silent_seconds is None:
        return WAITING_FOR_WORKER
    # a photograph may take the worker long, and does not wait for the outbox
    stalled = silent_seconds > STALLED_SECONDS and name not in PHOTOGRAPHS
    return STALLED if stalled else RUNNING
