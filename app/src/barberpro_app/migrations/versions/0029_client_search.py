"""What clients are found by, kept with each record."""

from __future__ import annotations

from barberpro_app.migrations.statements import run_file

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file("0029_client_search.sql")
