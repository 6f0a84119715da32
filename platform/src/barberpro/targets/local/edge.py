"""The router as a client sees it: HTTPS at loopback, checked against the local CA."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from barberpro.errors import BarberProError
from barberpro.targets.local.unix_http import Answer

CERTIFICATE_SECONDS = 10.0


class _Connection(http.client.HTTPSConnection):
    """Connects to an address and asks for another name."""

    def __init__(self, edge: Edge, hostname: str) -> None:
        context = ssl.create_default_context(cafile=str(edge.ca_certificate))
        super().__init__(hostname, edge.port, timeout=30.0, context=context)
        self._edge, self._hostname, self._tls = edge, hostname, context

    def connect(self) -> None:
        plain = socket.create_connection((self._edge.address, self._edge.port), 5.0)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain.settimeout(self.timeout)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self._hostname)


@dataclass(frozen=True, slots=True)
class Edge:
    address: str
    port: int
    ca_certificate: Path

    def get(self, hostname: str, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """``GET path`` of ``hostname``. Raises ``OSError`` (also for TLS) or ``HTTPException``."""
        connection = _Connection(self, hostname)
        try:
            connection.request("GET", path, headers=dict(headers or {}))
            response = connection.getresponse()
            return Answer(response.status, response.read())
        finally:
            connection.close()

    def shake_hands(self, hostname: str) -> None:
        """A TLS handshake for ``hostname``. Raises ``OSError`` where the certificate does not hold."""
        connection = _Connection(self, hostname)
        try:
            connection.connect()
        finally:
            connection.close()

    def wait_certificate(self, hostname: str, seconds: float = CERTIFICATE_SECONDS) -> None:
        """Waits until there is a certificate for ``hostname``: it is issued in the background."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                self.shake_hands(hostname)
                return
            except OSError as error:
                if time.monotonic() > deadline:
                    raise BarberProError(
                        f"The router has no certificate for {hostname}: {error}",
                        where=f"https://{hostname}:{self.port}",
                        mend="see logs/router.log, then run `barberpro start`",
                    ) from error
                time.sleep(0.01)
