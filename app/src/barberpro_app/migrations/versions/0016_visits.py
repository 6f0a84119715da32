"""Refunds of one booking of a visit."""

from __future__ import annotations

from barberpro_app.migrations.statements import run_file

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file("0016_visits.sql")
