"""The account that posts go to: connected by its token, which is sealed and renewed by itself.

The secret `instagram-token`, where an operator set it, comes before what the owner connected.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.kit import clock, integrations
from barberpro_app.kit.database import Connection, Database
from barberpro_app.kit.errors import ConflictError, InvalidRequestError
from barberpro_app.kit.sealed import SealedSettings
from barberpro_app.settings import Settings
from barberpro_app.social_sharing.instagram import ADDRESS, Instagram, InstagramError
from barberpro_app.social_sharing.schemas import Connected, Quota

NAME = "instagram"
SECRET = "instagram-token"  # noqa: S105 - a name
#: A token can be renewed from a day on, and is good for 60 (Instagram Platform, "Refresh Access Token").
YOUNGEST, RENEWED = timedelta(hours=25), timedelta(days=7)
AGAIN = timedelta(hours=1)


class TokenRefusedError(InvalidRequestError):
    """Instagram does not accept this token."""

    code = "instagram_token"
    field = "token"


class UnreachableError(ConflictError):
    """Instagram does not answer; try again in a while."""

    code = "instagram_away"


def _with(settings: Settings, token: str) -> Instagram:
    """The secret `instagram-api` gives another address, for tests."""
    address = settings.secrets.optional("instagram-api")
    return Instagram(token, address.reveal() if address else ADDRESS)


def _sealed(settings: Settings) -> SealedSettings:
    return SealedSettings(settings.secrets.key("token-key"))


async def client_of(connection: Connection, settings: Settings) -> Instagram | None:
    """None if no account is connected."""
    secret = settings.secrets.optional(SECRET)
    if secret is not None:
        return _with(settings, secret.reveal())
    token = await _sealed(settings).open(connection, SECRET)
    return None if token is None else _with(settings, token)


async def connect(database: Database, settings: Settings, actor: Actor, token: str) -> Connected:
    """Asks Instagram whose token it is, then seals it. Raises `TokenRefusedError`,
    `UnreachableError`."""
    try:
        found = await asyncio.to_thread(_with(settings, token).profile)
    except InstagramError as error:
        raise (UnreachableError if error.passing else TokenRefusedError) from error
    async with database.transaction() as connection:
        await _sealed(settings).keep(connection, SECRET, token)
        await connection.execute(
            "INSERT INTO instagram_account (account_id, username, renew_at) VALUES (%s, %s, %s)"
            " ON CONFLICT (singleton) DO UPDATE SET account_id = EXCLUDED.account_id,"
            " username = EXCLUDED.username, connected_at = now(), renew_at = EXCLUDED.renew_at,"
            " expires_at = NULL, refused_at = NULL",
            (found.account, found.username, clock.now() + YOUNGEST),
        )
        await integrations.note(connection, NAME)
        await _audit(connection, actor, "connected", username=found.username)
        return await state(connection, settings)


async def disconnect(connection: Connection, settings: Settings, actor: Actor) -> None:
    """Forgets the token; posts that wait go on waiting. Safe to repeat."""
    await connection.execute("DELETE FROM instagram_account")
    if await _sealed(settings).forget(connection, SECRET):
        await _audit(connection, actor, "disconnected")


async def state(connection: Connection, settings: Settings) -> Connected:
    """What may be known of the connection: never its token."""
    row = await _row(connection)
    known = (await integrations.states(connection)).get(NAME)
    by_operator = settings.secrets.optional(SECRET) is not None
    failing = (
        known is not None
        and known.last_error_at is not None
        and (known.last_success_at is None or known.last_error_at > known.last_success_at)
    )
    return Connected(
        connected=by_operator or row is not None,
        by_operator=by_operator,
        username=row["username"] if row and not by_operator else "",
        connected_at=row["connected_at"] if row else None,
        expires_at=row["expires_at"] if row else None,
        refused_at=row["refused_at"] if row and not by_operator else None,
        last_error=(known.last_error or "") if known and failing else "",
        quota=Quota.model_validate(known.quota) if known and known.quota else None,
    )


async def refused(connection: Connection) -> None:
    """Instagram takes the token no longer: nothing is sent until the owner connects again."""
    await connection.execute(
        "UPDATE instagram_account SET refused_at = now() WHERE refused_at IS NULL"
    )


async def renew(database: Database, settings: Settings) -> int:
    """Renews the token when it is time; 1 if it was."""
    async with database.transaction() as connection:
        row = await _due(connection)
        token = await _sealed(settings).open(connection, SECRET) if row else None
    if token is None:
        return 0
    try:
        fresh = await asyncio.to_thread(_with(settings, token).renewed)
    except InstagramError as error:
        async with database.transaction() as connection:
            await integrations.note(connection, NAME, str(error))
            if error.token:
                await refused(connection)
        return 0
    async with database.transaction() as connection:
        if await _sealed(settings).open(connection, SECRET) != token:
            return 0  # connected anew meanwhile
        await _sealed(settings).keep(connection, SECRET, fresh.token)
        now = clock.now()
        await connection.execute(
            "UPDATE instagram_account SET renew_at = %s, expires_at = %s",
            (now + RENEWED, now + timedelta(seconds=fresh.seconds)),
        )
    return 1


async def _due(connection: Connection) -> dict[str, Any] | None:
    """The account if its token is due, which the next look then is not."""
    cursor = await connection.execute(
        "UPDATE instagram_account SET renew_at = now() + %s"
        " WHERE renew_at <= now() AND refused_at IS NULL RETURNING *",
        (AGAIN,),
    )
    return await cursor.fetchone()


async def _row(connection: Connection) -> dict[str, Any] | None:
    return await (await connection.execute("SELECT * FROM instagram_account")).fetchone()


async def _audit(connection: Connection, actor: Actor, what: str, **changes: object) -> None:
    await record(connection, actor, f"instagram.{what}", AuditedObject("instagram", ""), changes)
