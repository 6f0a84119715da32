"""`seed FILE`: first data and first accounts; what was loaded once is never loaded again."""

from __future__ import annotations

import argparse
import asyncio
import sys
from dataclasses import asdict
from pathlib import Path

from barberpro_app.commands.connecting import connected
from barberpro_app.commands.output import write_json
from barberpro_app.identity.first_staff import Person, load_first_staff
from barberpro_app.kit.errors import ConfigurationError
from barberpro_app.seed.schemas import MAX_BYTES, Seed, parse_seed
from barberpro_app.seed.service import load_seed
from barberpro_app.settings import Settings, load_settings


def run(arguments: argparse.Namespace) -> int:
    settings = load_settings()
    seed = parse_seed(_read(arguments.file), arguments.file)
    write_json({"loaded": asyncio.run(_load(settings, seed))})
    return 0


def _read(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"cannot read the seed: {error.strerror}\n  where: {name}\n  mend: name a seed.json"
        ) from error


async def _load(settings: Settings, seed: Seed) -> dict[str, int]:
    owner = Person(seed.owner.name, seed.owner.email, "owner")
    providers = [
        Person(provider.name, provider.email, "provider", provider.key)
        for provider in seed.providers
        if provider.email
    ]
    async with (
        connected(settings.secrets.database_session_url) as connection,
        connection.transaction(),
    ):
        counts = asdict(await load_seed(connection, settings.app, seed))
        counts["staff"] = await load_first_staff(connection, [owner, *providers])
    return counts
