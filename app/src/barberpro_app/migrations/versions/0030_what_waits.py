"""Indices of what waits for the team."""

from __future__ import annotations

from barberpro_app.migrations.statements import run_file

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file("0030_what_waits.sql")
