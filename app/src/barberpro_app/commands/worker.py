"""`worker`: the jobs in a process of their own."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal

import uvloop

from barberpro_app.kit.database import JOBS_POOL, Database
from barberpro_app.kit.logging import configure_logging, get_logger
from barberpro_app.kit.metrics import Metrics
from barberpro_app.settings import Settings, load_settings
from barberpro_app.worker import Worker

#: A message that is being handed over gets this long before the process ends.
DRAIN_SECONDS = 8


def run(_arguments: argparse.Namespace) -> int:
    settings = load_settings()
    configure_logging(settings.log_level)
    uvloop.run(_work(settings))
    return 0


async def _work(settings: Settings) -> None:
    log = get_logger(__name__)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    secrets = settings.secrets
    direct = secrets.database_direct_url
    database = Database(secrets.database_url, JOBS_POOL, name="worker", direct=direct)
    worker = Worker(settings, database, Metrics(), listen=True)
    await database.open()
    log.info("working", deployment=settings.app.deployment_id, pid=os.getpid())
    task = asyncio.create_task(worker.run())
    try:
        waiting = asyncio.create_task(stopping.wait())
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        await worker.stop(task, DRAIN_SECONDS)
    finally:
        await database.close()
    log.info("stopped")
