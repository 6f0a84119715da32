"""Opens listening sockets, then becomes the program after ``--``, which inherits them from number 3 on.

The router's sockets live as long as its process: a reload of its configuration does not open new
ones, whose queue of waiting clients would be lost with the old. This module stands alone, because it
runs from a copy beside the state.
"""

from __future__ import annotations

import os
import socket
import sys
from typing import NoReturn

FIRST = 3  # after standard input, output and error, as systemd does it
BACKLOG = 1024


def listening(address: str) -> socket.socket:
    """A socket on ``host:port`` or ``[host]:port``."""
    host, _, port = address.rpartition(":")
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    opened.bind((host.strip("[]"), int(port)))
    opened.listen(BACKLOG)
    return opened


def main(arguments: list[str]) -> NoReturn:
    at = arguments.index("--")
    try:
        opened = [listening(address) for address in arguments[:at]]
    except OSError as error:
        sys.exit(f"cannot listen on {' '.join(arguments[:at])}: {error.strerror}")
    # first out of the way, so that none is overwritten by another on its way to its number
    spare = [os.dup2(sock.fileno(), 100 + index) for index, sock in enumerate(opened)]
    for index, descriptor in enumerate(spare):
        os.dup2(descriptor, FIRST + index, inheritable=True)
        os.close(descriptor)
    command = arguments[at + 1 :]
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main(sys.argv[1:])
