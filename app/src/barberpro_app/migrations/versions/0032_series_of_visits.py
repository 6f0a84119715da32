"""Series of visits."""

from __future__ import annotations

from barberpro_app.migrations.statements import run_file

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file("0032_series_of_visits.sql")
