"""Channels for messages: WhatsApp beside e-mail, consents, reminders, state of integrations."""

from __future__ import annotations

from barberpro_app.migrations.statements import run_file

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file("0010_messages.sql")
