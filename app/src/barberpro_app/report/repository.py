"""SQL of reports: the functions of routines/report.sql. They only read."""

from __future__ import annotations

from typing import Any

from barberpro_app.kit.database import Connection


async def _rows(
    connection: Connection, statement: bytes, values: dict[str, Any]
) -> list[dict[str, Any]]:
    return await (await connection.execute(statement, values)).fetchall()


async def times(connection: Connection, values: dict[str, Any]) -> list[dict[str, Any]]:
    """Opened and booked seconds; `closed` of the values are the days on which nobody works."""
    statement = b"SELECT * FROM report_times(%(first)s, %(last)s, %(closed)s::date[])"
    return await _rows(connection, statement, values)


async def providers(connection: Connection) -> list[dict[str, Any]]:
    return await _rows(connection, b"SELECT id, name FROM provider ORDER BY sort, name, id", {})


async def attendance(connection: Connection, values: dict[str, Any]) -> list[dict[str, Any]]:
    statement = b"SELECT * FROM report_attendance(%(first)s, %(last)s, %(grain)s)"
    return await _rows(connection, statement, values)


async def clients(connection: Connection, values: dict[str, Any]) -> list[dict[str, Any]]:
    """By part, and of the whole span the row without `first_day`."""
    statement = b"SELECT * FROM report_clients(%(first)s, %(last)s, %(grain)s)"
    return await _rows(connection, statement, values)


async def money(connection: Connection, values: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows of three figures: `earned` by part, `service`, `means`, each in its order."""
    statement = (
        b"SELECT * FROM report_money(%(first)s, %(last)s, %(grain)s, %(zone)s, %(currency)s)"
    )
    return await _rows(connection, statement, values)
