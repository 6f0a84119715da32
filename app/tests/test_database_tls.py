"""A database elsewhere is spoken to with TLS and its own certificate alone, unless its address says otherwise.

The server is PostgreSQL with a TLS of the test's in front: libpq sees what a server of that certificate shows.
"""

from __future__ import annotations

import asyncio
import datetime
import ssl
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from support_postgres import SUPERUSER, TestServer

from barberpro_app.commands.connecting import cannot_connect
from barberpro_app.kit.errors import ConfigurationError
from barberpro_app.settings import Secrets

NAME = "db.example"
SSL_REQUEST = 80877103


def _certificate(folder: Path, name: str) -> Path:
    """Certificate and key in one file, its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = folder / f"{name}.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path


class Front:
    """What is in front of the server: `certificate` is what it shows, None for a server without TLS."""

    def __init__(self, server: TestServer) -> None:
        self.certificate: Path | None = None
        self.port = 0
        self._behind = server.folder / ".s.PGSQL.5432"

    async def listen(self) -> asyncio.Server:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        transports: list[asyncio.WriteTransport] = [writer.transport]
        try:
            first = await reader.readexactly(8)
            if struct.unpack("!II", first) == (8, SSL_REQUEST):
                writer.write(b"N" if self.certificate is None else b"S")
                await writer.drain()
                first = b""
                if self.certificate is not None:
                    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                    context.load_cert_chain(self.certificate)
                    await writer.start_tls(context)
                    transports.append(writer.transport)
            answers, questions = await asyncio.open_unix_connection(self._behind)
            transports.append(questions.transport)
            questions.write(first)
            await asyncio.gather(_pass_on(reader, questions), _pass_on(answers, writer))
        except (OSError, asyncio.IncompleteReadError):
            return  # the client does not trust what it sees
        finally:
            for transport in transports:
                transport.abort()


async def _pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Until the source ends; then so does the sink."""
    while data := await source.read(65536):
        sink.write(data)
        await sink.drain()
    sink.close()


@pytest.fixture(scope="module")
def front(postgres_server: TestServer) -> Iterator[Front]:
    made = Front(postgres_server)
    loop = asyncio.new_event_loop()
    listening = loop.run_until_complete(made.listen())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield made

    async def end() -> None:
        listening.close()
        mine = asyncio.current_task()
        await asyncio.wait_for(_all([task for task in asyncio.all_tasks() if task is not mine]), 60)

    asyncio.run_coroutine_threadsafe(end(), loop).result(20)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


async def _all(tasks: list[asyncio.Task[object]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    _certificate(tmp_path, NAME)
    _certificate(tmp_path, "other.example")
    return tmp_path


def _connect(front: Front, folder: Path, more: str = "") -> str:
    """As the app does; its user."""
    address = f"postgresql://{SUPERUSER}@{NAME}:{front.port}/postgres?hostaddr=127.0.0.1{more}"
    (folder / "database-url").write_text(address)
    with psycopg.connect(Secrets(folder).database_url, connect_timeout=10) as connection:
        row = connection.execute("SELECT current_user::text").fetchone()
        assert row is not None
        return str(row[0])


def _trust(folder: Path, name: str) -> None:
    text = (folder / f"{name}.pem").read_text().partition("-----BEGIN PRIVATE")[0]
    (folder / "database-ca.crt").write_text(text)


def test_the_right_certificate_from_the_authority_in_the_secret_is_let_in(
    front: Front, folder: Path
) -> None:
    front.certificate = folder / f"{NAME}.pem"
    _trust(folder, NAME)
    assert _connect(front, folder) == SUPERUSER
    assert _connect(front, folder, "&sslmode=verify-full") == SUPERUSER


@pytest.mark.parametrize("more", ["", "&sslmode=verify-full"])
@pytest.mark.parametrize(
    ("shown", "trusted", "said"),
    [
        (None, NAME, "server does not support SSL"),
        ("other.example", "other.example", 'for "other.example" does not match host name "db.example"'),
        (NAME, "other.example", "certificate verify failed"),
        (NAME, None, "root certificate file"),
    ],
    ids=["no TLS", "another name", "another authority", "no authority"],
)  # fmt: skip
def test_any_other_server_is_refused_with_its_reason(
    front: Front, folder: Path, shown: str | None, trusted: str | None, said: str, more: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("HOME", str(folder))  # libpq would look there for an authority
    front.certificate = folder / f"{shown}.pem" if shown else None
    if trusted:
        _trust(folder, trusted)
    with pytest.raises(psycopg.OperationalError) as refused:
        _connect(front, folder, more)
    told = cannot_connect(refused.value)
    assert said in told
    assert "database-ca.crt" in told


def test_an_address_that_says_so_goes_in_plain_text(front: Front, folder: Path) -> None:
    front.certificate = None
    assert _connect(front, folder, "&sslmode=disable") == SUPERUSER


@pytest.mark.parametrize(
    "address",
    ["postgresql://me@/db?host=/run/db", "postgresql://me@127.0.0.1/db", "postgresql://me@localhost/db",
     "postgresql://me@[::1]:5433/db", "postgresql:///db"],
)  # fmt: skip
def test_the_same_machine_needs_none(tmp_path: Path, address: str) -> None:
    (tmp_path / "database-url").write_text(address)
    assert Secrets(tmp_path).database_url == address


@pytest.mark.parametrize("hosts", ["db.example", "127.0.0.1,db.example", "10.0.0.1", "0.0.0.0"])
def test_any_other_is_elsewhere(tmp_path: Path, hosts: str) -> None:
    (tmp_path / "database-owner-url").write_text(f"postgresql://me:s3cret%40@{hosts}/db")
    assert "sslmode=verify-full" in Secrets(tmp_path).database_owner_url


def test_what_is_no_address_is_refused_without_its_text(tmp_path: Path) -> None:
    (tmp_path / "database-url").write_text("postgresql://me:s3cret@h:1/db?nothing=1")
    with pytest.raises(ConfigurationError) as refused:
        _ = Secrets(tmp_path).database_url
    assert "database-url" in str(refused.value)
    assert "s3cret" not in repr(refused.value)
