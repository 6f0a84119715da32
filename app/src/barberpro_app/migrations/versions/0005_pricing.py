"""Rules for prices and deposits; a booking keeps what was quoted."""

from __future__ import annotations

from barberpro_app.migrations.statements import run_file

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file("0005_pricing.sql")
