"""Who waits for a time."""

from __future__ import annotations

from barberpro_app.migrations.statements import run_file

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file("0022_waiting.sql")
