"""Requests made with the withdrawal button (botón de arrepentimiento)."""

from __future__ import annotations

from barberpro_app.migrations.statements import run_file

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file("0003_withdrawal.sql")
