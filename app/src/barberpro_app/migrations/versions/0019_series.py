"""The same booking every so many weeks."""

from __future__ import annotations

from barberpro_app.migrations.statements import run_file

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file("0019_series.sql")
