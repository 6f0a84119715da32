"""Clients as the team keeps them: search, notes by who may read them, blocking, merging."""

from __future__ import annotations

from barberpro_app.migrations.statements import run_file

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file("0012_clients.sql")
