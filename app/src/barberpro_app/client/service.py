"""Clients: for staff and API clients with the scope; a client sees the own record."""

from __future__ import annotations

from uuid import UUID

import psycopg

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.client import repository
from barberpro_app.client.schemas import Client, ClientDraft, ClientPage, ClientPatch
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import DuplicateError, InvalidRequestError, NotFoundError
from barberpro_app.kit.updates import update_versioned


async def search_clients(
    connection: Connection, text: str = "", after: str | None = None, limit: int = 50
) -> ClientPage:
    """By the beginning of name or e-mail, or by at least four digits of the number."""
    rows = await repository.search(connection, text.strip(), _read_cursor(after), limit + 1)
    items = [Client.model_validate(row) for row in rows[:limit]]
    more = len(rows) > limit
    following = f"{items[-1].id}_{items[-1].name.lower()}" if more else None
    return ClientPage(items=items, next=following)


async def get_client(connection: Connection, actor: Actor, client_id: UUID) -> Client:
    """Raises `NotFoundError`, also for a client who asks for another."""
    principal = actor.principal
    own = principal.kind != "client" or principal.client_id == client_id
    row = await repository.get(connection, client_id) if own else None
    if row is None:
        raise NotFoundError
    return Client.model_validate(row)


async def upsert_client(connection: Connection, actor: Actor, draft: ClientDraft) -> Client:
    """The client of this e-mail with what is given written over it, or a new one.

    Needs a transaction.
    """
    client_id, is_new = await repository.upsert(connection, draft.model_dump())
    action = "client.created" if is_new else "client.updated"
    await record(connection, actor, action, _object(client_id))
    return await get_client(connection, actor, client_id)


async def update_client(
    connection: Connection, actor: Actor, client_id: UUID, patch: ClientPatch
) -> Client:
    """Raises `NotFoundError`, `StaleVersionError`, `DuplicateError`. Needs a transaction."""
    values = patch.model_dump(exclude_none=True, exclude={"version"})
    try:
        await update_versioned(connection, "client", client_id, patch.version, values)
    except psycopg.errors.UniqueViolation as error:
        raise DuplicateError("Another client has this e-mail.", field="email") from error
    await record(
        connection, actor, "client.updated", _object(client_id), {"fields": sorted(values)}
    )
    return await get_client(connection, actor, client_id)


def _read_cursor(after: str | None) -> tuple[str, UUID] | None:
    if after is None:
        return None
    key, _, name = after.partition("_")
    try:
        return name, UUID(key)
    except ValueError as error:
        raise InvalidRequestError("This is not the `next` of a page.", field="after") from error


def _object(client_id: UUID) -> AuditedObject:
    return AuditedObject("client", str(client_id))
