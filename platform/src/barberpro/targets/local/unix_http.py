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


class _UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__()
        self._path, self._timeout = path, timeout

    def make_connection(self, host: object) -> http.client.HTTPConnection:
        return UnixConnection(self._path, self._timeout)


def rpc(path: Path, timeout: float = 30.0) -> xmlrpc.client.ServerProxy:
    """The XML-RPC server on the Unix socket ``path`` (one connection per call)."""
    return xmlrpc.client.ServerProxy(
        "http://localhost/RPC2", transport=_UnixTransport(path, timeout)
    )
