"""Locations, providers, services, clients, bookings, audit trail, outbox; the booking functions."""

from __future__ import annotations

from barberpro_app.migrations.statements import run_file

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("tables", "common", "slots", "booking"):
        run_file(f"0001_{name}.sql")
