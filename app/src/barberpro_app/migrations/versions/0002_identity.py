"""Staff users, sign-in links, sessions, API clients; the outbox wakes the worker for sign-in."""

from __future__ import annotations

from barberpro_app.migrations.statements import run_file

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file("0002_identity.sql")
