"""`services`: what this release contains. Needs no configuration."""

from __future__ import annotations

import argparse

from barberpro_app import __version__
from barberpro_app.commands.output import write_json
from barberpro_app.health.schema import required_schema
from barberpro_app.health.services import CONTAINED


def run(_arguments: argparse.Namespace) -> int:
    services = [{"name": name, "summary": summary} for name, summary in CONTAINED.items()]
    write_json({"release": __version__, "schema": required_schema(), "services": services})
    return 0
