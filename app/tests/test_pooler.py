"""A pooler in transaction mode between the app and PostgreSQL: a real PgBouncer, with the settings that
CloudNativePG's Pooler cannot be without, and fewer connections of the server than the app asks for."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pytest
from fastapi import FastAPI
from psycopg.conninfo import conninfo_to_dict
from support_app import free_port
from support_postgres import SUPERUSER, TestServer, identity_of, service_account
from support_web import Browser, deployment, first_slot, use

from barberpro_app.kit.database import SESSION
from barberpro_app.settings import Settings

PGBOUNCER = shutil.which("pgbouncer", path=os.pathsep.join([os.environ["PATH"], "/usr/sbin"]))
pytestmark = pytest.mark.skipif(
    PGBOUNCER is None, reason="pgbouncer is missing (Debian: pgbouncer)"
)
SERVERS, CLIENTS = 3, 12
ROLE = "pooled_app"


@contextmanager
def pooler(server: TestServer) -> Iterator[str]:
    """Its address, without the name of a database. What is ignored at the start of a session is what
    CloudNativePG has it ignore."""
    folder = Path(
        tempfile.mkdtemp(prefix="pooler-", dir=server.folder)
    )  # the server's account may go there
    port, settings = free_port(), folder / "pgbouncer.ini"
    (folder / "users.txt").write_text(f'"{ROLE}" ""\n"{SUPERUSER}" ""\n')
    settings.write_text(f"""\
[databases]
* = host={server.folder}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users.txt
admin_users = {SUPERUSER}
pool_mode = transaction
default_pool_size = {SERVERS}
max_client_conn = 200
ignore_startup_parameters = extra_float_digits,options
""")
    for path in (folder, *folder.iterdir()):
        path.chmod(0o755)
    assert PGBOUNCER is not None
    with (folder / "pgbouncer.log").open("wb") as log:
        process = subprocess.Popen(
            [PGBOUNCER, settings], stdout=log, stderr=log, cwd="/", **identity_of(service_account())
        )
    url = f"postgresql://{ROLE}@127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(f"{url}/postgres", connect_timeout=5).close()
                break
            except psycopg.OperationalError:
                said = (folder / "pgbouncer.log").read_text()
                assert process.poll() is None, said
                assert time.monotonic() < deadline, said
                time.sleep(0.05)
        yield url
    finally:
        process.kill()
        process.wait(10)
        shutil.rmtree(folder)


@pytest.fixture
def settings(tmp_path: Path, postgres_server: TestServer) -> Iterator[Settings]:
    """The app behind a pooler; its role has what a session of the app needs (as the chart sets it)."""
    postgres_server.execute(f"CREATE ROLE {ROLE} LOGIN SUPERUSER")
    for name, value in SESSION.items():
        postgres_server.execute(f"ALTER ROLE {ROLE} SET {name} = '{value}'")
    try:
        with deployment(tmp_path / "home", postgres_server) as found:
            secrets = tmp_path / "home" / "secrets"
            direct = found.secrets.database_url
            name = conninfo_to_dict(direct)["dbname"]
            with pooler(postgres_server) as url:
                (secrets / "database-url").write_text(f"{url}/{name}")
                (secrets / "database-direct-url").write_text(postgres_server.url(name, ROLE))
                yield found
    finally:
        postgres_server.execute(f"DROP ROLE {ROLE}")


def test_everybody_books_through_fewer_connections(
    settings: Settings, postgres_server: TestServer
) -> None:
    async def steps(application: FastAPI) -> None:
        hub, database = application.state.live.hub, application.state.database
        await _until("changes are heard", lambda: not hub.position.endswith("-0"))
        heard = hub.position
        first = await Browser(application).get("/")
        day = datetime.now(ZoneInfo("America/Argentina/Buenos_Aires")).date() + timedelta(days=7)
        address = f"{first.link('/reservar?')}&dia={day}"
        page = await Browser(application).get(address)
        every = [value for form in page.forms for name, value in form.buttons if name == "inicio"]
        hours = every[::2]  # a service takes two of them
        assert len(hours) >= CLIENTS

        async def book(hour: str, email: str) -> str:
            browser = Browser(application)
            page = await browser.get(address)
            page = await browser.send(page, page.form("/reservar"), inicio=hour)
            asked = next(form for form in page.forms if "nombre" in form.values)
            return (await browser.send(page, asked, nombre="Ana Pérez", email=email)).path

        paths = await asyncio.gather(
            *(book(hour, f"a{n}@example.com") for n, hour in enumerate(hours[:CLIENTS]))
        )
        assert all(path.startswith("/reservar/listo/") for path in paths), paths
        page = await Browser(application).get(address)
        assert first_slot(page) not in hours[:CLIENTS]
        await _until("they are heard", lambda: hub.position != heard)
        async with database.connection() as connection:
            for name, value in SESSION.items():
                cursor = await connection.execute(f"SHOW {name}".encode())
                row = await cursor.fetchone()
                assert row is not None
                assert row[name.replace("timezone", "TimeZone")] == value
        url = settings.secrets.database_url
        name = url.rsplit("/", 1)[1]
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND application_name = 'barberpro-app'"
        with psycopg.connect(postgres_server.url("postgres")) as connection:
            row = connection.execute(query, (name,)).fetchone()
        assert row is not None
        assert 1 <= row[0] <= SERVERS

    use(settings, steps)


def test_a_lock_of_a_session_goes_around_it(settings: Settings) -> None:
    """As who looks through the waiting list has one."""

    async def steps(application: FastAPI) -> None:
        database = application.state.database
        lock, unlock = (
            "SELECT pg_try_advisory_lock(1) AS got",
            "SELECT pg_advisory_unlock(1) AS got",
        )

        async def got(connection: psycopg.AsyncConnection[dict[str, bool]], query: str) -> bool:
            row = await (await connection.execute(query.encode())).fetchone()
            return bool(row and row["got"])

        async with database.session() as one, database.session() as other:
            assert await got(one, lock)
            assert not await got(other, lock)
            assert await got(one, unlock)
            assert await got(other, lock)

    use(settings, steps)


def test_the_chart_gives_the_role_what_a_session_of_the_app_has() -> None:
    chart = Path(__file__).parents[2] / "chart/barberpro/templates/database-cnpg.yaml"
    said = chart.read_text(encoding="utf-8")
    assert all(f'"{name}" "{value}"' in said for name, value in SESSION.items())


async def _until(what: str, true: object, seconds: float = 30) -> None:
    assert callable(true)
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.05)
