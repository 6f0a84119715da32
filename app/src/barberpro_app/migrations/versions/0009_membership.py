"""Packages and memberships: credits bought ahead, used by bookings, in the books."""

from __future__ import annotations

from barberpro_app.migrations.statements import run_file

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file("0009_membership.sql")
