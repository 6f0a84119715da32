"""The owner's brand, categories of services, ending a service, stamps given by hand."""

from __future__ import annotations

from barberpro_app.migrations.statements import run_file

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file("0012_owner.sql")
