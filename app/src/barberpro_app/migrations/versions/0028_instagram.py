"""The Instagram account, and posts that are withdrawn."""

from __future__ import annotations

from barberpro_app.migrations.statements import run_file

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file("0028_instagram.sql")
