"""How long what is kept."""

from __future__ import annotations

from barberpro_app.migrations.statements import run_file

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file("0034_retention.sql")
