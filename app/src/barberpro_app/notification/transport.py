"""Handing e-mails to the SMTP server, and what its answers mean for the outbox."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass, replace
from email.message import EmailMessage
from typing import Literal

import aiosmtplib

from barberpro_app.kit.addresses import Address, permitted_addresses
from barberpro_app.kit.logging import redact
from barberpro_app.settings import Mail, Secret
from barberpro_app.vault.mail import MailServer

TIMEOUT_SECONDS = 20.0
_PERMANENT = range(500, 600)
#: Authentication and policy refusals are about us, not about the message: try again later.
_ABOUT_US = {530, 534, 535, 538, 454}

Verdict = Literal["sent", "later", "unreachable", "refused"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """`sent`; `later`: the server said so; `unreachable`: no server; `refused`: never."""

    verdict: Verdict
    reason: str = ""
    #: the address itself was refused for ever (RFC 3463: 5.1.x, or 550 to RCPT)
    no_such_address: bool = False


class Transport:
    """One SMTP server. Keeps a connection open for a batch, none in between. `guard`: a server that
    somebody typed, which must not lead into the operator's network."""

    def __init__(
        self,
        mail: Mail,
        password: Secret | None,
        guard: MailServer | None = None,
        seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._mail = mail
        self._password = password
        self._guard = guard
        self._seconds = seconds
        self._client: aiosmtplib.SMTP | None = None

    @classmethod
    def to(cls, server: MailServer, seconds: float = TIMEOUT_SECONDS) -> Transport:
        guard = server if server.typed else None
        return cls(server.mail, server.password, guard, seconds)

    async def send(self, email: EmailMessage) -> Delivery:
        """Hands over one message. Never raises for what a server or a network may do."""
        try:
            client = await self._connected()
            await client.send_message(email)
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = [recipient.code for recipient in error.recipients]
            await self.close()
            texts = [recipient.message for recipient in error.recipients]
            return _judge_recipient(codes[0] if codes else 550, texts[0] if texts else "")
        except aiosmtplib.SMTPResponseException as error:
            await self.close()
            return _judge(error.code, error.message)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            await self.close()
            return Delivery("unreachable", _brief(f"{type(error).__name__}: {error}"))
        except ValueError as error:  # an address that the protocol cannot carry
            await self.close()
            return Delivery("refused", type(error).__name__)
        return Delivery("sent")

    async def close(self) -> None:
        """Ends the connection, in order if the server still listens."""
        client, self._client = self._client, None
        if client is None:
            return
        try:
            if client.is_connected:
                await client.quit(timeout=2)
        except (aiosmtplib.SMTPException, OSError, TimeoutError):
            client.close()

    async def _connected(self) -> aiosmtplib.SMTP:
        if self._client is not None and self._client.is_connected:
            return self._client
        client = await self.greeted()
        if self._mail.starttls:
            await client.starttls()
        await self.log_in(client)
        return client

    async def greeted(self) -> aiosmtplib.SMTP:
        """Connected, with TLS already where it comes first. Raises what sockets and the library do."""
        mail = self._mail
        client = aiosmtplib.SMTP(
            hostname=mail.host,
            port=None if self._guard else mail.port,
            timeout=self._seconds,
            start_tls=False,
            use_tls=mail.tls,
            sock=await self._socket() if self._guard else None,
        )
        await client.connect()
        self._client = client
        return client

    async def log_in(self, client: aiosmtplib.SMTP) -> None:
        if self._mail.username:
            password = self._password.reveal() if self._password else ""
            await client.login(self._mail.username, password)

    async def _socket(self) -> socket.socket:
        """To an address that was checked, whatever the name says next."""
        mail, guard = self._mail, self._guard
        own_network = guard is not None and guard.own_network
        async with asyncio.timeout(self._seconds):
            addresses = await permitted_addresses(mail.host, mail.port, own_network=own_network)
            for address in addresses[:-1]:
                try:
                    return await _open(address, mail.port)
                except OSError:
                    continue
            return await _open(addresses[-1], mail.port)


async def _open(address: Address, port: int) -> socket.socket:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    opened = socket.socket(family, socket.SOCK_STREAM)
    opened.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(opened, (str(address), port))
    except BaseException:
        opened.close()
        raise
    return opened


def _judge(code: int, message: str) -> Delivery:
    reason = _brief(f"{code} {message}")
    if code in _PERMANENT and code not in _ABOUT_US:
        return Delivery("refused", reason)
    return Delivery("later", reason)


def _judge_recipient(code: int, message: str) -> Delivery:
    """5.7.x is the server's policy about us, not about the address (RFC 3463 §3.8)."""
    judged = _judge(code, message or "recipient refused")
    no_such = (
        judged.verdict == "refused" and code in {550, 551, 553} and " 5.7." not in f" {message}"
    )
    return replace(judged, no_such_address=no_such)


def _brief(text: str) -> str:
    """For `last_error` and logs: one short line without addresses."""
    return redact(" ".join(text.split()))[:200]
