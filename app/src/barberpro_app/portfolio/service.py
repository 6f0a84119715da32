"""Pairs of photographs: consent first, then a manager's look, then the gallery.

A client's face is personal data (Ley 25.326 art. 2; Código Civil y Comercial art. 53): nothing is
shown without a signed text, and from the moment that it is revoked nothing is.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import psycopg

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.kit import clock
from barberpro_app.kit.database import Connection, Database
from barberpro_app.kit.errors import ConflictError, InvalidRequestError, NotFoundError, PolicyError
from barberpro_app.kit.updates import update_versioned
from barberpro_app.media_processor import repository as media_repository
from barberpro_app.media_processor import service as media
from barberpro_app.media_processor.storage import MediaFolder
from barberpro_app.portfolio import repository
from barberpro_app.portfolio.schemas import (
    Gallery,
    Item,
    ItemDraft,
    Items,
    Moderation,
    PublicItem,
    State,
)
from barberpro_app.privacy_compliance import repository as privacy_repository
from barberpro_app.privacy_compliance import service as privacy
from barberpro_app.privacy_compliance.consents import ConsentText, consent_text
from barberpro_app.settings import AppConfiguration

PAGE = 12
#: So long the client's answer is waited for.
WAITED = timedelta(days=14)


class NotModeratedError(ConflictError):
    """This pair was decided already, or its client withdrew the consent."""

    code = "portfolio_decided"


class NotReadyError(ConflictError):
    """A photograph of this pair is not ready."""

    code = "media_not_ready"


class NotAClientError(PolicyError):
    """Only photographs of somebody whom this professional attended."""

    code = "portfolio_not_attended"


def text_of(app: AppConfiguration, locale: str) -> ConsentText:
    """The text that the client agrees to."""
    return consent_text("portfolio", locale, app.brand.name)


async def add(
    connection: Connection, app: AppConfiguration, actor: Actor, draft: ItemDraft
) -> Item:
    """A pair with the consent that its client signs now; it waits for a manager.

    Raises `NotFoundError`, `NotAClientError`, `ConsentTextChangedError`, `InvalidRequestError`.
    """
    own = actor.principal.provider_id
    if actor.principal.own_agenda_only and draft.provider_id != own:
        raise NotFoundError(field="provider_id")
    await check_photographs(connection, actor, draft.before_id, draft.after_id)
    if not await repository.has_visited(connection, draft.client_id, draft.provider_id):
        raise NotAClientError
    text = text_of(app, draft.locale)
    if text.sha256.hex() != draft.text_sha256:
        raise privacy.ConsentTextChangedError
    consent = await privacy.sign(
        connection, actor, draft.client_id, text, draft.signed_name,
        how="in_person", reference_id=draft.after_id,
    )  # fmt: skip
    try:
        values = {"consent_id": consent.id, "booking_id": None, "state": "pending"}
        row = await repository.add(connection, {**draft.model_dump(), **values})
    except psycopg.errors.ForeignKeyViolation as error:
        raise NotFoundError(field="service_id") from error
    item = Item.model_validate(row)
    await record(connection, actor, "portfolio_item.created", object_of(item.id))
    return item


async def check_photographs(
    connection: Connection, actor: Actor, before_id: UUID, after_id: UUID
) -> None:
    """Two different ones, sent by who adds them, good, and in no other pair.

    Raises `InvalidRequestError`.
    """
    keys = [before_id, after_id]
    found = await media_repository.find(connection, keys)
    sender = f"{actor.principal.kind}:{actor.principal.id}"
    good = [row for row in found if row["uploaded_by"] == sender
            and row["state"] in {"pending", "ready"}]  # fmt: skip
    if len(good) != len(keys) or await repository.media_in_use(connection, keys):
        raise InvalidRequestError("Name two photographs of yours.", field="after_id")


async def moderate(
    connection: Connection, actor: Actor, item_id: UUID, decision: Moderation
) -> None:
    """Publishes or rejects. Raises `NotFoundError`, `NotModeratedError`, `NotReadyError`,
    `StaleVersionError`."""
    row = await repository.item(connection, item_id)
    if row is None:
        raise NotFoundError
    if row["state"] != "pending":
        raise NotModeratedError
    published = decision.decision == "published"
    if published:
        photographs = await media_repository.find(connection, [row["before_id"], row["after_id"]])
        if any(photograph["state"] != "ready" for photograph in photographs):
            raise NotReadyError
    values = {
        "state": decision.decision,
        "reason": decision.reason,
        "published_at": clock.now() if published else None,
    }
    await update_versioned(connection, "portfolio_item", item_id, decision.version, values)
    await record(connection, actor, f"portfolio_item.{decision.decision}", object_of(item_id))


async def withdraw(
    connection: Connection, folder: MediaFolder, actor: Actor, item_id: UUID
) -> None:
    """Revokes the consent of a pair, for its client or a manager: it is shown no longer, and its
    files are deleted. Raises `NotFoundError`."""
    row = await repository.item(connection, item_id)
    own = actor.principal.client_id
    if row is None or row["consent_id"] is None or (own is not None and row["client_id"] != own):
        raise NotFoundError
    await privacy_repository.revoke_consent(connection, row["client_id"], row["consent_id"])
    for key in (row["before_id"], row["after_id"]):
        await media.delete(connection, folder, key)
    await record(connection, actor, "portfolio_item.withdrawn", object_of(item_id))


async def items(connection: Connection, actor: Actor, state: State) -> Items:
    """What is in this state; a provider sees the own."""
    principal = actor.principal
    provider = principal.provider_id if principal.own_agenda_only else None
    rows = await repository.items(connection, state, provider)
    return Items(items=[Item.model_validate(row) for row in rows])


async def gallery(
    connection: Connection, provider: UUID | None = None, after: UUID | None = None
) -> Gallery:
    """One page of what is published."""
    rows = await repository.gallery(connection, PAGE + 1, provider=provider, after=after)
    shown = [PublicItem.model_validate(row) for row in rows[:PAGE]]
    return Gallery(items=shown, next=shown[-1].id if len(rows) > PAGE else None)


async def published(connection: Connection, item_id: UUID) -> PublicItem:
    """Raises `NotFoundError`."""
    found = await gallery_item(connection, item_id)
    if found is None:
        raise NotFoundError
    return found


async def gallery_item(connection: Connection, item_id: UUID) -> PublicItem | None:
    """None if it is not published, or not any more."""
    rows = await repository.gallery(connection, 1, item=item_id)
    return PublicItem.model_validate(rows[0]) if rows else None


async def delete_files(database: Database, folder: MediaFolder) -> int:
    """Deletes files of pairs that were withdrawn elsewhere, rejected, or not agreed to in time; how
    many photographs."""
    async with database.transaction() as connection:
        await repository.refuse_old(connection, WAITED)
        found = await repository.withdrawn(connection)
        for key in found:
            await media.delete(connection, folder, key)
    return len(found)


def object_of(item_id: UUID) -> AuditedObject:
    return AuditedObject("portfolio_item", str(item_id))
