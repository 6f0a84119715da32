"""Receiving a withdrawal, and seeing that it is answered."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

import psycopg

from barberpro_app.audit.trail import Actor
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import NotFoundError
from barberpro_app.kit.idempotency import REFUSED
from barberpro_app.settings import AppConfiguration
from barberpro_app.withdrawal import repository

#: As in booking codes: nothing that is misread aloud. 30^9 codes, too many to guess.
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_LISTED = 200
#: Withdrawing from a contract within ten days, or ending a service that goes on.
Kind = Literal["regret", "cancellation"]
_LETTERS: dict[Kind, str] = {"regret": "A", "cancellation": "B"}


@dataclass(frozen=True, slots=True)
class WithdrawalDraft:
    """What a consumer says. Only name and address are needed: the law asks for no reasons."""

    name: str
    email: str
    booking_code: str
    detail: str
    locale: str
    kind: Kind = "regret"


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A request as the business sees it."""

    id: UUID
    kind: Kind
    code: str
    name: str
    email: str
    booking_code: str
    detail: str
    created_at: datetime
    answered_at: datetime | None


async def receive(
    connection: Connection, actor: Actor, draft: WithdrawalDraft, business_email: str
) -> str:
    """Stores the request, has it mailed to both sides, and returns its tracking code."""
    code = _new_code(draft.kind)
    request = {
        "code": code,
        "name": draft.name,
        "email": draft.email,
        "booking_code": draft.booking_code,
        "detail": draft.detail,
        "locale": draft.locale,
        "business_email": business_email,
        "kind": draft.kind,
    }
    await repository.receive(connection, actor, request)
    return code


async def latest(connection: Connection) -> list[Withdrawal]:
    """The last requests, those to answer first."""
    return [Withdrawal(**row) for row in await repository.latest(connection, _LISTED)]


async def answer(connection: Connection, actor: Actor, request_id: UUID) -> None:
    """Marks a request as answered. Raises `NotFoundError` if there is no open one."""
    if not await repository.answer(connection, actor, request_id):
        raise NotFoundError


async def end_membership(
    connection: Connection, app: AppConfiguration, actor: Actor, pass_id: UUID, locale: str
) -> str:
    """Ends a membership of the client who asks, at once; its tracking code, the same if it was ended
    before. Needs a transaction. Raises `NotFoundError`, also for somebody else's."""
    client_id = actor.principal.client_id
    if client_id is None:
        raise NotFoundError
    request = {
        "code": _new_code("cancellation"),
        "locale": locale,
        "zone": app.timezone,
        "business_email": app.brand.contact_email,
    }
    try:
        return await repository.end_membership(connection, actor, pass_id, client_id, request)
    except psycopg.DatabaseError as error:
        if error.sqlstate != REFUSED:
            raise
        raise NotFoundError from error


def _new_code(kind: Kind) -> str:
    return _LETTERS[kind] + "".join(secrets.choice(_ALPHABET) for _ in range(9))
