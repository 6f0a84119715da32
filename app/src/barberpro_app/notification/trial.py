"""Trying an e-mail server before it is kept: one message, step by step, and what went wrong at which.

Sources: RFC 5321 (SMTP), RFC 3207 (STARTTLS), RFC 4954 (AUTH), RFC 8314 (TLS for submission).
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from typing import Literal

import aiosmtplib

from barberpro_app.kit import clock
from barberpro_app.kit.addresses import NoSuchHostError, PrivateAddressError
from barberpro_app.kit.logging import redact
from barberpro_app.notification.transport import Transport
from barberpro_app.vault.mail import MailServer

#: A form waits for it.
SECONDS = 15.0
Verdict = Literal[
    "ok", "no_host", "private", "closed", "silent", "not_smtp", "no_tls", "certificate", "no_login",
    "password", "sender", "recipient", "refused", "later",
]  # fmt: skip
_AUTHENTICATION = {530, 534, 535, 538}


@dataclass(frozen=True, slots=True)
class Trial:
    """`said`: the server's own words, short and without addresses; "" where it said nothing."""

    verdict: Verdict
    said: str = ""


def trial_message(server: MailServer, to: str, subject: str, text: str) -> EmailMessage:
    """Raises `ValueError` for an address that no e-mail can have."""
    email = EmailMessage(policy=SMTP)
    email["From"] = Address(addr_spec=server.mail.sender)
    email["To"] = Address(addr_spec=to)
    email["Subject"] = subject
    email["Date"] = format_datetime(clock.now())
    email["Message-ID"] = make_msgid(domain=server.mail.sender.rpartition("@")[2])
    email["Auto-Submitted"] = "auto-generated"
    email.set_content(text, cte="quoted-printable")
    return email


async def attempt(server: MailServer, email: EmailMessage, seconds: float = SECONDS) -> Trial:
    """Hands over one message. Never raises for what a server or a network may do."""
    transport = Transport.to(server, seconds)
    try:
        async with asyncio.timeout(seconds):
            return await _steps(transport, server, email)
    except TimeoutError:  # the library's own are of this kind too
        return Trial("silent")
    finally:
        await transport.close()


async def _steps(transport: Transport, server: MailServer, email: EmailMessage) -> Trial:
    client = await _greeted(transport)
    if isinstance(client, Trial):
        return client
    wrong = await _secured(client, server) or await _known(transport, client)
    return wrong or await _handed(client, email)


async def _greeted(transport: Transport) -> aiosmtplib.SMTP | Trial:
    try:
        return await transport.greeted()
    except NoSuchHostError:
        return Trial("no_host")
    except PrivateAddressError:
        return Trial("private")
    except aiosmtplib.SMTPResponseException as error:
        return _said("later" if error.code < 500 else "refused", error)
    except TimeoutError:
        return Trial("silent")
    except aiosmtplib.SMTPException as error:
        return Trial(_by_cause(error.__cause__))
    except OSError as error:
        return Trial(_by_cause(error))


def _by_cause(error: BaseException | None) -> Verdict:
    if isinstance(error, ssl.SSLCertVerificationError):
        return "certificate"
    if isinstance(error, ssl.SSLError):
        return "not_smtp"
    if isinstance(error, OSError) and not isinstance(error, aiosmtplib.SMTPException):
        return "closed"
    return "not_smtp"  # it hung up, or said what no mail server says


async def _secured(client: aiosmtplib.SMTP, server: MailServer) -> Trial | None:
    if not server.mail.starttls:
        return None
    try:
        await client.starttls()
    except ssl.SSLCertVerificationError:
        return Trial("certificate")
    except TimeoutError:
        raise
    except aiosmtplib.SMTPResponseException as error:
        return _said("no_tls", error)
    except (aiosmtplib.SMTPException, OSError) as error:
        certificate = isinstance(error.__cause__, ssl.SSLCertVerificationError)
        return Trial("certificate" if certificate else "no_tls")
    return None


async def _known(transport: Transport, client: aiosmtplib.SMTP) -> Trial | None:
    try:
        await transport.log_in(client)
    except aiosmtplib.SMTPAuthenticationError as error:
        return _said("later" if error.code < 500 else "password", error)
    except aiosmtplib.SMTPResponseException as error:
        return _said("password" if error.code in _AUTHENTICATION else "no_login", error)
    except TimeoutError:
        raise
    except aiosmtplib.SMTPServerDisconnected:
        return Trial("password")
    except (aiosmtplib.SMTPException, OSError):
        return Trial("no_login")
    return None


async def _handed(client: aiosmtplib.SMTP, email: EmailMessage) -> Trial:
    try:
        _, said = await client.send_message(email)
    except aiosmtplib.SMTPSenderRefused as error:
        return _said("password" if error.code in _AUTHENTICATION else "sender", error)
    except aiosmtplib.SMTPRecipientsRefused as error:
        first = error.recipients[0] if error.recipients else None
        if first is not None and first.code in _AUTHENTICATION:
            return _said("password", first)
        return _said("recipient", first) if first is not None else Trial("recipient")
    except aiosmtplib.SMTPResponseException as error:
        return _said("later" if error.code < 500 else "refused", error)
    except TimeoutError:
        raise
    except (aiosmtplib.SMTPException, OSError, ValueError):
        return Trial("refused")
    return Trial("ok", _brief(said))


def _said(verdict: Verdict, error: aiosmtplib.SMTPResponseException) -> Trial:
    return Trial(verdict, _brief(f"{error.code} {error.message}"))


def _brief(text: str) -> str:
    shown = "".join(sign if sign.isprintable() else " " for sign in text)
    return redact(" ".join(shown.split()))[:160]
