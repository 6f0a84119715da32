"""The way from this machine to a deployment that no public address leads to yet: a port-forward to
the gateway, and HTTPS before it on loopback, as clients will have it. Both end with this process,
however it ends."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import ssl
import subprocess
import sysconfig
import time
from collections.abc import Sequence
from pathlib import Path

from barberpro.errors import BarberProError
from barberpro.kube.keeper import end_kept, start_kept
from barberpro.kube.kubectl import Kubectl
from barberpro.targets.local.files import private_folder, remove, write_atomic
from barberpro.targets.protocol import PassingFaultError

ADDRESS = "127.0.0.1"
GATEWAY_PORT = 8080
START_SECONDS = 20.0
REQUEST_ID = "X-Request-Id"
VALID_REQUEST_ID = r"^[A-Za-z0-9._-]{8,64}$"


class Front:
    """``open`` as often as one likes: what has ended meanwhile is started anew, at the same port."""

    def __init__(
        self, kubectl: Kubectl, namespace: str, folder: Path, names: Sequence[str]
    ) -> None:
        self._kubectl, self._namespace = kubectl, namespace
        self._folder, self._names = folder, tuple(names)
        self._forward: subprocess.Popen[bytes] | None = None
        self._router: subprocess.Popen[bytes] | None = None
        self._inner = free_port()
        self.port = free_port()

    @property
    def ca_certificate(self) -> Path:
        return self._folder / "store" / "pki" / "authorities" / "local" / "root.crt"

    @property
    def access_log(self) -> Path:
        return self._folder / "access.log"

    def open(self) -> None:
        if self._forward is None or self._forward.poll() is not None:
            self._forward = self._start_forward()
        if self._router is None or self._router.poll() is not None:
            self._router = self._start_router()

    def forget_pod(self) -> None:
        """After a rollout: the port-forward holds on to a pod that goes."""
        end_kept(self._forward)
        self._forward = None

    def close(self) -> None:
        self.forget_pod()
        end_kept(self._router)
        self._router = None
        remove(self._folder)

    def _start_forward(self) -> subprocess.Popen[bytes]:
        command = self._kubectl.words(
            "port-forward", f"--address={ADDRESS}", "-n", self._namespace, "service/api-gateway",
            f"{self._inner}:{GATEWAY_PORT}",
        )  # fmt: skip
        command = [word for word in command if not word.startswith("--request-timeout")]
        log = private_folder(self._folder) / "port-forward.log"
        with log.open("wb") as stream:
            started = start_kept(command, stream)
        deadline = time.monotonic() + START_SECONDS
        while "Forwarding from" not in log.read_text(errors="replace"):
            if started.poll() is not None or time.monotonic() > deadline:
                said = log.read_text(errors="replace").strip()
                end_kept(started)
                raise PassingFaultError(
                    f"no way to the gateway: {said or 'kubectl port-forward says nothing'}",
                    seconds=1.0,
                    where=self._namespace,
                )
            time.sleep(0.05)
        return started

    def _start_router(self) -> subprocess.Popen[bytes]:
        program = Path(sysconfig.get_path("scripts")) / "caddy"
        private_folder(self._folder / "store")
        log, configuration = self._folder / "router.log", self._folder / "caddy.json"
        write_atomic(configuration, json.dumps(self._configuration()))
        with log.open("wb") as stream:
            started = start_kept(
                [str(program), "run", "--config", str(configuration)], stream, remove=self._folder,
                environment={
                    **os.environ, "HOME": str(self._folder), "XDG_DATA_HOME": str(self._folder),
                    "XDG_CONFIG_HOME": str(self._folder),
                },
            )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while not (self.ca_certificate.exists() and self._shakes_hands()):
            if started.poll() is not None or time.monotonic() > deadline:
                said = log.read_text(errors="replace").strip()[-500:]
                end_kept(started)
                raise BarberProError(
                    f"HTTPS before the deployment does not start: {said}",
                    where=str(program),
                    mend="barberpro doctor",
                )
            time.sleep(0.05)
        return started

    def _shakes_hands(self) -> bool:
        """It listens a moment before it has a certificate for each name."""
        context = ssl.create_default_context(cafile=str(self.ca_certificate))
        for name in self._names:
            with (
                contextlib.suppress(OSError),
                socket.create_connection((ADDRESS, self.port), 2.0) as plain,
                context.wrap_socket(plain, server_hostname=name),
            ):
                continue
            return False
        return True

    def _routes(self) -> list[dict[str, object]]:
        host: dict[str, object] = {"match": [{"host": list(self._names)}], "terminal": True}
        identified: dict[str, object] = {
            "match": [{"not": [{"header_regexp": {REQUEST_ID: {"pattern": VALID_REQUEST_ID}}}]}],
            "handle": [
                {"handler": "headers", "request": {"set": {REQUEST_ID: ["{http.request.uuid}"]}}}
            ],
        }
        recorded: dict[str, object] = {
            "handle": [
                {
                    "handler": "log_append",
                    "key": "request_id",
                    "value": f"{{http.request.header.{REQUEST_ID}}}",
                }
            ]
        }
        passed = {
            "handler": "reverse_proxy",
            "upstreams": [{"dial": f"{ADDRESS}:{self._inner}"}],
            "headers": {"response": {"delete": ["Server", "Via"]}},
            "transport": {"protocol": "http", "keep_alive": {"enabled": False}},
        }
        unknown: dict[str, object] = {
            "handler": "static_response",
            "status_code": 404,
            "body": "not found",
        }
        return [
            identified,
            recorded,
            {"match": [{"path": ["/metrics"]}], "handle": [unknown], "terminal": True},
            {**host, "handle": [passed]},
            {"handle": [unknown]},
        ]

    def _configuration(self) -> dict[str, object]:
        store = {"module": "file_system", "root": str(self._folder / "store")}
        server = {
            "listen": [f"{ADDRESS}:{self.port}"],
            "protocols": ["h1", "h2"],
            "automatic_https": {"disable_redirects": True},
            "tls_connection_policies": [{"protocol_min": "tls1.3"}],
            "routes": self._routes(),
            "logs": {"default_logger_name": "access"},
        }
        written = {"output": "file", "filename": str(self.access_log), "mode": "0600"}
        hidden = {"request>headers": {"filter": "delete"}, "resp_headers": {"filter": "delete"},
                  "request>tls": {"filter": "delete"}, "request>uri": {"filter": "delete"}}  # fmt: skip
        encoder = {"format": "filter", "wrap": {"format": "json"}, "fields": hidden}
        log = {"writer": written, "encoder": encoder, "include": ["http.log.access.access"]}
        return {
            "admin": {"disabled": True, "config": {"persist": False}},
            "storage": store,
            "logging": {
                "logs": {
                    "default": {"level": "WARN", "exclude": ["http.log.access.access"]},
                    "access": log,
                }
            },
            "apps": {
                "http": {"servers": {"front": server}},
                "pki": {"certificate_authorities": {"local": {"install_trust": False}}},
                "tls": {
                    "certificates": {"automate": list(self._names)},
                    "automation": {"policies": [{"issuers": [{"module": "internal"}]}]},
                },
            },
        }


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind((ADDRESS, 0))
        return int(listener.getsockname()[1])
