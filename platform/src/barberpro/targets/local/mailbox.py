"""The mail catcher: takes every message by SMTP, delivers none, and shows them on a web page.

Messages lie in a Maildir (at most 500, the oldest go). The page is served on a Unix socket, to
whoever shows the key: messages hold sign-in links. This module stands alone, because it runs from
a copy beside the state and not from the clone.
"""

from __future__ import annotations

import argparse
import asyncio
import email
import email.policy
import hmac
import html
import http.server
import os
import re
import signal
import socketserver
import sys
import threading
import time
import urllib.parse
import uuid
from email.message import EmailMessage
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

MOST_MESSAGES = 500
MESSAGE_BYTES = 5_000_000
COOKIE = "barberpro_mail"
POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; form-action 'none'; frame-ancestors 'self'; base-uri 'none'"
BODY_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;margin:1.5rem auto;max-width:60rem;padding:0 1rem;"
    "color:#1d1d1b;background:#fff}table{border-collapse:collapse;width:100%}"
    "td,th{text-align:left;padding:.5rem;border-bottom:1px solid #ddd;overflow-wrap:anywhere}"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f6f5f2;padding:1rem}"
    "iframe{width:100%;height:32rem;border:1px solid #ddd}"
)
NAME = re.compile(r"[A-Za-z0-9.-]{1,120}")
LINK = re.compile(r"https://[^\s<>\"']+")


class Maildir:
    """Messages as files in ``new``; written in ``tmp`` first, so that none is ever seen half."""

    def __init__(self, folder: Path) -> None:
        self._new, self._tmp = folder / "new", folder / "tmp"
        for part in (folder, self._new, self._tmp, folder / "cur"):
            part.mkdir(mode=0o700, parents=True, exist_ok=True)

    def add(self, content: bytes) -> None:
        name = f"{time.time_ns()}.{uuid.uuid4().hex[:8]}.eml"
        path = self._tmp / name
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        path.rename(self._new / name)
        for old in self.names()[MOST_MESSAGES:]:
            (self._new / old).unlink(missing_ok=True)

    def names(self) -> list[str]:
        """Newest first."""
        return sorted((entry.name for entry in os.scandir(self._new)), reverse=True)

    def read(self, name: str) -> EmailMessage | None:
        if not NAME.fullmatch(name):
            return None
        try:
            content = (self._new / name).read_bytes()
        except FileNotFoundError:
            return None
        return email.message_from_bytes(content, policy=email.policy.default)


class Handler:
    """aiosmtpd's callback: keeps the message with its envelope."""

    def __init__(self, maildir: Maildir) -> None:
        self._maildir = maildir

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        data = content if isinstance(content, bytes) else (content or "").encode()
        recipients = ", ".join(re.sub(r"[\r\n]", "", to) for to in envelope.rcpt_tos)
        try:
            self._maildir.add(f"X-Envelope-To: {recipients}\r\n".encode() + data)
        except OSError as error:
            sys.stderr.write(f"mailbox: message not kept: {error}\n")
            return "452 4.3.1 Insufficient system storage"
        return "250 2.0.0 Kept, not delivered"


def shown(message: EmailMessage, header: str) -> str:
    """A header as text for HTML; a header that cannot be parsed is shown raw."""
    try:
        value = str(message.get(header, ""))
    except (ValueError, IndexError, AttributeError):
        value = dict(message.raw_items()).get(header, "")
    return html.escape(value)


def part_of(message: EmailMessage, kind: str) -> str:
    """The text of the first part that is ``kind`` ("plain" or "html")."""
    part = message.get_body(preferencelist=(kind,))
    if part is None:
        return ""
    try:
        return str(part.get_content())
    except (LookupError, ValueError):  # an unknown charset
        payload = part.get_payload(decode=True)
        return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else str(payload)


def page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style></head><body>{body}</body></html>"
    )


def listing(maildir: Maildir) -> str:
    rows = []
    for name in maildir.names():
        message = maildir.read(name)
        if message is None:
            continue
        link = f"/m/{urllib.parse.quote(name)}"
        subject = shown(message, "Subject") or "(no subject)"
        rows.append(
            f"<tr><td>{shown(message, 'Date')}</td><td>{shown(message, 'X-Envelope-To')}</td>"
            f'<td><a href="{link}">{subject}</a></td></tr>'
        )
    table = (
        "<table><thead><tr><th>Date</th><th>To</th><th>Subject</th></tr></thead><tbody>"
        + "".join(rows)
        + "</tbody></table>"
        if rows
        else "<p>No message yet.</p>"
    )
    return page(
        "Mail", f"<main><h1>Caught mail</h1><p>Nothing here was delivered.</p>{table}</main>"
    )


