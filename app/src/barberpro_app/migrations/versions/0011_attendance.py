"""Check-in, and missed bookings that are forgiven."""

from __future__ import annotations

from barberpro_app.migrations.statements import run_file

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file("0011_attendance.sql")
