"""Groups with capacity: sessions, seats, and time that a session takes."""

from __future__ import annotations

from barberpro_app.migrations.statements import run_file

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file("0017_groups.sql")
