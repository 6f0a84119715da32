"""A real ACME server (pebble), for one test: it looks names up at a given DNS server, asks
for the proof at a given port, and turns away one nonce in twenty, as it does to keep clients honest."""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from support_app import free_port
from support_https import make_certificate

START_SECONDS = 60.0


@dataclass(frozen=True)
class Authority:
    """``directory_root`` vouches for the directory, ``issuing_root`` for the certificates."""

    directory: str
    directory_root: Path
    issuing_root: Path


@contextmanager
def running_pebble(
    folder: Path,
    dns: str,
    http_port: int,
    *,
    valid_seconds: int = 86400,
    address: str = "127.0.0.1",
) -> Iterator[Authority]:
    """``address`` is another one of this machine for those that meet it from elsewhere."""
    program = shutil.which("pebble")
    if program is None:
        pytest.skip("pebble is not on this machine: apt-get install pebble")
    name = "localhost" if address == "127.0.0.1" else address
    root_of_directory, pair = make_certificate(folder, name)
    port, management = free_port(), free_port()
    settings = {
        "listenAddress": f"{address}:{port}",
        "managementListenAddress": f"127.0.0.1:{management}",
        "certificate": str(pair),
        "privateKey": str(pair),
        "httpPort": http_port,
        "tlsPort": free_port(),
        "ocspResponderURL": "",
        "externalAccountBindingRequired": False,
        "certificateValidityPeriod": valid_seconds,
    }
    (folder / "pebble.json").write_text(json.dumps({"pebble": settings}))
    command = [program, "-config", str(folder / "pebble.json"), "-dnsserver", dns]
    environment = {**os.environ, "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "1"}
    with (folder / "pebble.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    try:
        root = folder / "issuing-root.pem"
        root.write_bytes(_fetch(f"https://127.0.0.1:{management}/roots/0", folder))
        yield Authority(f"https://{name}:{port}/dir", root_of_directory, root)
    finally:
        process.terminate()
        process.wait(60)


def _fetch(url: str, folder: Path) -> bytes:
    """The issuing root, which pebble makes anew at each start."""
    context = ssl._create_unverified_context()
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, context=context, timeout=60) as answer:
                body: bytes = answer.read()
                return body
        except OSError:
            if time.monotonic() > deadline:
                raise AssertionError((folder / "pebble.log").read_text()[-2000:]) from None
            time.sleep(0.05)
