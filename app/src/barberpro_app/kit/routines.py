"""Calls the functions of the database that change things (migrations/routines): one round trip each.

A function refuses by `refuse(code, detail, field)`; each domain says which error of the app a code is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import AppError
from barberpro_app.kit.idempotency import REFUSED

#: The app's error for a refusal by the database, or None if it is a fault.
Refusal = Callable[[psycopg.Error], AppError | None]


def refusals(kinds: Iterable[type[AppError]], otherwise: Refusal = lambda _: None) -> Refusal:
    """Names refusals by the codes of these errors; what is none of them is asked of `otherwise`."""
    by_code = {kind.code: kind for kind in kinds}

    def refusal(error: psycopg.Error) -> AppError | None:
        kind = by_code.get(error.diag.message_primary or "")
        if error.sqlstate != REFUSED or kind is None:
            return otherwise(error)
        return kind(error.diag.message_detail or "", field=error.diag.column_name or None)

    return refusal


async def call(connection: Connection, refusal: Refusal, function: str, *arguments: Any) -> Any:
    """What the function answers; mappings go as jsonb. Raises what `refusal` makes of a refusal."""
    places = ", ".join(["%s"] * len(arguments))
    adapted = [Jsonb(value) if isinstance(value, Mapping) else value for value in arguments]
    try:
        cursor = await connection.execute(
            f"SELECT {function}({places}) AS answer".encode(), adapted
        )
    except psycopg.DatabaseError as error:
        refused = refusal(error)
        if refused is None:
            raise
        raise refused from error
    row = await cursor.fetchone()
    if row is None:
        raise psycopg.DataError(f"{function} gave no row")
    return row["answer"]
