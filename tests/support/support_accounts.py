"""Accounts for tests: an application on a migrated database, tokens, sessions, a mail server."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import httpx
import psycopg
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from fastapi import FastAPI
from support_app import CONFIGURATION, AppHome, free_port

from barberpro_app.application import create_application
from barberpro_app.audit.trail import Actor
from barberpro_app.identity.clients import create_api_client
from barberpro_app.identity.principal import SYSTEM
from barberpro_app.identity.repository import Subject
from barberpro_app.identity.service import make_link, redeem_link
from barberpro_app.identity.staff import StaffDraft, StaffUser, add_staff
from barberpro_app.kit.database import Connection, Database, PoolSettings
from barberpro_app.settings import Settings, load_settings

ORIGIN = str(CONFIGURATION["public_url"])
OPERATOR = Actor(SYSTEM, "test")
T = TypeVar("T")


@dataclass
class Accounts:
    """One deployment: its files and its database. Each step is a transaction that commits."""

    home: AppHome
    settings: Settings
    url: str

    @classmethod
    def make(cls, folder: Path, url: str, **changes: Any) -> Accounts:
        home = AppHome.make(folder, url, **changes)
        return cls(home, load_settings(home.environment), url)

    def run(self, step: Callable[[Connection], Awaitable[T]]) -> T:
        """Runs `step(connection)` in a transaction."""

        async def within(database: Database) -> T:
            async with database.transaction() as connection:
                return await step(connection)

        return self.using(within)

    def using(self, work: Callable[[Database], Awaitable[T]]) -> T:
        """Runs `work(database)` with an open pool."""

        async def opened() -> T:
            database = Database(self.url, PoolSettings(1, 8, 30))
            await database.open()
            try:
                return await work(database)
            finally:
                await database.close()

        return asyncio.run(opened())

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What the superuser sees or arranges."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(query.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def staff(self, role: str, email: str | None = None, name: str = "Ana") -> StaffUser:
        draft = StaffDraft(email or f"{role}@example.com", name, role)
        return self.run(lambda connection: add_staff(connection, OPERATOR, draft))

    def client(self, email: str, name: str = "Clara") -> UUID:
        found: UUID = self.rows(
            "INSERT INTO client (name, email) VALUES (%s, %s) RETURNING id", name, email
        )[0][0]
        return found

    def link(self, subject: Subject, **options: Any) -> str:
        """The token of a fresh sign-in link."""
        made = self.run(lambda connection: make_link(connection, ORIGIN, subject, **options))
        return made.url.rpartition("/")[2]

    def session(self, subject: Subject) -> str:
        """The cookie of a signed-in person."""
        token = self.link(subject)
        return self.run(lambda connection: redeem_link(connection, token)).token

    @contextmanager
    def browser(self, **options: Any) -> Iterator[Caller]:
        """The application, its lifespan running, asked over HTTPS by its own name."""
        caller = Caller(create_application(self.settings, **options))
        try:
            caller.start()
            yield caller
        finally:
            caller.stop()

    def token(self, client: Caller, *scopes: str, name: str = "program") -> str:
        """An access token of a new API client."""
        made = self.run(lambda connection: create_api_client(connection, OPERATOR, name, scopes))
        answer = client.post(
            "/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(made.name, made.secret),
        )
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["access_token"]
        return token


class Caller:
    """Asks an application that runs in a thread with a loop of its own; keeps cookies."""

    def __init__(self, application: FastAPI, address: str = "203.0.113.7") -> None:
        self.app = application
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(
                application, raise_app_exceptions=False, client=(address, 50000)
            ),
            base_url=ORIGIN,
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._lifespan = application.router.lifespan_context(application)

    def start(self) -> None:
        self._thread.start()
        self.run(self._lifespan.__aenter__())

    def stop(self) -> None:
        self.run(self._lifespan.__aexit__(None, None, None))
        self.run(self._client.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)
        self._loop.close()

    @property
    def client(self) -> httpx.AsyncClient:
        """To be used within `run`."""
        return self._client

    def run(self, work: Coroutine[Any, Any, T], seconds: float = 60) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(seconds)

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self.run(self._client.request(method, path, **options))

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@dataclass
class MailServer:
    """A real SMTP server that answers as told. `answers` are used up, one per message."""

    port: int
    answers: list[str] = field(default_factory=list)
    recipient_answers: dict[str, str] = field(default_factory=dict)
    drop_after_data: int = 0
    delay_seconds: float = 0.0
    received: list[EmailMessage] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - the name that aiosmtpd calls
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if refusal := self.recipient_answers.get(address):
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        if self.delay_seconds:
            await asyncio.sleep(self.delay_seconds)
        if self.answers:
            answer = self.answers.pop(0)
            if not answer.startswith("2"):
                return answer
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.received.append(message)
        if self.drop_after_data:
            self.drop_after_data -= 1
            assert server.transport is not None
            server.transport.abort()
        return "250 OK"

    def wait_for(self, count: int, seconds: float = 60) -> list[EmailMessage]:
        deadline = time.monotonic() + seconds
        while len(self.received) < count:
            assert time.monotonic() < deadline, f"{len(self.received)} of {count} messages came"
            time.sleep(0.02)
        return self.received


@contextmanager
def mail_server() -> Iterator[MailServer]:
    server = MailServer(free_port())
    controller = Controller(server, hostname="127.0.0.1", port=server.port)
    controller.start()
    try:
        yield server
    finally:
        controller.stop()
