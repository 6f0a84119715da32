"""The mail catcher: keeps what it is sent, and shows it without believing a word of it."""

from __future__ import annotations

import http.client
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support_app import free_port

from barberpro.targets.local import mailbox
from barberpro.targets.local.unix_http import UnixConnection, takes_connections

KEY = "k" * 43


@dataclass
class Catcher:
    folder: Path
    port: int
    socket: Path

    def send(self, message: EmailMessage | bytes, recipient: str = "ana@example.com") -> None:
        raw = message if isinstance(message, bytes) else message.as_bytes()
        with smtplib.SMTP("127.0.0.1", self.port, timeout=60) as server:
            server.sendmail("turnos@example.com", [recipient], raw)

    def get(self, path: str, *, cookie: str = KEY) -> tuple[int, str, http.client.HTTPMessage]:
        connection = UnixConnection(self.socket, 10)
        connection.request("GET", path, headers={"Cookie": f"{mailbox.COOKIE}={cookie}"})
        response = connection.getresponse()
        body = response.read().decode()
        connection.close()
        return response.status, body, response.headers


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def catcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catcher]:
    folder = tmp_path_factory.mktemp("mail")
    (folder / "key").write_text(KEY)
    made = Catcher(folder / "mail", free_port(), folder / "web.sock")
    process = subprocess.Popen(
        [sys.executable, "-I", mailbox.__file__, "--folder", made.folder, "--smtp-port", str(made.port),
         "--uds", made.socket, "--key-file", folder / "key"],
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not (takes_connections(made.socket) and listens(made.port)):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    yield made
    process.terminate()
    assert process.wait(60) == 0
    assert not made.socket.exists()


def message(subject: str, text: str = "", html: str = "") -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "turnos@example.com", "ana@example.com", subject
    made.set_content(text)
    if html:
        made.add_alternative(html, subtype="html")
    return made


def only(catcher: Catcher, subject: str) -> str:
    """The name of the message with this subject."""
    found = [
        p.name
        for p in (catcher.folder / "new").iterdir()
        if subject in p.read_text("utf-8", "replace")
    ]
    assert len(found) == 1, found
    return found[0]


def test_a_message_is_kept_and_its_link_can_be_followed(catcher: Catcher) -> None:
    link = "https://barbershop-palermo.localhost:8443/entrar?token=abc&next=/"
    catcher.send(message("Tu turno en Ñuñoa", f"Entrá acá: {link}\n"))
    status, page, headers = catcher.get("/")
    assert status == 200
    assert "Tu turno en Ñuñoa" in page
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    name = sorted(p.name for p in (catcher.folder / "new").iterdir())[-1]
    assert f'href="{link.replace("&", "&amp;")}"' in catcher.get(f"/m/{name}")[1]
    assert (catcher.folder / "new" / name).stat().st_mode & 0o777 == 0o600


def test_whoever_does_not_have_the_key_sees_nothing(catcher: Catcher) -> None:
    catcher.send(message("for the operator alone", "secret"))
    name = only(catcher, "for the operator alone")
    for path in ("/", f"/m/{name}", f"/h/{name}", "/?key=wrong", "/?key="):
        status, page, _ = catcher.get(path, cookie="wrong")
        assert status == 403
        assert "operator" not in page.replace("barberpro", "")
    status, _, headers = catcher.get(f"/?key={KEY}", cookie="")
    assert (status, headers["Location"]) == (303, "/")
    for flag in ("Secure", "HttpOnly", "SameSite=Strict"):
        assert flag in headers["Set-Cookie"]


def test_a_hostile_message_is_text_on_the_page_and_sandboxed_as_html(catcher: Catcher) -> None:
    script = "<script>alert(1)</script>"
    catcher.send(
        message(f"{script}evil", f'{script} https://x.example/"onclick=1', f"<b>{script}</b>")
    )
    name = only(catcher, "evil")
    for path in ("/", f"/m/{name}"):
        page = catcher.get(path)[1]
        assert script not in page
        assert "&lt;script&gt;" in page
    status, page, headers = catcher.get(f"/h/{name}")
    assert status == 200
    assert script in page  # as it came: the policy is what keeps it from running
    assert headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert "iframe sandbox" in catcher.get(f"/m/{name}")[1]


@pytest.mark.parametrize(
    "path",
    ["/m/..%2f..%2fkey", "/m/../../key", "/m/%00", "/m/", "/h/no-such", "/m/" + "x" * 500, "/other", "//etc/passwd"],
)  # fmt: skip
def test_only_messages_can_be_read(catcher: Catcher, path: str) -> None:
    status, page, _ = catcher.get(path)
    assert status in {200, 404} if path == "//etc/passwd" else status == 404
    assert KEY not in page


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"no header at all",
        b"Subject: =?bogus?Q?=FF?=\r\n\r\nx",
        b"Content-Type: text/plain; charset=no-such\r\n\r\n\xff\xfe",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\n--x",
        b"To: <\r\nFrom: @@\r\nDate: yesterday\r\n\r\n\x00",
    ],
)
def test_broken_messages_are_shown_all_the_same(catcher: Catcher, raw: bytes) -> None:
    before = {p.name for p in (catcher.folder / "new").iterdir()}
    catcher.send(raw)
    (name,) = {p.name for p in (catcher.folder / "new").iterdir()} - before
    assert catcher.get(f"/m/{name}")[0] == 200
    assert catcher.get(f"/h/{name}")[0] == 200
    assert catcher.get("/")[0] == 200


def test_a_message_too_large_is_refused(catcher: Catcher) -> None:
    with pytest.raises(smtplib.SMTPException):
        catcher.send(b"Subject: large\r\n\r\n" + b"x" * (mailbox.MESSAGE_BYTES + 1000))
    assert catcher.get("/")[0] == 200


def test_old_messages_go_when_there_are_too_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailbox, "MOST_MESSAGES", 3)
    maildir = mailbox.Maildir(tmp_path)
    for number in range(5):
        maildir.add(f"Subject: {number}\n\n".encode())
    subjects = [str((maildir.read(name) or {})["Subject"]) for name in maildir.names()]
    assert subjects == ["4", "3", "2"]


@given(st.text())
def test_no_text_breaks_out_of_the_page(text: str) -> None:
    shown = mailbox.linked(text)
    outside = shown.replace('<a rel="noreferrer" href="', "").replace('">', "").replace("</a>", "")
    assert "<" not in outside
    assert '"' not in outside
