"""Two records of one person: found, told apart, made one.

Everything of the one goes to the other in one transaction (`client_merge` in the database): bookings,
money, credits, consents, messages. Its key is followed from then on. It cannot be undone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.client import repository
from barberpro_app.client.errors import MergeItselfError
from barberpro_app.client.schemas import Client, MergeRequest, MergeResult, NotSame, Pair, PairList
from barberpro_app.client.service import get_client
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import NotFoundError


async def merge_clients(
    connection: Connection, actor: Actor, client_id: UUID, request: MergeRequest
) -> MergeResult:
    """`client_id` is kept. Needs a transaction.

    Raises `NotFoundError`, `StaleVersionError`, `MergeItselfError`, `MergeClinicalError` (the record
    that would go has a clinical file: it is the one to keep), `MergeConflictError`, `MergeBusyError`.
    """
    moved = await repository.merge(
        connection, actor.as_json(), client_id, request.other_id, request.model_dump(mode="json")
    )
    client = await get_client(connection, actor, client_id)
    return MergeResult(client=client, moved={name: int(count) for name, count in moved.items()})


async def excluded(connection: Connection, one: UUID, other: UUID) -> dict[str, int]:
    """Body data of both records that exclude each other, by table: the caller says whose stay."""
    return await repository.excluded(connection, one, other)


async def suggest_pairs(connection: Connection, limit: int = 50) -> PairList:
    """Records that may be of one person, the likeliest first."""
    found = await repository.pairs(connection, limit)
    keys = {row["one"] for row in found} | {row["other"] for row in found}
    clients = await repository.several(connection, list(keys))
    return PairList(items=[_pair(row["one"], row, clients) for row in found])


async def suggest_for(
    connection: Connection, actor: Actor, client_id: UUID, limit: int = 5
) -> PairList:
    """The same for one client, with names that are nearly the same. Raises `NotFoundError`."""
    client = await get_client(connection, actor, client_id)
    found = await repository.similar(connection, client.id, limit)
    clients = await repository.several(connection, [client.id, *(row["other"] for row in found)])
    return PairList(items=[_pair(client.id, row, clients) for row in found])


async def tell_apart(connection: Connection, actor: Actor, client_id: UUID, said: NotSame) -> None:
    """Needs a transaction. Raises `NotFoundError`, `MergeItselfError`."""
    if client_id == said.other_id:
        raise MergeItselfError
    by = actor.principal.name or actor.principal.kind
    if not await repository.not_same(connection, client_id, said.other_id, by):
        raise NotFoundError(field="other_id")
    what = AuditedObject("client", str(client_id))
    await record(connection, actor, "client.told_apart", what, {"other": str(said.other_id)})


def _pair(one: UUID, row: Mapping[str, Any], clients: Mapping[UUID, Mapping[str, Any]]) -> Pair:
    return Pair(
        one=Client.model_validate(clients[one]),
        other=Client.model_validate(clients[row["other"]]),
        why=row["why"],
    )
