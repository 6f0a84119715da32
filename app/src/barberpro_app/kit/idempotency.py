"""The Idempotency-Key of a request: a retry gets the first answer, another body is refused.

A key belongs to a principal and lives 24 hours. Only answers of success are kept: a refused request
changed nothing, and may be sent again under its key.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg
from psycopg.types.json import Jsonb
from pydantic import BaseModel

from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import InvalidRequestError

Model = TypeVar("Model", bound=BaseModel)

#: SQLSTATE of `refuse()` in the schema; its message is the code.
REFUSED = "BP001"


class IdempotencyKeyReusedError(InvalidRequestError):
    """This Idempotency-Key was used for another request."""

    code = "idempotency_key_reused"
    field = "Idempotency-Key"


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """`request_hash` covers the operation and the parsed body, so that spelling does not matter."""

    principal: str
    key: str
    request_hash: str

    def as_json(self) -> dict[str, str]:
        return {"principal": self.principal, "key": self.key, "hash": self.request_hash}


def idempotency_key(
    principal: str, key: str | None, operation: str, body: dict[str, Any]
) -> IdempotencyKey | None:
    """The key of a request, None if the caller sent none."""
    if key is None:
        return None
    text = json.dumps([operation, body], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return IdempotencyKey(principal, key, hashlib.sha256(text.encode()).hexdigest())


async def once(
    connection: Connection,
    key: IdempotencyKey | None,
    kind: type[Model],
    create: Callable[[], Awaitable[Model]],
) -> Model:
    """What `create()` gives, or gave the first time it was called under this key.

    Needs a transaction. Raises `IdempotencyKeyReusedError`.
    """
    if key is None:
        return await create()
    argument = Jsonb(key.as_json())
    try:
        cursor = await connection.execute("SELECT idempotency_begin(%s) AS answer", (argument,))
    except psycopg.DatabaseError as error:
        if error.sqlstate == REFUSED:
            raise IdempotencyKeyReusedError from error
        raise
    row = await cursor.fetchone()
    if row is not None and row["answer"] is not None:
        return kind.model_validate(row["answer"]["body"])
    created = await create()
    await connection.execute(
        "SELECT idempotency_end(%s, 201, %s)", (argument, Jsonb(created.model_dump(mode="json")))
    )
    return created


async def prune(connection: Connection) -> int:
    """Forgets keys older than 24 hours; how many."""
    cursor = await connection.execute(
        "DELETE FROM idempotency WHERE created_at < now() - interval '24 hours'"
    )
    return cursor.rowcount
