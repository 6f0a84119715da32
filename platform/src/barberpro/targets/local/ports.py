"""TCP ports on loopback: which are free, which addresses there are, and who holds one."""

from __future__ import annotations

import errno
import os
import socket

import psutil

from barberpro.errors import BarberProError

LOOPBACK = ("127.0.0.1", "::1")
HTTPS_PORT, SMTP_PORT = 8443, 2525  # preferred
SMTP_HOST = "127.0.0.1"
TRIED = 200


def loopback_addresses() -> list[str]:
    """The loopback addresses that this machine can listen on."""
    return [address for address in LOOPBACK if _problem(address, 0) is None]


def is_free(port: int, addresses: list[str]) -> bool:
    return all(_problem(address, port) is None for address in addresses)


def next_free(first: int, addresses: list[str], *, taken: frozenset[int] = frozenset()) -> int:
    """The first free port from ``first`` on that is not in ``taken``."""
    for port in range(first, min(first + TRIED, 65536)):
        if port not in taken and is_free(port, addresses):
            return port
    raise BarberProError(
        f"No free port from {first} to {first + TRIED - 1}.",
        where=", ".join(addresses),
        mend="end what holds them, or choose another with BARBERPRO_HTTPS_PORT",
    )


def preferred(variable: str, default: int) -> int:
    """A port from the environment, else ``default``."""
    text = os.environ.get(variable, "")
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise BarberProError(
            f"{variable} is not a port: {text!r}", where=variable, mend="a number from 1 to 65535"
        )
    return int(text)


def listened_by(pid: int, port: int) -> bool:
    """Whether a process of this user listens on TCP ``port``."""
    try:
        found = psutil.Process(pid).net_connections("tcp")
    except psutil.Error:
        return False
    return any(c.status == psutil.CONN_LISTEN and tuple(c.laddr)[1] == port for c in found)


def holder(port: int) -> str:
    """The program that listens on ``port``, as far as this user may know."""
    try:
        connections = psutil.net_connections("tcp")
    except (psutil.AccessDenied, OSError):
        return "another program"
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and tuple(connection.laddr)[1] == port:
            if connection.pid is None:
                break
            try:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
            except psutil.Error:
                break
    return "another program"


def _problem(address: str, port: int) -> int | None:
    """Why ``address`` and ``port`` cannot be listened on (an errno), None if they can."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address, port))
            probe.listen(1)
    except OSError as error:
        return error.errno or errno.EADDRNOTAVAIL
    return None
