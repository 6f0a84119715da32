"""The owner's brand, categories of services, ending a service, stamps given by hand."""

from __future__ import annotations

from barberpro_app.migrations.statements import run_file

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file("0014_owner.sql")
