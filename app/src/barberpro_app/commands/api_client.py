"""`api-client create|remove`: programs that may use the API."""

from __future__ import annotations

import argparse
import asyncio

from barberpro_app.audit.trail import Actor
from barberpro_app.commands.connecting import connected
from barberpro_app.commands.output import write_json
from barberpro_app.identity.clients import NewApiClient, create_api_client, remove_api_client
from barberpro_app.kit.errors import ConfigurationError, InvalidRequestError, NotFoundError
from barberpro_app.settings import Settings, load_settings


def run(arguments: argparse.Namespace) -> int:
    settings = load_settings()
    if arguments.action == "remove":
        removed = asyncio.run(_remove(settings, arguments.name))
        write_json({"removed": arguments.name if removed else None})
        return 0
    try:
        client = asyncio.run(_create(settings, arguments.name, arguments.scopes))
    except InvalidRequestError as error:  # what was typed is wrong: usage, not failure
        raise ConfigurationError(error.message) from error
    write_json(
        {
            "client_id": client.name,
            "client_secret": client.secret,
            "scopes": list(client.scopes),
            "token_url": f"{settings.app.public_url}/oauth/token",
        }
    )
    return 0


async def _create(settings: Settings, name: str, scopes: list[str]) -> NewApiClient:
    async with connected(settings.secrets.database_session_url) as connection:
        return await create_api_client(connection, Actor(), name, scopes)


async def _remove(settings: Settings, name: str) -> bool:
    """Whether there was one; safe to repeat."""
    async with connected(settings.secrets.database_session_url) as connection:
        try:
            await remove_api_client(connection, Actor(), name)
        except NotFoundError:
            return False
    return True
