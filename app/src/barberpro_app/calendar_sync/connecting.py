"""Connecting a calendar, while somebody waits: asks the server, keeps what it answers for the choice.

Imported when it is needed: HTTP takes memory that most processes never use.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.calendar_sync import repository, service
from barberpro_app.calendar_sync.caldav import CalDav
from barberpro_app.calendar_sync.entries import Entries, permitted
from barberpro_app.calendar_sync.errors import (
    CalendarAddressError,
    CalendarRefusedError,
    CalendarUnreachableError,
    GoogleDeniedError,
    GoogleNotSetUpError,
    NoCalendarsError,
    PeerError,
)
from barberpro_app.calendar_sync.google import Google
from barberpro_app.calendar_sync.google_oauth import GoogleSignIn
from barberpro_app.calendar_sync.guard import ForbiddenAddressError
from barberpro_app.calendar_sync.peers import Choice
from barberpro_app.calendar_sync.schemas import CalDavDraft
from barberpro_app.kit.database import Database
from barberpro_app.kit.errors import ConfigurationError
from barberpro_app.kit.logging import get_logger
from barberpro_app.provider.service import get_provider
from barberpro_app.settings import Settings

log = get_logger(__name__)


async def connect_caldav(
    settings: Settings, database: Database, actor: Actor, provider_id: UUID, draft: CalDavDraft
) -> UUID:
    """The new connection, to choose a calendar for. Raises `NotAllowedError`, `NotFoundError`,
    `CalendarAddressError`, `CalendarRefusedError`, `CalendarUnreachableError`, `NoCalendarsError`."""
    service.check(actor, provider_id)
    async with database.connection() as connection:
        await get_provider(connection, provider_id)
    address = _address(draft.address)
    peer = CalDav(
        draft.user, draft.password, address, Entries(settings.app).host,
        own_network=settings.app.calendars.own_network,
    )  # fmt: skip
    try:
        choices = await peer.choices(address)
    except ForbiddenAddressError as error:
        raise CalendarAddressError from error
    except PeerError as error:
        log.info("calendar_not_connected", verdict=error.verdict, reason=error.reason)
        if error.verdict == "refused":
            raise CalendarRefusedError from error
        if error.verdict == "rejected":
            raise NoCalendarsError from error
        raise CalendarUnreachableError from error
    finally:
        await peer.close()
    if not choices:
        raise NoCalendarsError
    secret = {"user": draft.user, "password": draft.password}
    account = _Account(provider_id, "caldav", draft.user, secret, choices)
    return await _keep(settings, database, actor, account)


def _address(typed: str) -> str:
    """With https:// where nothing was said. Raises `CalendarAddressError`."""
    address = typed if "://" in typed else f"https://{typed}"
    try:
        parts = urlsplit(address)
        plausible = parts.scheme in {"https", "http"} and parts.hostname and parts.port != 0
    except ValueError:
        plausible = None
    if not plausible or parts.username or parts.password:
        raise CalendarAddressError
    return address


def google_address(settings: Settings, provider_id: UUID, actor: Actor) -> str:
    """Where the browser goes to give access. Raises `GoogleNotSetUpError`, `NotAllowedError`."""
    service.check(actor, provider_id)
    return _sign_in(settings).address(provider_id, _person(actor))


async def connect_google(
    settings: Settings, database: Database, actor: Actor, code: str, state: str
) -> tuple[UUID, UUID]:
    """Back from Google: the provider and the new connection. Raises `GoogleDeniedError`,
    `GoogleNotSetUpError`, `NotAllowedError`."""
    sign_in = _sign_in(settings)
    provider_id = sign_in.provider_of(state, _person(actor))
    if provider_id is None or not code:
        raise GoogleDeniedError
    service.check(actor, provider_id)
    try:
        granted = await sign_in.exchange(code, state)
        choices = await _google_choices(settings, granted.access_token)
    except PeerError as error:
        log.warning("google_not_connected", verdict=error.verdict, reason=error.reason)
        raise GoogleDeniedError from error
    if not choices:
        raise GoogleDeniedError
    secret = {"refresh_token": granted.refresh_token}
    name = choices[0].calendar if "@" in choices[0].calendar else "Google"
    account = _Account(provider_id, "google", name[:254], secret, choices)
    made = await _keep(settings, database, actor, account)
    return provider_id, made


async def _google_choices(settings: Settings, token: str) -> list[Choice]:
    async def access(_fresh: bool) -> str:
        return token

    app = settings.app
    peer = Google(
        app.calendars.google_api, "primary", access, host=Entries(app).host,
        private=app.compliance.health_data, own_network=app.calendars.own_network,
    )  # fmt: skip
    try:
        return await peer.choices()
    finally:
        await peer.close()


def _sign_in(settings: Settings) -> GoogleSignIn:
    try:
        return GoogleSignIn(settings, service.sealer_of(settings))
    except ConfigurationError as error:
        raise GoogleNotSetUpError from error


def _person(actor: Actor) -> str:
    return f"{actor.principal.kind}:{actor.principal.id}"


@dataclass(frozen=True, slots=True)
class _Account:
    """What is kept until a calendar is chosen; `secret` is sealed first."""

    provider_id: UUID
    kind: str
    name: str
    secret: dict[str, str]
    choices: list[Choice]


async def _keep(settings: Settings, database: Database, actor: Actor, account: _Account) -> UUID:
    made = uuid4()
    values = {
        "id": made,
        "provider_id": account.provider_id,
        "kind": account.kind,
        "account": account.name,
        "sealed": service.sealer_of(settings).seal(made, account.secret),
        "choices": [
            {"calendar": item.calendar, "title": item.title} for item in account.choices[:200]
        ],
        "detail": permitted(settings.app)[:2][-1],
    }
    async with database.transaction() as connection:
        await repository.add_connection(connection, values)
        what = AuditedObject("calendar_connection", str(made))
        await record(connection, actor, "calendar_connection.created", what, {"kind": account.kind})
    return made
