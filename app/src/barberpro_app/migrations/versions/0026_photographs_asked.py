"""The client's yes to photographs is asked by a link."""

from __future__ import annotations

from barberpro_app.migrations.statements import run_file

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file("0026_photographs_asked.sql")
