"""A deployment with WhatsApp set up, against the double of Meta."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from meta_whatsapp import (
    APP_SECRET,
    NUMBER_ID,
    TOKEN,
    VERIFY_TOKEN,
    Meta,
    RunningMeta,
    meta_whatsapp,
)
from psycopg.types.json import Jsonb
from support_accounts import Accounts, Caller
from support_app import CONFIGURATION

from barberpro_app.integration_processor.processor import Processor
from barberpro_app.kit.database import Database
from barberpro_app.kit.metrics import Metrics
from barberpro_app.whatsapp_webhook.inbox import Inbox
from barberpro_app.whatsapp_webhook.signature import sign

SECRETS = {
    "whatsapp-token": TOKEN,
    "whatsapp-phone-number-id": NUMBER_ID,
    "whatsapp-app-secret": APP_SECRET,
    "whatsapp-verify-token": VERIFY_TOKEN,
}
SERVICES = [*CONFIGURATION["services"], "whatsapp-webhook", "integration-processor"]


def booking_document(**changes: Any) -> dict[str, Any]:
    """A booking of the day after tomorrow, as messages carry it."""
    starts = (datetime.now(UTC) + timedelta(days=2)).replace(microsecond=0)
    return {
        "id": str(uuid4()), "code": "ABCD2345", "status": "confirmed", "version": 2,
        "starts_at": starts.isoformat(), "ends_at": (starts + timedelta(minutes=30)).isoformat(),
        "zone": "America/Argentina/Buenos_Aires", "price_centavos": 1200000,
        "provider": {"id": "x", "name": "Martín"}, "location": {"id": "x", "name": "Palermo"},
        "service": {"id": "x", "name": {"es-AR": "Corte clásico", "en": "Classic haircut"}},
        "client": {"id": "x", "name": "Clara", "email": "clara@example.com", "locale": "es-AR"},
        **changes,
    }  # fmt: skip


@dataclass
class Line:
    """One deployment with a number, and the account at Meta."""

    accounts: Accounts
    running: RunningMeta

    @property
    def meta(self) -> Meta:
        return self.running.account

    def quiet(self, start: int = 0, end: int = 0, *, whatsapp: bool = True) -> None:
        self.accounts.rows(
            "INSERT INTO settings_value (key, value) VALUES ('messages', %s)"
            " ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value",
            Jsonb({"whatsapp": whatsapp, "quiet_from": start, "quiet_to": end}),
        )

    def client(self, number: str = "5491123456789", email: str = "clara@example.com") -> UUID:
        """One who agreed to WhatsApp."""
        key = self.accounts.client(email)
        self.accounts.rows(
            "INSERT INTO contact_channel (client_id, channel, address, agreed, preferred)"
            " VALUES (%s, 'whatsapp', %s, true, true)",
            key, number,
        )  # fmt: skip
        return key

    def put(self, who: UUID, number: str = "5491123456789", **changes: Any) -> UUID:
        kind = changes.pop("kind", "booking_confirmed")
        found: UUID = self.accounts.rows(
            "INSERT INTO message (kind, channel, recipient, client_id, locale, payload, dedupe_key)"
            " VALUES (%s, 'whatsapp', %s, %s, 'es-AR', %s, %s) RETURNING id",
            kind, number, who, Jsonb(booking_document(**changes)), uuid4().hex,
        )[0][0]  # fmt: skip
        return found

    def send(self, workers: int = 1) -> None:
        async def work(database: Database) -> None:
            processors = [
                Processor(self.accounts.settings, database, Metrics()) for _ in range(workers)
            ]
            await asyncio.gather(*(processor.run() for processor in processors))

        self.accounts.using(work)

    def work_inbox(self) -> None:
        async def work(database: Database) -> None:
            while await Inbox(self.accounts.settings, database).run_once():
                continue

        self.accounts.using(work)

    def due(self) -> None:
        self.accounts.rows(
            "UPDATE message SET next_attempt_at = now() WHERE state IN ('pending', 'sending')"
        )

    def states(self, channel: str = "whatsapp") -> list[tuple[Any, ...]]:
        return self.accounts.rows(
            "SELECT state, attempts, coalesce(last_error, ''), delivery FROM message"
            " WHERE channel = %s ORDER BY id",
            channel,
        )

    def notify(self, browser: Caller, body: bytes) -> int:
        return post_notification(browser, body, sign(body, APP_SECRET))


def post_notification(browser: Caller, body: bytes, signature: str) -> int:
    answer = browser.post(
        "/webhooks/whatsapp",
        content=body,
        headers={"X-Hub-Signature-256": signature, "Content-Type": "application/json"},
    )
    return answer.status_code


@contextmanager
def whatsapp_line(
    folder: Path, url: str, *, report_seconds: int = 3, **changes: Any
) -> Iterator[Line]:
    with meta_whatsapp() as running:
        options = {"api": running.url, "report_seconds": report_seconds, "timeout_seconds": 1}
        changes.setdefault("services", SERVICES)
        accounts = Accounts.make(folder, url, whatsapp=options, **changes)
        for name, value in SECRETS.items():
            path = folder / "secrets" / name
            path.write_text(value)
            path.chmod(0o600)
        line = Line(accounts, running)
        line.quiet()
        yield line
