"""Who walked in and waits their turn."""

from __future__ import annotations

from barberpro_app.migrations.statements import run_file

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file("0023_walk_in.sql")