def linked(text: str) -> str:
    """Plain text for HTML with its https links made clickable."""
    parts, at = [], 0
    for found in LINK.finditer(text):
        url = html.escape(found.group())
        parts += [
            html.escape(text[at : found.start()]),
            f'<a rel="noreferrer" href="{url}">{url}</a>',
        ]
        at = found.end()
    return "".join([*parts, html.escape(text[at:])])


def single(name: str, message: EmailMessage) -> str:
    headers = "".join(
        f"<tr><th>{label}</th><td>{shown(message, header)}</td></tr>"
        for label, header in (
            ("From", "From"), ("To", "To"), ("Envelope", "X-Envelope-To"),
            ("Date", "Date"), ("Subject", "Subject"),
        )
    )  # fmt: skip
    text, markup = part_of(message, "plain"), part_of(message, "html")
    body = f"<pre>{linked(text)}</pre>" if text else ""
    if markup:
        source = f"/h/{urllib.parse.quote(name)}"
        body += f'<h2>HTML part</h2><iframe sandbox title="HTML part" src="{source}"></iframe>'
    back = '<p><a href="/">All messages</a></p>'
    return page("Message", f"<main>{back}<h1>Message</h1><table>{headers}</table>{body}</main>")


class WebServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def __init__(self, path: str, maildir: Maildir, key: str) -> None:
        self.maildir, self.key = maildir, key
        super().__init__(path, Requests)


class Requests(http.server.BaseHTTPRequestHandler):
    server: WebServer
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "mailbox", ""
    timeout = 30

    def do_GET(self) -> None:
        address = urllib.parse.urlsplit(self.path)
        given = urllib.parse.parse_qs(address.query).get("key", [""])[0]
        if given and hmac.compare_digest(given.encode(), self.server.key.encode()):
            cookie = f"{COOKIE}={self.server.key}; Path=/; Secure; HttpOnly; SameSite=Strict"
            self._answer(303, "", extra={"Location": "/", "Set-Cookie": cookie})
        elif not self._known():
            text = "<p>Open the mail catcher by the link that <code>barberpro open --mail</code> prints.</p>"
            self._answer(403, page("Key needed", text))
        else:
            self._show(urllib.parse.unquote(address.path))

    def _show(self, path: str) -> None:
        maildir = self.server.maildir
        if path == "/":
            return self._answer(200, listing(maildir))
        name = path[3:]
        message = maildir.read(name) if path[:3] in {"/m/", "/h/"} else None
        if message is None:
            return self._answer(
                404, page("Not found", '<p>Not found. <a href="/">All messages</a></p>')
            )
        if path.startswith("/h/"):
            return self._answer(200, part_of(message, "html"), policy=BODY_POLICY)
        return self._answer(200, single(name, message))

    def _known(self) -> bool:
        for pair in self.headers.get("Cookie", "").split(";"):
            name, _, value = pair.strip().partition("=")
            if name == COOKIE and hmac.compare_digest(value.encode(), self.server.key.encode()):
                return True
        return False

    def _answer(
        self, status: int, body: str, *, policy: str = POLICY, extra: dict[str, str] | None = None
    ) -> None:
        data = body.encode("utf-8", "replace")
        self.send_response(status)
        headers = {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Length": str(len(data)),
            "Content-Security-Policy": policy,
            "Cache-Control": "no-store",
            "X-Frame-Options": "SAMEORIGIN",
            "Referrer-Policy": "no-referrer",
            **(extra or {}),
        }
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def address_string(self) -> str:
        return "router"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Silent: the router has an access log, and paths here hold nothing of interest."""


async def serve(maildir: Maildir, host: str, port: int) -> None:
    """SMTP until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)

    def session() -> SMTP:
        return SMTP(
            Handler(maildir), data_size_limit=MESSAGE_BYTES, enable_SMTPUTF8=True, loop=loop
        )

    server = await loop.create_server(session, host, port)
    await ended.wait()
    server.close()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--smtp-host", default="127.0.0.1")
    parser.add_argument("--smtp-port", type=int, required=True)
    parser.add_argument("--uds", required=True)
    parser.add_argument("--key-file", type=Path, required=True)
    given = parser.parse_args(arguments)
    maildir = Maildir(given.folder)
    Path(given.uds).unlink(missing_ok=True)
    web = WebServer(given.uds, maildir, given.key_file.read_text().strip())
    threading.Thread(target=web.serve_forever, daemon=True).start()
    try:
        asyncio.run(serve(maildir, given.smtp_host, given.smtp_port))
    finally:  # the page's thread ends with the process
        Path(given.uds).unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
