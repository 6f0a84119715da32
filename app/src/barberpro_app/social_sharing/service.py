"""Posts: asked for by a manager, tried again, taken back; the worker carries them out."""

from __future__ import annotations

from typing import LiteralString
from uuid import UUID

import psycopg
from psycopg.sql import SQL

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.kit.addresses import is_public
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import ConflictError, DuplicateError, NotFoundError, PolicyError
from barberpro_app.portfolio import service as portfolio
from barberpro_app.settings import Settings
from barberpro_app.social_sharing.account import client_of
from barberpro_app.social_sharing.schemas import Post, PostDraft, Posts


class NotSetUpError(ConflictError):
    """No account of Instagram is connected."""

    code = "instagram_not_set_up"


class NotPublicError(PolicyError):
    """Instagram fetches the photograph from this site, which the Internet cannot reach."""

    code = "instagram_needs_public_address"


class PostStateError(ConflictError):
    """That cannot be done to this post as it is now."""

    code = "instagram_post_state"


async def add(
    connection: Connection, settings: Settings, actor: Actor, item_id: UUID, draft: PostDraft
) -> Post:
    """Raises `NotSetUpError`, `NotPublicError`, `NotFoundError`, `DuplicateError`."""
    if await client_of(connection, settings) is None:
        raise NotSetUpError
    if not is_public(settings.app.public_url):
        raise NotPublicError
    await portfolio.published(connection, item_id)
    try:
        await connection.execute(
            "INSERT INTO social_post (item_id, caption) VALUES (%s, %s)", (item_id, draft.caption)
        )
    except psycopg.errors.UniqueViolation as error:
        raise DuplicateError("This pair was posted already.") from error
    post = (await posts(connection, item_id)).items[0]
    await _audit(connection, actor, "created", post.id)
    return post


_POSTS = """
SELECT x.*, s.name AS service_name, p.name AS provider_name, i.state AS item_state
FROM social_post x JOIN portfolio_item i ON i.id = x.item_id
JOIN service s ON s.id = i.service_id JOIN provider p ON p.id = i.provider_id
WHERE %(item)s::uuid IS NULL OR x.item_id = %(item)s
ORDER BY x.id DESC LIMIT 100
"""


async def posts(connection: Connection, item_id: UUID | None = None) -> Posts:
    """The newest first; of one pair, or all."""
    cursor = await connection.execute(_POSTS, {"item": item_id})
    return Posts(items=[Post.model_validate(row) for row in await cursor.fetchall()])


async def retry(connection: Connection, actor: Actor, post_id: UUID) -> None:
    """Tries a failed post again from its beginning. Raises `NotFoundError`, `PostStateError`."""
    try:
        await _become(
            connection, post_id,
            "state = 'pending', container_id = NULL, attempts = 0, next_attempt_at = now(),"
            " last_error = ''", "state = 'failed'",
        )  # fmt: skip
    except psycopg.errors.UniqueViolation as error:
        raise PostStateError from error
    await _audit(connection, actor, "retried", post_id)


async def withdraw(connection: Connection, actor: Actor, post_id: UUID) -> None:
    """Takes a post back that is not published. Raises `NotFoundError`, `PostStateError`."""
    await _become(
        connection, post_id, "state = 'withdrawn'", "state IN ('pending', 'container', 'failed')"
    )
    await _audit(connection, actor, "withdrawn", post_id)


async def removed(connection: Connection, actor: Actor, post_id: UUID) -> None:
    """Somebody deleted a published post at Instagram, whose API cannot (reference "IG Media").
    Raises `NotFoundError`, `PostStateError`."""
    await _become(
        connection, post_id, "removed_at = now()", "state = 'published' AND removed_at IS NULL"
    )
    await _audit(connection, actor, "removed", post_id)


async def _become(
    connection: Connection, post_id: UUID, change: LiteralString, condition: LiteralString
) -> None:
    statement = SQL("UPDATE social_post SET {}, updated_at = now() WHERE id = %s AND {}").format(
        SQL(change), SQL(condition)
    )
    cursor = await connection.execute(statement, (post_id,))
    if cursor.rowcount == 1:
        return
    cursor = await connection.execute("SELECT FROM social_post WHERE id = %s", (post_id,))
    raise PostStateError if await cursor.fetchone() is not None else NotFoundError


async def _audit(connection: Connection, actor: Actor, what: str, post_id: UUID) -> None:
    await record(connection, actor, f"social_post.{what}",
                 AuditedObject("social_post", str(post_id)))  # fmt: skip
