"""Posts: asked for by a manager, carried out step by step by the worker."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.kit import integrations
from barberpro_app.kit.addresses import is_public
from barberpro_app.kit.database import Connection, Database
from barberpro_app.kit.errors import ConflictError, DuplicateError, PolicyError
from barberpro_app.portfolio import service as portfolio
from barberpro_app.settings import Settings
from barberpro_app.social_sharing.instagram import ADDRESS, Instagram, InstagramError
from barberpro_app.social_sharing.schemas import Post, PostDraft, Posts

NAME = "instagram"
MOST_ATTEMPTS = 12
#: What is shown to operators as the pause; retries keep their own pace.
LIMIT = timedelta(minutes=10)


class NotSetUpError(ConflictError):
    """Instagram is not set up: put the account's token into the secret `instagram-token`."""

    code = "instagram_not_set_up"


class NotPublicError(PolicyError):
    """Instagram fetches the photograph from this site, which the Internet cannot reach."""

    code = "instagram_needs_public_address"


def client_of(settings: Settings) -> Instagram | None:
    """None if it is not set up. The secret `instagram-api` gives another address, for tests."""
    token = settings.secrets.optional("instagram-token")
    if token is None:
        return None
    address = settings.secrets.optional("instagram-api")
    return Instagram(token.reveal(), address.reveal() if address else ADDRESS)


async def add(
    connection: Connection, settings: Settings, actor: Actor, item_id: UUID, draft: PostDraft
) -> Post:
    """Raises `NotSetUpError`, `NotPublicError`, `NotFoundError`, `DuplicateError`."""
    if client_of(settings) is None:
        raise NotSetUpError
    if not is_public(settings.app.public_url):
        raise NotPublicError
    await portfolio.published(connection, item_id)
    try:
        cursor = await connection.execute(
            "INSERT INTO social_post (item_id, caption) VALUES (%s, %s) RETURNING *",
            (item_id, draft.caption),
        )
    except psycopg.errors.UniqueViolation as error:
        raise DuplicateError("This pair was posted already.") from error
    post = Post.model_validate(await cursor.fetchone())
    await record(connection, actor, "social_post.created",
                 AuditedObject("social_post", str(post.id)))  # fmt: skip
    return post


async def posts(connection: Connection) -> Posts:
    cursor = await connection.execute("SELECT * FROM social_post ORDER BY id DESC LIMIT 100")
    return Posts(items=[Post.model_validate(row) for row in await cursor.fetchall()])


_NEXT = """
UPDATE social_post SET attempts = attempts + 1,
    next_attempt_at = now() + least(interval '1 hour', interval '10 s' * 2 ^ least(attempts, 10))
WHERE id = (SELECT id FROM social_post WHERE state IN ('pending', 'container')
            AND next_attempt_at <= now() ORDER BY next_attempt_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING *
"""


async def work(database: Database, settings: Settings) -> int:
    """One step of each post that is due; how many."""
    instagram = client_of(settings)
    done = 0
    while instagram is not None:
        async with database.transaction() as connection:
            row = await (await connection.execute(_NEXT)).fetchone()
        if row is None:
            break
        await _attempt(database, settings, instagram, row)
        done += 1
    return done


async def _attempt(
    database: Database, settings: Settings, instagram: Instagram, row: dict[str, Any]
) -> None:
    try:
        async with database.connection() as connection:
            shown = await portfolio.gallery_item(connection, row["item_id"])
        if shown is None:
            raise InstagramError("The pair is not published any more.", passing=False)
        jpeg = max((part for part in shown.after if part.media_type == "image/jpeg"),
                   key=lambda part: part.width)  # fmt: skip
        url = f"{settings.app.public_url.rstrip('/')}/media/{jpeg.name}"
        change = await asyncio.to_thread(_step, instagram, row, url, shown.after_alt)
    except InstagramError as error:
        await _note(database, str(error), error.passing)
        final = not error.passing or row["attempts"] >= MOST_ATTEMPTS
        change = {"state": "failed" if final else row["state"], "last_error": str(error)[:300]}
    else:
        await _note(database, quota=change.pop("quota", None))
    values = {"container_id": row["container_id"], "media_id": None, "last_error": "", **change}
    async with database.transaction() as connection:
        await connection.execute(
            "UPDATE social_post SET state = %(state)s, container_id = %(container_id)s,"
            " media_id = %(media_id)s, last_error = %(last_error)s,"
            " published_at = CASE WHEN %(state)s = 'published' THEN now() END WHERE id = %(id)s",
            {**values, "id": row["id"]},
        )


async def _note(
    database: Database, error: str = "", passing: bool = True, quota: dict[str, int] | None = None
) -> None:
    """How the call ended, for operators; a post that Instagram will never take is no fault of it."""
    async with database.connection() as connection:
        if quota is not None:
            await integrations.note_quota(connection, NAME, quota)
        if error.startswith("429"):
            await integrations.note_limit(connection, NAME, LIMIT, error)
        elif passing:
            await integrations.note(connection, NAME, error)


def _step(instagram: Instagram, row: dict[str, Any], url: str, alt: str) -> dict[str, Any]:
    """A container first; published when Instagram has finished it. What changes in the row."""
    account = instagram.account()
    container = row["container_id"]
    if container is None:
        quota = instagram.quota(account)
        if quota.used >= quota.total:
            raise InstagramError("429: the day's posts are used up", passing=True)
        made = instagram.create(account, url, row["caption"], alt)
        known = {"used": quota.used, "total": quota.total}
        return {"state": "container", "container_id": made, "quota": known}
    state = instagram.state(container)
    if state == "PUBLISHED":  # we published it and did not hear the answer
        return {"state": "published"}
    if state == "FINISHED":
        return {"state": "published", "media_id": instagram.publish(account, container)}
    if state == "IN_PROGRESS":
        return {"state": "container"}
    return {"state": "pending", "container_id": None, "last_error": f"container {state}"}
