"""Locations, providers, services, clients, bookings, audit trail, outbox."""

from __future__ import annotations

from barberpro_app.migrations.statements import run_file

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file("0001_tables.sql")
