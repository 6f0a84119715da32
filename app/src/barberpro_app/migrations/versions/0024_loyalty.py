"""Stamps by what was spent, and levels."""

from __future__ import annotations

from barberpro_app.migrations.statements import run_file

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file("0024_loyalty.sql")
