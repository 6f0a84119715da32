"""The jobs of one process: messages, holds that end, old rows. Composition root of the background.

Every job may run in several processes at once. A job that fails is logged and tried again at its
next turn; a database that is away or has no schema yet is waited for.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from importlib import import_module
from typing import Any

import psycopg

from barberpro_app.booking import jobs as booking_jobs
from barberpro_app.brand.service import applied, get_brand
from barberpro_app.calendar_sync import jobs as calendar_jobs
from barberpro_app.calendar_sync.jobs import CalendarJobs
from barberpro_app.health.schema import current_schema, required_schema
from barberpro_app.identity import repository as identity_repository
from barberpro_app.integration_processor.channel import Channel
from barberpro_app.integration_processor.setup import is_heard
from barberpro_app.integration_processor.template_account import whatsapp_templates
from barberpro_app.kit.database import Connection, Database
from barberpro_app.kit.errors import UnavailableError
from barberpro_app.kit.links import BookingLinks
from barberpro_app.kit.logging import get_logger
from barberpro_app.kit.metrics import Metrics
from barberpro_app.kit.share import WHOLE, Share
from barberpro_app.kit.tasks import end
from barberpro_app.notification import repository as message_repository
from barberpro_app.notification.compose import Composer
from barberpro_app.notification.outbox import BATCH, Outbox
from barberpro_app.notification.transport import Transport
from barberpro_app.payment import jobs as payment_jobs
from barberpro_app.payment.online import OnlinePayments, PaymentDesk
from barberpro_app.reminders import jobs as reminder_jobs
from barberpro_app.retention import jobs as retention_jobs
from barberpro_app.series import jobs as series_jobs
from barberpro_app.settings import Settings
from barberpro_app.vault import service as vault
from barberpro_app.vault.mail import MailServer, in_force
from barberpro_app.waiting_list import jobs as waiting_jobs
from barberpro_app.whatsapp_webhook.jobs import Heard

#: How long a new message may lie before somebody looks; a sign-in link wakes the worker itself.
OUTBOX_SECONDS = 2.0
PAYMENT_SECONDS = 5.0
WHATSAPP_SECONDS = 1.0
TEMPLATE_SECONDS = 5.0
BRAND_SECONDS = 15.0
#: Between the first turns of two jobs. Started at the same moment they would meet at each turn, and an
#: idle deployment would keep a connection for each, with a server process of 5 to 10 MB.
APART_SECONDS = 0.03
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
#: Sent messages hold names and addresses (Ley 25.326 art. 4.7: no longer than needed).
KEEP_MESSAGES = timedelta(days=30)

#: service -> modules with `NAME`, `SECONDS` and `run(database)`; imported where it is enabled.
JOBS_BY_SERVICE: Mapping[str, str] = {
    "payment": "barberpro_app.membership.jobs",
    "provider-verification-service": "barberpro_app.provider_verification.jobs",
    "session-recording-service": "barberpro_app.session_recording.jobs",
    "loyalty-program-service": "barberpro_app.loyalty.jobs",
}

#: The same, of services that need to know where files and peers are: `run(database, settings)`.
SETTINGS_JOBS_BY_SERVICE: Mapping[str, str] = {
    "media-processor": "barberpro_app.media_processor.jobs",
    "portfolio-service": "barberpro_app.portfolio.jobs",
    "social-sharing-service": "barberpro_app.social_sharing.jobs",
    "class-management-service": "barberpro_app.class_management.jobs",
}

#: Jobs of base services, by name; the rest belong to no service and run in every worker.
JOB_OWNERS: Mapping[str, str] = {
    "expire_holds": "booking",
    "prune_idempotency_keys": "booking",
    "series": "booking",
    "waiting_list": "booking",
    "prune_sessions": "client",
    "retention": "client",
    "prune_messages": "notification",
    "reminders": "notification",
    "prune_reminders": "notification",
    "whatsapp_outbox": "integration-processor",
    "whatsapp_templates": "integration-processor",
    "whatsapp_inbox": "whatsapp-webhook",
    "prune_whatsapp": "whatsapp-webhook",
    "payments": "payment",
    "prune_notices": "payment",
    calendar_jobs.NAME: "calendar-sync",
    calendar_jobs.SWEEP_NAME: "calendar-sync",
}

#: Of these, those that have nothing to do without the folder of photographs.
NEED_FOLDER = {"media-processor", "portfolio-service", "social-sharing-service"}

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """`run` returns how many things it did; it is called every `seconds`."""

    name: str
    seconds: float
    run: Callable[[], Awaitable[int]]


class Worker:
    """Runs the jobs until it is cancelled. `listen`: have the database wake us for sign-in links,
    at the price of one more connection; within the web process `wake` does it for nothing.
    `share`: the jobs of which services."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        metrics: Metrics,
        *,
        listen: bool,
        share: Share = WHOLE,
    ) -> None:
        self._share = share
        self._settings = settings
        self._database = database
        self._metrics = metrics
        self._listen = listen
        self._awake = asyncio.Event()
        self._stopping = False
        self._idle = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._outbox: Outbox | None = None
        self._mail: MailServer | None = None
        self._app = settings.app  # with the brand of the moment
        self._keys_read = False
        self._whatsapp = Channel(settings, database, metrics)
        self._brand_version = 0
        self.last_turn = time.monotonic()

    async def _send_mail(self) -> int:
        """One batch, by the server that holds now; without one messages wait."""
        if not self._share.has("notification"):
            return 0
        if (
            not self._keys_read
        ):  # what the owner typed goes before the file from the first message on
            async with self._database.connection() as connection:
                await self._read_keys(connection)
        server = in_force(self._settings)
        if server is None:
            self._outbox, self._mail = None, None
            return 0
        if not server.same_as(self._mail):
            self._mail = server
            self._use(Transport.to(server))
        return 0 if self._outbox is None else await self._outbox.run_once()

    def _use(self, transport: Transport | None = None) -> None:
        """The next message is written for the brand and by the server of the moment."""
        server = self._mail
        if server is None:
            return
        app = self._app.model_copy(update={"mail": server.mail})
        links = BookingLinks(self._settings.secrets.key("session-key"), app.public_url)
        composer = Composer(app, links)
        if self._outbox is not None:
            self._outbox.use(composer, transport)
        elif transport is not None:
            self._outbox = Outbox(
                self._database, composer, transport, self._metrics, app.public_url
            )

    async def _read_keys(self, connection: Connection) -> None:
        await vault.load(connection, self._settings.secrets)
        self._keys_read = True

    @property
    def jobs(self) -> list[Job]:
        """The periodic jobs; the outbox has a loop of its own."""
        database = self._database
        jobs = [
            Job("brand", BRAND_SECONDS, self._follow_brand),
            Job("expire_holds", MINUTE, lambda: booking_jobs.expire_holds(database)),
            Job("prune_idempotency_keys", HOUR,
                lambda: booking_jobs.prune_idempotency_keys(database)),
            Job("prune_sessions", HOUR, self._prune_sessions),
            Job("prune_messages", DAY, self._prune_messages),
            Job("reminders", reminder_jobs.SECONDS, lambda: reminder_jobs.run(database)),
            Job("series", series_jobs.SECONDS,
                lambda: series_jobs.run(database, self._settings.app)),
            Job("waiting_list", waiting_jobs.SECONDS,
                waiting_jobs.Promoter(database, self._settings.app).run),
            Job("prune_reminders", DAY, lambda: reminder_jobs.prune(database)),
            Job("retention", retention_jobs.SECONDS, lambda: retention_jobs.run(database)),
        ]  # fmt: skip
        jobs.append(Job("whatsapp_outbox", WHATSAPP_SECONDS, self._whatsapp.run))
        jobs.append(
            Job(
                "whatsapp_templates",
                TEMPLATE_SECONDS,
                lambda: whatsapp_templates(database, self._settings),
            )
        )
        if "whatsapp-webhook" in self._settings.app.services:
            heard = Heard(self._settings, database, is_heard)
            jobs.append(Job("whatsapp_inbox", WHATSAPP_SECONDS, heard.run))
            jobs.append(Job("prune_whatsapp", DAY, heard.prune))
        if "payment" in self._settings.app.services:
            desk = PaymentDesk(database, self._settings.app, OnlinePayments(self._settings))
            jobs.append(Job("payments", PAYMENT_SECONDS, lambda: payment_jobs.work(desk)))
            jobs.append(Job("prune_notices", DAY, lambda: payment_jobs.prune(desk)))
        if "calendar-sync" in self._settings.app.services:
            calendars = CalendarJobs(self._settings, database, self._metrics)
            jobs.append(Job(calendar_jobs.NAME, calendar_jobs.SECONDS, calendars.run))
            jobs.append(Job(calendar_jobs.SWEEP_NAME, calendar_jobs.SWEEP_SECONDS, calendars.sweep))
        return [
            *(job for job in jobs if self._is_ours(job)),
            *_jobs_of(self._settings, database, self._share),
        ]

    def _is_ours(self, job: Job) -> bool:
        owner = JOB_OWNERS.get(job.name)
        return owner is None or self._share.has(owner)

    def wake(self) -> None:
        """There is a message that should not wait."""
        self._awake.set()

    async def run(self) -> None:
        """Until `stop`."""
        loops = [self._empty_outbox()]
        loops += [
            self._repeat(job, after * APART_SECONDS) for after, job in enumerate(self.jobs, 1)
        ]
        if self._listen and self._share.has("notification"):
            loops.append(self._hear_notifications())
        self._tasks = [asyncio.create_task(loop) for loop in loops]
        await asyncio.gather(*self._tasks)

    async def stop(self, task: asyncio.Task[None], seconds: float) -> None:
        """Lets the message in hand be handed over, at most so long, then ends `task` (of `run`)."""
        self._stopping = True
        if self._outbox is not None:
            self._outbox.stop()
        self.wake()
        idle = asyncio.create_task(self._is_idle())
        await asyncio.wait({task, idle}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        await end(idle, task, *self._tasks)

    async def _is_idle(self) -> None:
        await self._whatsapp.stop()
        await self._idle.wait()

    async def _empty_outbox(self) -> None:
        while not self._stopping:
            self._awake.clear()
            tried = await self._attempt("outbox", self._send_mail)
            self.last_turn = time.monotonic()
            if tried == BATCH:
                continue
            try:
                await asyncio.wait_for(self._awake.wait(), OUTBOX_SECONDS)
            except TimeoutError:
                continue
        self._idle.set()

    async def _hear_notifications(self) -> None:
        url = self._settings.secrets.database_session_url
        while True:
            try:
                connection = await psycopg.AsyncConnection.connect(
                    url, autocommit=True, connect_timeout=5, application_name="barberpro-listen"
                )
                async with connection:
                    await connection.execute("LISTEN outbox")
                    async for _ in connection.notifies():
                        self.wake()
            except psycopg.OperationalError as error:
                log.warning("listening_interrupted", error=type(error).__name__)
            await asyncio.sleep(5)

    async def _repeat(self, job: Job, after: float) -> None:
        await asyncio.sleep(after)
        while True:
            done = await self._attempt(job.name, job.run)
            if done:
                log.info("job", job=job.name, done=done)
            await asyncio.sleep(job.seconds)

    async def _attempt(self, name: str, run: Callable[[], Awaitable[int]]) -> int:
        """How many things were done; 0 after a failure, which is logged."""
        try:
            return await run()
        except UnavailableError:
            log.debug("job_waits_for_database", job=name)
        except psycopg.Error:
            if await self._schema_is_there():
                log.exception("job_failed", job=name)
            else:  # not there yet, or changing this very moment
                log.debug("job_waits_for_schema", job=name)
        except Exception:
            log.exception("job_failed", job=name)
        return 0

    async def _schema_is_there(self) -> bool:
        try:
            async with self._database.connection() as connection:
                return await current_schema(connection) == required_schema()
        except (UnavailableError, psycopg.Error):
            return False

    async def _follow_brand(self) -> int:
        """Messages say the name and the contact that the owner set; 1 if they are new. Keys that the
        owner typed count here too."""
        app = self._settings.app
        async with self._database.connection() as connection:
            brand = await get_brand(connection, app.brand)
            await self._read_keys(connection)
        if brand.version == self._brand_version:
            return 0
        self._brand_version = brand.version
        self._app = applied(app, brand)
        self._use()
        self._whatsapp.use(self._app)
        return 1

    async def _prune_sessions(self) -> int:
        async with self._database.transaction() as connection:
            ended = await identity_repository.delete_expired(connection)
            return ended + await identity_repository.delete_removed_api_clients(connection)

    async def _prune_messages(self) -> int:
        async with self._database.connection() as connection:
            return await message_repository.delete_old(connection, KEEP_MESSAGES)


def _jobs_of(settings: Settings, database: Database, share: Share) -> list[Job]:
    """The jobs of the enabled services that have some of their own."""
    own = share.own(settings.app.services)
    plain = _modules(JOBS_BY_SERVICE, own)
    jobs = [Job(part.NAME, part.SECONDS, partial(part.run, database)) for part in plain]
    able = set(own) - (NEED_FOLDER if settings.media_dir is None else set())
    informed = _modules(SETTINGS_JOBS_BY_SERVICE, sorted(able))
    return jobs + [
        Job(part.NAME, part.SECONDS, partial(part.run, database, settings)) for part in informed
    ]


def _modules(table: Mapping[str, str], services: Iterable[str]) -> list[Any]:
    return [import_module(table[name]) for name in services if name in table]
