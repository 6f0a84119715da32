"""Who waits for a time."""

from __future__ import annotations

from barberpro_app.migrations.statements import run_file

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file("0021_waiting.sql")
