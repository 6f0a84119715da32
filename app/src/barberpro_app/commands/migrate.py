"""`migrate`: brings the schema up to date. The only command that loads the migration tools."""

from __future__ import annotations

import argparse

from barberpro_app.commands.output import write_json
from barberpro_app.kit.logging import configure_logging
from barberpro_app.migrations.run import run_migrations
from barberpro_app.settings import load_settings


def run(_arguments: argparse.Namespace) -> int:
    settings = load_settings()
    configure_logging(settings.log_level)
    secrets = settings.secrets
    write_json(run_migrations(secrets.database_owner_url, secrets.database_url))
    return 0
