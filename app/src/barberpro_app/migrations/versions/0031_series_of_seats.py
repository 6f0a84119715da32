"""Seats of a series."""

from __future__ import annotations

from barberpro_app.migrations.statements import run_file

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file("0031_series_of_seats.sql")
