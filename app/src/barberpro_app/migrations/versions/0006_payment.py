"""Payments by hand and at Mercado Pago, refunds, and the account of each booking."""

from __future__ import annotations

from barberpro_app.migrations.statements import run_file

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file("0006_payment_tables.sql")
