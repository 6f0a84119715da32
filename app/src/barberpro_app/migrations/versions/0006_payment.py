"""Payments by hand and at Mercado Pago, refunds, and the account of each booking."""

from __future__ import annotations

from barberpro_app.migrations.statements import run_file

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("payment_tables", "payment"):
        run_file(f"0006_{name}.sql")
