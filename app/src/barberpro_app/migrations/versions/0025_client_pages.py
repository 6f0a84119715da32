"""What the team notes about clients, addresses of people whose records became one, joined consents."""

from __future__ import annotations

from barberpro_app.migrations.statements import run_file

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file("0025_client_pages.sql")
