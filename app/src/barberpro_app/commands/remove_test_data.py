"""`remove-test-data --marker M`: takes away what a test of a running deployment left."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import re

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.commands.connecting import connected
from barberpro_app.commands.output import write_json
from barberpro_app.identity.clients import remove_api_client
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import ConfigurationError, NotFoundError
from barberpro_app.settings import Settings, load_settings

_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]{0,62}\.)+[a-z0-9-]{2,63}")


def run(arguments: argparse.Namespace) -> int:
    marker = arguments.marker.removeprefix("@").lower()
    if not _DOMAIN.fullmatch(marker):
        raise ConfigurationError(
            f"{arguments.marker!r} is not a domain\n  where: --marker\n"
            "  mend: give the part after @ of the test clients' addresses, e.g. probe.invalid"
        )
    removed = asyncio.run(_remove(load_settings(), marker, arguments.api_client))
    write_json({"removed": removed})
    return 0


async def _remove(settings: Settings, marker: str, api_client: str | None) -> dict[str, int]:
    async with (
        connected(settings.secrets.database_session_url) as connection,
        connection.transaction(),
    ):
        counts = await remove_test_data(connection, marker)
        if api_client is not None:
            await _remove_client(connection, api_client)
        if any(counts.values()):
            await record(
                connection,
                Actor(),
                "test_data.removed",
                AuditedObject("deployment", settings.app.deployment_id),
                dict(counts),
            )
    return counts


async def _remove_client(connection: Connection, name: str) -> None:
    with contextlib.suppress(NotFoundError):  # safe to repeat
        await remove_api_client(connection, Actor(), name)


async def remove_test_data(connection: Connection, marker: str) -> dict[str, int]:
    """Bookings, clients and messages whose client's address is at the domain; how many of each."""
    cursor = await connection.execute("SELECT * FROM remove_test_data(%s)", (marker,))
    row = await cursor.fetchone()
    return dict(row) if row else {}
