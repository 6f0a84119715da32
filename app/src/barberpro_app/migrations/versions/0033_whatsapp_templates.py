"""Approval of WhatsApp templates."""

from __future__ import annotations

from barberpro_app.migrations.statements import run_file

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file("0033_whatsapp_templates.sql")
