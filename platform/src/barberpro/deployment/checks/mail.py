"""A test message, sent as the app would send it and seen to arrive where that can be seen."""

from __future__ import annotations

import smtplib
import time
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from barberpro.targets.protocol import PassingFaultError

ARRIVAL_SECONDS = 20.0
POLL_SECONDS = 0.02
TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Where the deployment's mail goes; ``folder`` is the catcher's Maildir, None if it has none."""

    host: str
    port: int
    sender: str
    folder: Path | None = None


def send_test_message(mailbox: Mailbox, recipient: str, marker: str) -> None:
    """Hands one message to the SMTP server. Raises ``PassingFaultError`` if it does not take it."""
    message = EmailMessage()
    message["From"] = mailbox.sender
    message["To"] = recipient
    message["Subject"] = f"BarberPro delivery test {marker}"
    message["Message-ID"] = f"<{marker}@barberpro.invalid>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody answers it
    message.set_content("This message proves that the deployment's mail is delivered.\n")
    try:
        with smtplib.SMTP(mailbox.host, mailbox.port, timeout=TIMEOUT_SECONDS) as server:
            server.send_message(message)
    except (OSError, smtplib.SMTPException) as error:
        where = f"{mailbox.host}:{mailbox.port}"
        raise PassingFaultError(
            f"the test message was not accepted: {error}", where=where
        ) from error


def seen_to_arrive(folder: Path, marker: str, *, seconds: float = ARRIVAL_SECONDS) -> Path | None:
    """The file of the Maildir ``folder`` that holds ``marker``, as soon as it is there."""
    deadline = time.monotonic() + seconds
    wanted = marker.encode()
    read: set[Path] = set()
    while True:
        for path in (p for part in ("new", "cur") for p in (folder / part).glob("*")):
            if path not in read:
                read.add(path)
                if path.is_file() and wanted in path.read_bytes():
                    return path
        if time.monotonic() > deadline:
            return None
        time.sleep(POLL_SECONDS)
