"""Photographs, gallery, posts and loyalty."""

from __future__ import annotations

from barberpro_app.migrations.statements import run_file

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file("0008_barbershop.sql")
