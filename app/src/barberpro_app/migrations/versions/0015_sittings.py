"""Resources, visits of several services, bookings that wait for approval."""

from __future__ import annotations

from barberpro_app.migrations.statements import run_file

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file("0015_sittings.sql")
