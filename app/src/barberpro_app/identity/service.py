"""Signing in without a password: links by e-mail, sessions, and the end of both."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.identity import repository
from barberpro_app.identity.errors import LinkInvalidError
from barberpro_app.identity.hashing import TOKEN_LENGTH, new_token, token_hash
from barberpro_app.identity.principal import (
    ANONYMOUS,
    Principal,
    client_principal,
    staff_principal,
)
from barberpro_app.identity.repository import Subject
from barberpro_app.kit.database import Connection

LINK_LIFETIME = timedelta(minutes=15)
#: Printed by `owner-link` for the operator, who has to carry it to the owner.
OPERATOR_LINK_LIFETIME = timedelta(hours=1)
LINK_PATH = "/sign-in/"

_TOKEN = re.compile(rf"[A-Za-z0-9_-]{{{TOKEN_LENGTH}}}")
_LONGEST_PATH = 500


@dataclass(frozen=True, slots=True)
class SessionLifetime:
    """`idle`: ends after this long without a request. `longest`: ends then in any case."""

    idle: timedelta
    longest: timedelta


CLIENT_SESSION = SessionLifetime(timedelta(days=30), timedelta(days=180))
STAFF_SESSION = SessionLifetime(timedelta(days=7), timedelta(days=30))
#: Where staff see health data (Ley 25.326 art. 9: measures fit to the data).
SENSITIVE_STAFF_SESSION = SessionLifetime(timedelta(hours=12), timedelta(days=7))


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session just begun. `token` goes into the cookie and is known to nobody else."""

    token: str
    principal: Principal
    next_path: str
    longest: timedelta


@dataclass(frozen=True, slots=True)
class NewLink:
    """A link just made; `url` is absolute and holds the only copy of its token."""

    url: str
    expires_at: datetime


def safe_path(path: str) -> str:
    """The path if it stays on this site (one slash first, nothing odd), else ""."""
    if (
        not path.startswith("/")
        or path[1:2] in {"/", "\\"}
        or len(path) > _LONGEST_PATH
        or not path.isprintable()
        or "\\" in path
        or not path.isascii()
    ):
        return ""
    return path


async def request_sign_in_link(
    connection: Connection, email: str, *, next_path: str = "", locale: str | None = None
) -> None:
    """Has a link sent if a staff user or a client has this address; never says whether.

    Pages use `identity.signin.ask_for_link`, which adds the limits and the even answer time.
    """
    email = email.strip().lower()
    if 3 <= len(email) <= 254 and "@" in email and email.isprintable():
        await repository.request_sign_in(connection, email, safe_path(next_path), locale)


async def make_link(
    connection: Connection,
    public_url: str,
    subject: Subject,
    *,
    next_path: str = "",
    lifetime: timedelta = LINK_LIFETIME,
) -> NewLink:
    """A new single-use link for a staff user or a client."""
    token = new_token()
    expires_at = await repository.insert_link(
        connection, token_hash(token), subject, safe_path(next_path), lifetime
    )
    return NewLink(f"{public_url.rstrip('/')}{LINK_PATH}{token}", expires_at)


async def link_is_open(connection: Connection, token: str) -> bool:
    """Whether redeeming would work now; changes nothing, so mail scanners may look."""
    if not _TOKEN.fullmatch(token):
        return False
    return await repository.link_is_open(connection, token_hash(token))


async def redeem_link(
    connection: Connection, token: str, *, request_id: str = "", sensitive: bool = False
) -> NewSession:
    """Turns a link into a session, once. Raises `LinkInvalidError`."""
    if not _TOKEN.fullmatch(token):
        raise LinkInvalidError
    used = await repository.use_link(connection, token_hash(token))
    if used is None:
        raise LinkInvalidError
    subject, next_path = used
    lifetime = CLIENT_SESSION
    if subject.staff_id is not None:
        lifetime = SENSITIVE_STAFF_SESSION if sensitive else STAFF_SESSION
    session = new_token()
    hashed = token_hash(session)
    await repository.insert_session(connection, hashed, subject, lifetime.idle, lifetime.longest)
    principal = await _principal_of(connection, hashed)
    if principal.is_anonymous:  # a staff user who is no longer active
        raise LinkInvalidError
    await record(connection, Actor(principal, request_id), "session.started", _audited(subject))
    return NewSession(session, principal, next_path, lifetime.longest)


async def session_principal(
    connection: Connection, cookie: str, *, sensitive: bool = False
) -> Principal:
    """Whose session the cookie is; anonymous if it has ended. Moves its expiry now and then."""
    if not _TOKEN.fullmatch(cookie):
        return ANONYMOUS
    return await _principal_of(connection, token_hash(cookie), sensitive=sensitive)


async def _principal_of(
    connection: Connection, hashed: bytes, *, sensitive: bool = False
) -> Principal:
    row = await repository.find_session(connection, hashed)
    if row is None:
        return ANONYMOUS
    staff_id: UUID | None = row["staff_id"]
    if row["slides"]:
        staff = SENSITIVE_STAFF_SESSION if sensitive else STAFF_SESSION
        idle = (CLIENT_SESSION if staff_id is None else staff).idle
        await repository.slide_session(connection, hashed, idle)
    if staff_id is not None:
        return staff_principal(staff_id, row["name"], row["role"], row["provider_id"])
    return client_principal(row["client_id"])


async def sign_out(connection: Connection, cookie: str, *, request_id: str = "") -> None:
    """Ends this session; an unknown one is already ended."""
    if not _TOKEN.fullmatch(cookie):
        return
    hashed = token_hash(cookie)
    principal = await _principal_of(connection, hashed)
    subject = await repository.delete_session(connection, hashed)
    if subject is not None and not principal.is_anonymous:
        await record(connection, Actor(principal, request_id), "session.ended", _audited(subject))


async def sign_out_everywhere(
    connection: Connection, principal: Principal, *, request_id: str = ""
) -> int:
    """Ends all sessions and open links of whoever asks; the number of sessions ended."""
    if principal.kind not in {"staff", "client"}:
        return 0
    key = UUID(principal.id)
    subject = Subject(staff_id=key) if principal.is_staff else Subject(client_id=key)
    ended = await repository.delete_sessions_of(connection, subject)
    await record(
        connection,
        Actor(principal, request_id),
        "session.ended_everywhere",
        _audited(subject),
        {"sessions": ended},
    )
    return ended


def _audited(subject: Subject) -> AuditedObject:
    if subject.staff_id is not None:
        return AuditedObject("staff_user", str(subject.staff_id))
    return AuditedObject("client", str(subject.client_id))
