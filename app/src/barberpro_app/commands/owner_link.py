"""`owner-link`: a one-time sign-in link for an owner, printed for the operator to pass on."""

from __future__ import annotations

import argparse
import asyncio

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.commands.connecting import connected
from barberpro_app.commands.output import write_json
from barberpro_app.identity import staff_repository
from barberpro_app.identity.repository import Subject
from barberpro_app.identity.service import OPERATOR_LINK_LIFETIME, NewLink, make_link
from barberpro_app.kit.errors import NotFoundError
from barberpro_app.settings import Settings, load_settings


def run(arguments: argparse.Namespace) -> int:
    link = asyncio.run(_make(load_settings(), arguments.email))
    write_json({"url": link.url, "expires_at": link.expires_at.isoformat()})
    return 0


async def _make(settings: Settings, email: str) -> NewLink:
    async with connected(settings.secrets.database_session_url) as connection:
        owner = await staff_repository.select_by_email(connection, email)
        if owner is None or owner["role"] != "owner" or not owner["active"]:
            raise NotFoundError(
                f"no active owner has the address {email}\n  where: the deployment's staff\n"
                "  mend: use the owner's address of the seed, or load it with `seed`"
            )
        link = await make_link(
            connection,
            settings.app.public_url,
            Subject(staff_id=owner["id"]),
            lifetime=OPERATOR_LINK_LIFETIME,
        )
        await record(
            connection, Actor(), "sign_in_link.made", AuditedObject("staff_user", str(owner["id"]))
        )
        return link
