"""Carrying posts out, step by step: a container, which Instagram finishes, and then its publication."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from barberpro_app.kit import integrations
from barberpro_app.kit.database import Database
from barberpro_app.kit.logging import get_logger
from barberpro_app.portfolio import service as portfolio
from barberpro_app.settings import Settings
from barberpro_app.social_sharing import account
from barberpro_app.social_sharing.account import NAME
from barberpro_app.social_sharing.instagram import Instagram, InstagramError, QuotaUsedError

MOST_ATTEMPTS = 12
#: What is shown to operators as the pause; retries keep their own pace.
LIMIT = timedelta(minutes=10)
#: The quota is of the last 24 hours: one place is free within that.
QUOTA_PAUSE = timedelta(hours=1)
log = get_logger(__name__)

_NEXT = """
UPDATE social_post SET attempts = attempts + 1, updated_at = now(),
    next_attempt_at = now() + least(interval '1 hour', interval '10 s' * 2 ^ least(attempts, 10))
WHERE id = (SELECT id FROM social_post WHERE state IN ('pending', 'container')
            AND next_attempt_at <= now() AND NOT EXISTS (
                SELECT FROM instagram_account WHERE refused_at IS NOT NULL AND NOT %s)
            ORDER BY next_attempt_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING *
"""
_CHANGE = """
UPDATE social_post SET state = %(state)s, container_id = %(container_id)s, media_id = %(media_id)s,
    permalink = %(permalink)s, last_error = %(last_error)s, attempts = %(attempts)s,
    next_attempt_at = greatest(next_attempt_at, now() + %(pause)s), updated_at = now(),
    published_at = CASE WHEN %(state)s = 'published' THEN now() END
WHERE id = %(id)s AND (state IN ('pending', 'container') OR %(state)s = 'published')
"""


async def work(database: Database, settings: Settings) -> int:
    """One step of each post that is due; how many."""
    async with database.connection() as connection:
        instagram = await account.client_of(connection, settings)
    by_operator = settings.secrets.optional(account.SECRET) is not None
    done = 0
    while instagram is not None:
        async with database.transaction() as connection:
            row = await (await connection.execute(_NEXT, (by_operator,))).fetchone()
        if row is None:
            break
        await _attempt(database, settings, instagram, row)
        done += 1
    return done


async def _attempt(
    database: Database, settings: Settings, instagram: Instagram, row: dict[str, Any]
) -> None:
    change: dict[str, Any]
    try:
        change = await _next(database, settings, instagram, row)
    except InstagramError as error:
        await _note(database, error)
        change = _after(error, row)
    else:
        await _note(database, quota=change.pop("quota", None))
    values = {
        "container_id": row["container_id"], "media_id": None, "permalink": "", "last_error": "",
        "attempts": row["attempts"], "pause": timedelta(0), **change,
    }  # fmt: skip
    async with database.transaction() as connection:
        await connection.execute(_CHANGE, {**values, "id": row["id"]})


async def _next(
    database: Database, settings: Settings, instagram: Instagram, row: dict[str, Any]
) -> dict[str, Any]:
    """What the next step changes. A pair that is withdrawn is not posted any more."""
    async with database.connection() as connection:
        shown = await portfolio.gallery_item(connection, row["item_id"])
    if shown is None:
        return {"state": "withdrawn"}
    jpeg = max((part for part in shown.after if part.media_type == "image/jpeg"),
               key=lambda part: part.width)  # fmt: skip
    url = f"{settings.app.public_url.rstrip('/')}/media/{jpeg.name}"
    return await asyncio.to_thread(_step, instagram, row, url, shown.after_alt)


def _after(error: InstagramError, row: dict[str, Any]) -> dict[str, Any]:
    """What a refusal does to a post: a used-up quota and a refused token cost it no attempt."""
    told = {"state": row["state"], "last_error": str(error)[:300]}
    if isinstance(error, QuotaUsedError):
        return {**told, "attempts": row["attempts"] - 1, "pause": QUOTA_PAUSE}
    if error.token:
        return {**told, "attempts": row["attempts"] - 1}
    if not error.passing or row["attempts"] >= MOST_ATTEMPTS:
        return {**told, "state": "failed"}
    return told


async def _note(
    database: Database, error: InstagramError | None = None, quota: dict[str, int] | None = None
) -> None:
    """How the call ended, for operators; a post that Instagram will never take is no fault of it."""
    async with database.transaction() as connection:
        if quota is not None:
            await integrations.note_quota(connection, NAME, quota)
        if error is None:
            await integrations.note(connection, NAME)
        elif isinstance(error, QuotaUsedError) or str(error).startswith("429"):
            await integrations.note_limit(connection, NAME, LIMIT, str(error))
        elif error.passing or error.token:
            await integrations.note(connection, NAME, str(error))
        if error is not None and error.token:
            await account.refused(connection)


def _step(instagram: Instagram, row: dict[str, Any], url: str, alt: str) -> dict[str, Any]:
    """A container first; published when Instagram has finished it. What changes in the row."""
    owner = instagram.profile().account
    container = row["container_id"]
    if container is None:
        quota = instagram.quota(owner)
        known = {"used": quota.used, "total": quota.total}
        if quota.used >= quota.total:
            raise QuotaUsedError
        made = instagram.create(owner, url, row["caption"], alt)
        return {"state": "container", "container_id": made, "quota": known}
    state = instagram.state(container)
    if state == "PUBLISHED":  # we published it and did not hear the answer
        return {"state": "published"}
    if state == "FINISHED":
        media = instagram.publish(owner, container)
        quota = instagram.quota(owner)
        return {"state": "published", "media_id": media, "permalink": _permalink(instagram, media),
                "quota": {"used": quota.used, "total": quota.total}}  # fmt: skip
    if state == "IN_PROGRESS":
        return {"state": "container"}
    return {"state": "pending", "container_id": None, "last_error": f"container {state}"}


def _permalink(instagram: Instagram, media: str) -> str:
    """The post's address; without it the post is published all the same."""
    try:
        return instagram.permalink(media)[:300]
    except InstagramError as error:
        log.info("instagram_permalink", error=str(error))
        return ""
