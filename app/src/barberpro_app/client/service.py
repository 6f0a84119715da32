"""Clients: for staff and API clients with the scope; a client sees the own record, a provider those
whom they attend."""

from __future__ import annotations

import re
from collections.abc import Mapping
from uuid import UUID

import psycopg

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.client import repository
from barberpro_app.client.schemas import (
    Block,
    Client,
    ClientDraft,
    ClientPage,
    ClientPatch,
    Unblock,
)
from barberpro_app.kit import clock
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import DuplicateError, InvalidRequestError, NotFoundError
from barberpro_app.kit.updates import update_versioned

#: What somebody typed is a telephone number, in any usual form.
_NUMBER = re.compile(r"\+?[0-9 ()./-]{3,40}")
#: The digits that tell a number whatever is written before them: 0, 15, +54 9...
_TAIL = 8
MOST_WORDS = 6
#: What of a record is the team's: its client is shown none of it here, but gets the notes on asking
#: for their data.
_STAFFS: Mapping[str, object] = {"note": "", "tags": [], "blocked_at": None, "blocked_reason": ""}


def words_of(text: str) -> list[tuple[bool, str]]:
    """What to look for: each word, or the digits of a number (`True`) as they are stored."""
    text = text.strip()
    digits = re.sub(r"[^0-9]", "", text)
    if _NUMBER.fullmatch(text) and len(digits) >= 3:
        return [(True, digits[-_TAIL:] if len(digits) >= _TAIL else digits)]
    return [(False, word) for word in text.lower().split()[:MOST_WORDS]]


async def search_clients(
    connection: Connection,
    text: str = "",
    after: str | None = None,
    limit: int = 50,
    *,
    tag: str | None = None,
    blocked: bool | None = None,
) -> ClientPage:
    """By any part of name (accents do not matter), e-mail or number; all words have to be there."""
    rows = await repository.search(
        connection,
        words_of(text),
        tag=tag,
        blocked=blocked,
        after=_read_cursor(after),
        limit=limit + 1,
    )
    items = [Client.model_validate(row) for row in rows[:limit]]
    return ClientPage(items=items, next=str(items[-1].id) if len(rows) > limit else None)


async def get_client(connection: Connection, actor: Actor, client_id: UUID) -> Client:
    """Raises `NotFoundError`, also for a client who asks for another, and for a provider who does
    not attend the client."""
    principal = actor.principal
    own = principal.kind != "client" or principal.client_id == client_id
    if principal.own_agenda_only:
        own = await repository.is_of(connection, client_id, principal.provider_id)
    row = await repository.get(connection, client_id) if own else None
    if row is None:
        raise NotFoundError
    return Client.model_validate({**row, **_STAFFS} if principal.kind == "client" else row)


async def upsert_client(connection: Connection, actor: Actor, draft: ClientDraft) -> Client:
    """The client of this e-mail with what is given written over it, or a new one.

    Needs a transaction. Raises `InvalidRequestError` for a provider who is not there.
    """
    try:
        client_id, is_new = await repository.upsert(connection, draft.model_dump())
    except psycopg.errors.ForeignKeyViolation as error:
        raise _no_provider() from error
    action = "client.created" if is_new else "client.updated"
    await record(connection, actor, action, _object(client_id))
    return await get_client(connection, actor, client_id)


async def update_client(
    connection: Connection, actor: Actor, client_id: UUID, patch: ClientPatch
) -> Client:
    """Raises `NotFoundError`, `StaleVersionError`, `DuplicateError`, `InvalidRequestError`. Needs a
    transaction."""
    values = patch.model_dump(exclude_none=True, exclude={"version", "remove"})
    values |= dict.fromkeys(patch.remove)
    kept = (await get_client(connection, actor, client_id)).id
    try:
        await update_versioned(connection, "client", kept, patch.version, values)
    except psycopg.errors.UniqueViolation as error:
        raise DuplicateError("Another client has this e-mail.", field="email") from error
    except psycopg.errors.ForeignKeyViolation as error:
        raise _no_provider() from error
    await record(connection, actor, "client.updated", _object(kept), {"fields": sorted(values)})
    return await get_client(connection, actor, kept)


async def block_client(
    connection: Connection, actor: Actor, client_id: UUID, block: Block
) -> Client:
    """Raises `NotFoundError`, `StaleVersionError`. Needs a transaction."""
    values = {
        "blocked_at": clock.now(),
        "blocked_reason": block.reason,
        "blocked_by": actor.principal.name or actor.principal.kind,
    }
    return await _set_block(connection, actor, client_id, block.version, values, "client.blocked")


async def unblock_client(
    connection: Connection, actor: Actor, client_id: UUID, change: Unblock
) -> Client:
    """Raises `NotFoundError`, `StaleVersionError`. Needs a transaction."""
    values = {"blocked_at": None, "blocked_reason": "", "blocked_by": ""}
    return await _set_block(
        connection, actor, client_id, change.version, values, "client.unblocked"
    )


async def _set_block(
    connection: Connection,
    actor: Actor,
    client_id: UUID,
    version: int,
    values: Mapping[str, object],
    action: str,
) -> Client:
    kept = (await get_client(connection, actor, client_id)).id
    await update_versioned(connection, "client", kept, version, values)
    await record(connection, actor, action, _object(kept))
    return await get_client(connection, actor, kept)


def _read_cursor(after: str | None) -> UUID | None:
    if after is None:
        return None
    try:
        return UUID(after)
    except ValueError as error:
        raise InvalidRequestError("This is not the `next` of a page.", field="after") from error


def _no_provider() -> InvalidRequestError:
    return InvalidRequestError("There is no such provider.", field="preferred_provider_id")


def _object(client_id: UUID) -> AuditedObject:
    return AuditedObject("client", str(client_id))
