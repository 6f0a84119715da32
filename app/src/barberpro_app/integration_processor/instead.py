"""What waits for WhatsApp where WhatsApp is not set up (any more): goes by e-mail, or is a dead letter."""

from __future__ import annotations

from barberpro_app.kit.database import Database
from barberpro_app.notification import repository
from barberpro_app.settings import AppConfiguration

_BATCH = 50
_REASON = "WhatsApp is not set up"


class ByEmailInstead:
    """Takes the place of the processor."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def use(self, app: AppConfiguration) -> None:
        """Nothing is written here: those by e-mail have their own composer."""

    async def run(self) -> int:
        """How many were moved."""
        async with self._database.transaction() as connection:
            rows = await repository.claim(connection, _BATCH, "whatsapp")
            for row in rows:
                instead = row["handed_at"] is None and await repository.fall_back(
                    connection, row["id"]
                )
                await repository.mark_failed(
                    connection, row["id"], row["attempt_id"],
                    f"by e-mail instead: {_REASON}" if instead else _REASON,
                    "cancelled" if instead else "failed",
                )  # fmt: skip
        return len(rows)

    async def stop(self) -> None:
        """Nothing is in hand."""
