"""An app for tests: its configuration in a folder, its schema in a fresh database, its commands."""

from __future__ import annotations

import base64
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

CONFIGURATION: dict[str, Any] = {
    "schema_version": 1,
    "deployment_id": "barbershop-test",
    "environment": "test",
    "brand": {"name": "BarberShop Prueba", "contact_email": "hola@barbershop-test.localhost"},
    "vertical": "barbershop",
    "public_url": "https://barbershop-test.localhost:8443",
    "services": ["api-gateway", "booking", "provider", "client", "catalog", "notification"],
    "mail": {"host": "127.0.0.1", "port": 1, "from": "turnos@barbershop-test.localhost"},
    "words": {
        "es-AR": {"booking": "turno", "provider": "barbero", "booking_gender": "m"},
        "en": {"booking": "appointment", "provider": "barber"},
    },
}
SEED: dict[str, Any] = {
    "schema_version": 1,
    "owner": {"name": "Olga Dueña", "email": "olga@example.com"},
    "locations": [{"key": "palermo", "name": "Palermo", "address": "Thames 1", "phone": "+54 11"}],
    "providers": [
        {
            "key": "martin", "name": "Martín", "email": "martin@example.com", "bio": "",
            "locations": ["palermo"],
            "hours": [{"weekdays": [1, 2, 3, 4, 5, 6, 7], "from": "09:00", "to": "20:00",
                       "breaks": []}],
        }
    ],
    "services": [
        {
            "key": "corte", "name": {"es-AR": "Corte clásico", "en": "Classic haircut"},
            "description": {"es-AR": "", "en": ""}, "minutes": 30, "buffer_before": 0,
            "buffer_after": 0, "price_centavos": 1200000, "providers": ["martin"],
        }
    ],
}  # fmt: skip


@dataclass
class AppHome:
    """One deployment's files; `environment` is what its processes get."""

    folder: Path

    @classmethod
    def make(
        cls, folder: Path, database_url: str, *, app_url: str | None = None, **changes: Any
    ) -> AppHome:
        home = cls(folder)
        secrets = folder / "secrets"
        secrets.mkdir(parents=True, exist_ok=True)
        values = {
            "database-url": app_url or database_url,
            "database-owner-url": database_url,
            "session-key": base64.b64encode(os.urandom(32)).decode(),
            "token-key": base64.b64encode(os.urandom(32)).decode(),
        }
        for name, value in values.items():
            (secrets / name).write_text(value)
            (secrets / name).chmod(0o600)
        home.configure(**changes)
        (folder / "seed.json").write_text(json.dumps(SEED))
        return home

    def configure(self, **changes: Any) -> None:
        (self.folder / "app.json").write_text(json.dumps({**CONFIGURATION, **changes}))

    @property
    def environment(self) -> dict[str, str]:
        photographs = self.folder / "media"
        return {
            **os.environ,
            **({"BARBERPRO_MEDIA_DIR": str(photographs)} if photographs.exists() else {}),
            "BARBERPRO_APP_CONFIG": str(self.folder / "app.json"),
            "BARBERPRO_SECRETS_DIR": str(self.folder / "secrets"),
            "BARBERPRO_REVISION": "7",
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        }

    def run(self, *arguments: str, **kwargs: Any) -> subprocess.CompletedProcess[str]:
        """One command of the app, to its end."""
        return subprocess.run(
            [sys.executable, "-m", "barberpro_app", *arguments],
            env=self.environment, text=True, capture_output=True, timeout=300, check=False, **kwargs,
        )  # fmt: skip

    def json(self, *arguments: str) -> Any:
        """What a command that must succeed prints."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def prepare(self) -> None:
        """Schema and seed, by one process."""
        commands = [["migrate"], ["seed", str(self.folder / "seed.json")]]
        done = self.run("console", input="".join(json.dumps(line) + "\n" for line in commands))
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        assert [answer["code"] for answer in answers] == [0, 0], done.stdout + done.stderr

    @contextmanager
    def serving(self, *options: str, port: int = 0) -> Iterator[ServedApp]:
        """A real `serve` process on a free port of the loopback interface, or on this one."""
        port = port or free_port()
        log = self.folder / f"serve-{port}.log"
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [sys.executable, "-m", "barberpro_app", "serve", "--port", str(port), *options],
                env=self.environment, stdout=stream, stderr=stream,
            )  # fmt: skip
        served = ServedApp(process, f"http://127.0.0.1:{port}", log)
        try:
            served.wait()
            yield served
        finally:
            if process.poll() is None:
                process.kill()
            process.wait(60)


@dataclass
class ServedApp:
    """A running web process."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def wait(self, path: str = "/health", seconds: float = 300) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                if httpx.get(self.url + path, timeout=2).status_code == 200:
                    return
            except httpx.TransportError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise AssertionError(self.log.read_text()) from None
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)

    def lines(self) -> list[dict[str, Any]]:
        """The log so far, each line an object."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]


def free_port() -> int:
    """A port of this machine on which nobody listened a moment ago, out of the way of the usual ones
    and of those that the system gives to clients, which could take it before its server does."""
    while True:
        port = 12_000 + secrets.randbelow(18_000)  # `random` may be seeded, alike in each worker
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
