"""HTTP/1.1 over a Unix socket, for the supervisor, the router and the app. Standard library only."""

from __future__ import annotations

import http.client
import socket
import xmlrpc.client
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout: float, host: str = "localhost") -> None:
        super().__init__(host, timeout=timeout)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def request(
    path: Path, method: str, url: str, *, body: bytes | None = None,
    headers: Mapping[str, str] | None = None, timeout: float = 5.0,
) -> Answer:  # fmt: skip
    """One request. Raises ``OSError`` where nobody listens, ``http.client.HTTPException`` on rubbish."""
    connection = UnixConnection(path, timeout)
    try:
        connection.request(method, url, body=body, headers=dict(headers or {}))
        response = connection.getresponse()
        return Answer(response.status, response.read())
    finally:
        connection.close()


def takes_connections(path: Path) -> bool:
    """Whether a program listens on the Unix socket ``path``."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(2.0)
        return probe.connect_ex(str(path)) == 0


class _UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__()
        self._path, self._timeout = path, timeout

    def make_connection(self, host: object) -> http.client.HTTPConnection:
        connection = UnixConnection(self._path, self._timeout)
        self._connection = ("localhost", connection)  # closed with the transport
        return connection


def call(path: Path, method: str, *arguments: object, timeout: float = 30.0) -> object:
    """Calls ``method`` of the XML-RPC server on the Unix socket ``path``. Raises ``OSError``,
    ``HTTPException`` or ``xmlrpc.client.ProtocolError`` where it does not answer, ``Fault`` where
    it refuses."""
    transport = _UnixTransport(path, timeout)
    with xmlrpc.client.ServerProxy("http://localhost/RPC2", transport=transport) as server:
        return getattr(server, method)(*arguments)
