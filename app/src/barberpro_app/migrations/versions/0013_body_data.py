"""Activities, body measures and goals, meal plans with a nutritionist's signature."""

from __future__ import annotations

from barberpro_app.migrations.statements import run_file

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file("0013_body_data.sql")
