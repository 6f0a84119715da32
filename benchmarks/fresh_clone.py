"""From ``git clone`` into an empty home to the first booking page served over HTTPS."""

from __future__ import annotations

import re
import socket
import ssl
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

from figures import Figure, emit
from homes import ARGUMENTS, operator
from support_operator import REPOSITORY


def page(url: str, authority: Path) -> str:
    """The page, trusting that CA alone; names under .localhost are this machine (RFC 6761)."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    context = ssl.create_default_context(cafile=str(authority))
    with (
        socket.create_connection(("127.0.0.1", parts.port or 443), 10) as plain,
        context.wrap_socket(plain, server_hostname=host) as secured,
    ):
        head = f"GET / HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n"
        secured.sendall(head.encode())
        answer = b""
        while block := secured.recv(65536):
            answer += block
    status, _, _ = answer.partition(b"\r\n")
    assert b" 200 " in status + b" ", status
    return answer.decode()


def main() -> None:
    with operator() as someone:
        someone.environment.pop("BARBERPRO_CACHE")
        someone.environment["UV_CACHE_DIR"] = str(someone.home / "uv-cache")
        someone.environment["PIP_CACHE_DIR"] = str(someone.home / "pip-cache")
        started = time.perf_counter()
        clone = someone.home / "clone"
        subprocess.run(["git", "clone", "--quiet", str(REPOSITORY), str(clone)], check=True)
        someone.repository = clone
        finished = someone.run(
            "deploy", "--vertical", "barbershop", "--name", "Uno", *ARGUMENTS, timeout=300
        )
        assert finished.returncode == 0, finished.stderr
        url = someone.data("status", "uno")["url"]
        served = page(url, Path(someone.data("certificate")["certificate"]))
        spent = time.perf_counter() - started
        assert "<html" in served
        match = re.search(r"environment ready in ([0-9.]+) s", finished.stderr)
        packages = float(match.group(1)) if match else 0.0
        emit(Figure("fresh clone and empty cache to first served booking page", spent, "s", 60))
        emit(Figure("of which fetching and installing packages", packages, "s"))


if __name__ == "__main__":
    main()
