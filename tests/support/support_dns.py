"""A real BIND with one zone that takes signed updates, on loopback, for one test."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dns.message
import dns.query
import dns.tsigkeyring
import dns.update
import pytest
from support_app import free_port

ZONE = "turnos.example"
KEY_NAME, SECRET = "barberpro", b64encode(b"0123456789abcdef0123456789abcdef").decode()
START_SECONDS = 60.0
_CONFIGURATION = """
options {{ directory "{folder}"; pid-file "{folder}/named.pid"; session-keyfile "{folder}/session.key";
  listen-on port {port} {{ {host}; }}; listen-on-v6 {{ none; }}; recursion no;
  allow-query {{ any; }}; dnssec-validation no; }};
controls {{ }};
key "{key}" {{ algorithm hmac-sha256; secret "{secret}"; }};
zone "{zone}" {{ type primary; file "{folder}/zone.db"; allow-update {{ key "{key}"; }}; }};
"""
_ZONE = """$TTL 60
@ IN SOA ns.{zone}. root.{zone}. 1 3600 600 86400 60
@ IN NS ns.{zone}.
ns IN A 127.0.0.1
taken IN A 192.0.2.77
"""


@dataclass(frozen=True)
class NameServer:
    port: int
    folder: Path
    host: str = "127.0.0.1"

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    def credentials(self, **changes: object) -> Path:
        """A file that only its owner can read, as an operator writes it."""
        path = self.folder / "credentials.json"
        given = {
            "server": self.host, "port": self.port, "zone": ZONE,
            "key_name": KEY_NAME, "key_secret": SECRET, **changes,
        }  # fmt: skip
        path.write_text(json.dumps(given))
        path.chmod(0o600)
        return path

    def lead(self, name: str, address: str) -> None:
        """``name`` leads to ``address`` from now on."""
        update = dns.update.UpdateMessage(
            ZONE, keyring=dns.tsigkeyring.from_text({KEY_NAME: SECRET})
        )
        update.replace(f"{name}.", 5, "A", address)
        assert dns.query.tcp(update, self.host, 10, self.port).rcode() == 0


@contextmanager
def running_bind(folder: Path, host: str = "127.0.0.1") -> Iterator[NameServer]:
    program = shutil.which("named") or shutil.which("named", path="/usr/sbin")
    if program is None:
        pytest.skip("named (BIND) is not on this machine: apt-get install bind9")
    port = free_port()
    (folder / "named.conf").write_text(
        _CONFIGURATION.format(
            folder=folder, host=host, port=port, key=KEY_NAME, secret=SECRET, zone=ZONE
        )
    )
    (folder / "zone.db").write_text(_ZONE.format(zone=ZONE))
    command = [program, "-g", "-n", "1", "-c", str(folder / "named.conf")]
    with (folder / "named.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _wait(host, port, folder)
        yield NameServer(port, folder, host)
    finally:
        process.terminate()
        process.wait(60)


def _wait(host: str, port: int, folder: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            dns.query.udp(dns.message.make_query(ZONE, "SOA"), host, 0.5, port)
            return
        except (OSError, dns.exception.Timeout):
            if time.monotonic() > deadline:
                raise AssertionError((folder / "named.log").read_text()[-2000:]) from None
            time.sleep(0.02)
