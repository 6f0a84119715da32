"""The timetable of a gym, and late cancelling."""

from __future__ import annotations

from barberpro_app.migrations.statements import run_file

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file("0020_classes.sql")
