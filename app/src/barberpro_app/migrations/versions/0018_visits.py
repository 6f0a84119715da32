"""Refunds of one booking of a visit."""

from __future__ import annotations

from barberpro_app.migrations.statements import run_file

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file("0018_visits.sql")
