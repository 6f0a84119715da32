"""The owner's own e-mail server: tried step by step, kept whole, used at once, one message per fault."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from fastapi import FastAPI
from support_accounts import MailServer
from support_app import free_port
from support_postgres import TestServer
from support_team import query, signed_in
from support_web import Browser, HtmlForm, Page, deployment, use

from barberpro_app.kit.metrics import Metrics
from barberpro_app.settings import Mail, Secret, Settings
from barberpro_app.vault.mail import MailServer as Kept
from barberpro_app.vault.mail import in_force
from barberpro_app.worker import Worker

HOME = "/ajustes/correo"
USER, PASSWORD = "turnos@barberia.example", "una clave  con espacios ñ"
SENDER = "turnos@barberia.example"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for localhost, signed by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )  # fmt: skip
    return path


class Closed(MailServer):
    """A server that lets in who knows the password, and only one address send."""

    async def handle_MAIL(  # noqa: N802 - the name that aiosmtpd calls
        self, _server: SMTP, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if address != SENDER:
            return f"553 5.7.1 {address} is not yours"
        envelope.mail_from = address
        return "250 OK"


def _knows(_server: Any, _session: Any, _envelope: Any, _way: str, data: Any) -> AuthResult:
    assert isinstance(data, LoginPassword)
    known = (data.login.decode(), data.password.decode()) == (USER, PASSWORD)
    return AuthResult(success=known, handled=False)


@contextmanager
def smtp(certificate: Path, *, way: str = "starttls", login: bool = True) -> Iterator[Closed]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = Closed(free_port())
    options: dict[str, Any] = {"starttls": {"tls_context": context}, "tls": {}, "none": {}}[way]
    if login:
        options |= {
            "authenticator": _knows,
            "auth_required": way != "tls",
            "auth_require_tls": way != "tls",
        }
    else:
        options["auth_exclude_mechanism"] = ["LOGIN", "PLAIN"]
    controller = Controller(
        server, hostname="127.0.0.1", port=server.port,
        ssl_context=context if way == "tls" else None, **options,
    )  # fmt: skip
    controller.start()
    try:
        yield server
    finally:
        controller.stop()


@pytest.fixture
def settings(
    tmp_path: Path, postgres_server: TestServer, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Settings]:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with deployment(tmp_path, postgres_server, mail=None, calendars={"own_network": True}) as made:
        yield made


def typed(server: MailServer, **changes: Any) -> dict[str, Any]:
    return {"servidor": "localhost", "puerto": server.port, "cifrado": "starttls",
            "usuario": USER, "clave": PASSWORD, "remitente": SENDER, **changes}  # fmt: skip


def of(page: Page) -> HtmlForm:
    return next(form for form in page.forms if "servidor" in form.values)


async def refused(owner: Browser, page: Page, values: dict[str, Any]) -> str:
    answer = await owner.send(page, of(page), **values)
    assert answer.status == 422, values
    assert PASSWORD not in answer.html
    return answer.text


def test_a_server_is_tried_kept_and_used_without_a_restart(
    settings: Settings, certificate: Path
) -> None:
    async def steps(application: FastAPI) -> None:
        owner = await signed_in(application, settings)
        page = await owner.get(HOME)
        assert "No hay servidor de correo" in page.text
        with smtp(certificate) as server:
            faults = [
                ({"clave": "another"}, "no acepta ese usuario con esa contraseña"),
                ({"usuario": "", "clave": ""}, "no acepta ese usuario con esa contraseña"),
                ({"remitente": "owner@elsewhere.example"}, "no te deja enviar desde esa dirección"),
                ({"cifrado": "tls"}, "otro cifrado"),
                ({"servidor": "127.0.0.1"}, "certificado"),
                ({"servidor": "no-such-host.invalid"}, "No existe un servidor"),
                ({"servidor": "169.254.169.254"}, "red privada"),
                ({"puerto": free_port()}, "no atiende en ese puerto"),
                ({"clave": "with\u202esigns"}, "signos que no se ven"),
                ({"puerto": "99999999999"}, "Puerto"),
                ({"cifrado": "none"}, "Cifrado"),
                ({"remitente": "<script>"}, "Dirección que envía"),
                ({"servidor": "a b\r\nRCPT TO:<x@y.example>"}, "No existe un servidor"),
            ]
            for wrong, said in faults:
                text = await refused(owner, page, typed(server, **wrong))
                assert said in text, (wrong, text[:900])
            assert server.received == []
            assert query(settings, "SELECT 1 FROM sealed_setting") == []
            assert in_force(settings) is None

            worker = Worker(settings, application.state.database, Metrics(), listen=False)
            waiting(settings)
            assert await worker._send_mail() == 0
            saved = await owner.send(page, of(page), **typed(server))
            assert saved.status == 200, saved.text
            assert "salen por tu servidor, localhost" in saved.text
            assert PASSWORD not in saved.html
            assert "Prueba de correo" in str(server.received[0]["Subject"])
            assert await worker._send_mail() == 1  # with the same worker, at once
            assert server.received[1]["From"].addresses[0].addr_spec == SENDER

            # another host never gets the password that is kept
            elsewhere = {"servidor": "127.0.0.1", "clave": ""}
            assert "Contraseña" in await refused(owner, saved, typed(server, **elsewhere))
            again = await owner.send(saved, of(saved), clave="")
            assert again.status == 200
            states = query(settings, "SELECT name FROM integration_state WHERE last_success_at > now() - interval '1 h'")  # fmt: skip
            assert states == [("mail",)]

            gone = await owner.send(again, again.form("/quitar"))
            assert "No hay servidor de correo" in gone.text
            assert await worker._send_mail() == 0
        for role in ("manager", "reception"):
            other = await signed_in(application, settings, role)
            assert (await other.get(HOME)).status == 403

    use(settings, steps)


def waiting(settings: Settings) -> None:
    """A message that an earlier server did not take."""
    query(
        settings,
        "INSERT INTO message (kind, recipient, payload, channel, last_error, next_attempt_at,"
        " dedupe_key)"
        " SELECT 'sign_in_link', email, jsonb_build_object('staff_id', id), 'email', '535 no',"
        " now() + interval '1 h', 'test' FROM staff_user LIMIT 1 RETURNING 1",
    )


def test_tls_from_the_start_and_servers_that_offer_none(
    settings: Settings, certificate: Path
) -> None:
    async def steps(application: FastAPI) -> None:
        owner = await signed_in(application, settings)
        page = await owner.get(HOME)
        with smtp(certificate, way="none", login=False) as plain:
            text = await refused(owner, page, typed(plain))
            assert "no ofrece STARTTLS" in text
        with smtp(certificate, login=False) as open_to_all:
            text = await refused(owner, page, typed(open_to_all))
            assert "no acepta usuario y contraseña" in text
        with smtp(certificate, way="tls") as first:
            saved = await owner.send(page, of(page), **typed(first, cifrado="tls"))
            assert saved.status == 200
            assert len(first.received) == 1

    use(settings, steps)


def test_a_server_that_hangs_or_is_private_is_said_so(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("barberpro_app.notification.trial.attempt.__defaults__", (0.5,))
    public = settings.app.model_copy(
        update={"calendars": settings.app.calendars.model_copy(update={"own_network": False})}
    )

    async def steps(application: FastAPI) -> None:
        owner = await signed_in(application, settings)
        page = await owner.get(HOME)
        async with await asyncio.start_server(_silence, "127.0.0.1", 0) as server:
            hung = MailServer(server.sockets[0].getsockname()[1])
            for way in ("starttls", "tls"):
                text = await refused(owner, page, typed(hung, cifrado=way))
                assert "no contesta. Revisá el nombre, el puerto y el cifrado" in text

    async def guarded(application: FastAPI) -> None:
        owner = await signed_in(application, settings)
        page = await owner.get(HOME)
        for host in ("localhost", "10.0.0.1", "::ffff:127.0.0.1", "2852039166"):
            text = await refused(owner, page, typed(MailServer(587), servidor=host))
            assert "red privada" in text, host
        assert "Usá el puerto 587" in await refused(owner, page, typed(MailServer(22)))

    use(settings, steps)
    use(settings.model_copy(update={"app": public}), guarded)


async def _silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


def test_what_is_kept_is_read_back_and_compared_by_what_it_says(
    settings: Settings, fake_secrets: Callable[[str], Settings]
) -> None:
    mail = Mail.model_validate({"host": "smtp.example", "port": 465, "from": SENDER, "tls": True})
    one = Kept(mail, Secret('a"\\ñ'), typed=True, own_network=True, answered="250 ok")
    read = in_force(fake_secrets(one.sealed()))
    assert read is not None
    assert read.same_as(one)
    assert not read.same_as(Kept(mail, Secret("b"), typed=True, own_network=True))
    for broken in ("{}", '{"host": 1, "password": "", "answered": ""}', "[1, 2, 3, 4, 5, 6]"):
        assert in_force(fake_secrets(broken)) is None


@pytest.fixture
def fake_secrets(settings: Settings) -> Callable[[str], Settings]:
    def given(value: str) -> Settings:
        settings.secrets.take({"mail-server": Secret(value)})
        return settings

    return given
