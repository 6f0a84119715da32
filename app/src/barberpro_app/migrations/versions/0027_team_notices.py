"""A yes to WhatsApp on the booking form, which holds for that booking until its person signs in."""

from __future__ import annotations

from barberpro_app.migrations.statements import run_file

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file("0027_team_notices.sql")
