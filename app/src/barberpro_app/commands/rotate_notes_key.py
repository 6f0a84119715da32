"""`rotate-notes-key`: wraps every patient's data key under the master key that is there now."""

from __future__ import annotations

import argparse
import asyncio

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.clinical_records.vault import Vault
from barberpro_app.commands.connecting import connected
from barberpro_app.commands.output import write_json
from barberpro_app.settings import Settings, load_settings


def run(_arguments: argparse.Namespace) -> int:
    write_json({"rotated": asyncio.run(_rotate(load_settings()))})
    return 0


async def _rotate(settings: Settings) -> int:
    vault = Vault.of(settings.secrets)
    async with (
        connected(settings.secrets.database_session_url) as connection,
        connection.transaction(),
    ):
        count = await vault.rotate(connection)
        if count:
            what = AuditedObject("deployment", settings.app.deployment_id)
            await record(connection, Actor(), "notes_key.rotated", what, {"keys": count})
    return count
