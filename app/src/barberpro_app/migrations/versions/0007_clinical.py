"""Clinical records, working notes, licences, consents and data requests, recordings, dentistry."""

from __future__ import annotations

from barberpro_app.migrations.statements import run_file

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("clinical", "verification", "privacy", "recording", "dental"):
        run_file(f"0007_{name}.sql")
