"""The books: accounts, entries and lines in double entry, append only."""

from __future__ import annotations

from barberpro_app.migrations.statements import run_file

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file("0004_ledger.sql")
