"""API clients: programs with a name, a secret and scopes (RFC 6749 §2)."""

from __future__ import annotations

import hmac
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.identity import repository
from barberpro_app.identity.hashing import new_token, token_hash
from barberpro_app.identity.principal import SCOPES
from barberpro_app.identity.tokens import ApiClient
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import ConflictError, InvalidRequestError, NotFoundError

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


class ApiClientExistsError(ConflictError):
    """There is an API client of this name already; remove it first, or choose another name."""

    code = "api_client_exists"


@dataclass(frozen=True, slots=True)
class NewApiClient:
    """Just made; `secret` is shown once and kept nowhere."""

    id: UUID
    name: str
    secret: str
    scopes: tuple[str, ...]


async def create_api_client(
    connection: Connection, actor: Actor, name: str, scopes: Collection[str]
) -> NewApiClient:
    """Raises `InvalidRequestError` for a bad name or unknown scope, `ApiClientExistsError`."""
    if not _NAME.fullmatch(name) or name.startswith("removed."):
        raise InvalidRequestError(
            f"{name!r} is not a name: up to 63 of a-z 0-9 . _ -, the first a letter or digit",
            field="name",
        )
    if unknown := sorted(set(scopes) - SCOPES.keys()):
        raise InvalidRequestError(
            f"unknown scope {', '.join(unknown)}; there are {', '.join(SCOPES)}", field="scope"
        )
    granted = tuple(sorted(set(scopes)))
    secret = new_token()
    key = await repository.insert_api_client(connection, name, token_hash(secret), granted)
    if key is None:
        raise ApiClientExistsError
    await record(
        connection, actor, "api_client.created", AuditedObject("api_client", str(key)),
        {"name": name, "scopes": list(granted)},
    )  # fmt: skip
    return NewApiClient(key, name, secret, granted)


async def remove_api_client(connection: Connection, actor: Actor, name: str) -> None:
    """From now on no new tokens; running processes refuse the old ones within seconds.

    Raises `NotFoundError`.
    """
    key = await repository.remove_api_client(connection, name)
    if key is None:
        raise NotFoundError(f"There is no API client {name!r}.")
    await record(
        connection, actor, "api_client.removed", AuditedObject("api_client", str(key)),
        {"name": name},
    )  # fmt: skip


async def authenticate_api_client(
    connection: Connection, name: str, secret: str
) -> ApiClient | None:
    """The client if the secret is its own; takes as long for an unknown name."""
    row = await repository.find_api_client(connection, name)
    expected = row["secret_hash"] if row else bytes(32)
    matches = hmac.compare_digest(token_hash(secret), bytes(expected))
    if row is None or not matches:
        return None
    await repository.touch_api_client(connection, row["id"])
    return ApiClient(row["id"], row["name"], frozenset(row["scopes"]))


@dataclass(frozen=True, slots=True)
class ListedApiClient:
    """An API client without its secret."""

    id: UUID
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    last_used_at: datetime | None


async def list_api_clients(connection: Connection) -> list[ListedApiClient]:
    """Those that may get tokens, by name."""
    return [
        ListedApiClient(**{**row, "scopes": tuple(row["scopes"])})
        for row in await repository.list_api_clients(connection)
    ]
