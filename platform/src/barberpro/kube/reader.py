"""Many reads of one cluster: one ``kubectl proxy`` that signs in as the operator does, asked over a private
Unix socket. A look at a namespace is then one request, not one more program (a tenth of a processor second).

It reads only. What it cannot do it leaves to ``kubectl`` itself, whose errors are typed: no answer is None.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from barberpro.kube.contexts import Context
from barberpro.kube.keeper import end_kept, start_kept

START_SECONDS = 20.0
READ_SECONDS = 30.0
METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
PLAIN = "application/json"


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=READ_SECONDS)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Reader:
    """For any number of threads. Starts with the first read; ``close`` ends it, and the end of this
    process does. ``requests`` counts what was asked of the cluster."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.requests = 0
        self._lock = threading.Lock()
        self._mine = threading.local()
        self._connections: list[_Connection] = []
        self._folder: Path | None = None
        self._proxy: subprocess.Popen[bytes] | None = None
        self._off = False

    def get(self, path: str, accept: str = PLAIN) -> dict[str, Any] | None:
        """What the API answers to a GET; None where that is no success, or there is no way to it."""
        if not self._started():
            return None
        for attempt in (1, 2):
            connection = self._connection()
            try:
                connection.request("GET", path, headers={"Accept": accept})
                answer = connection.getresponse()
                body = answer.read()
            except (OSError, http.client.HTTPException):
                connection.close()  # a kept connection may have ended meanwhile
                if attempt == 2:
                    return None
                continue
            with self._lock:
                self.requests += 1
            if answer.status != 200:
                return None
            found = json.loads(body)
            return found if isinstance(found, dict) else None
        return None

    def pages(
        self, path: str, *, selector: str = "", size: int = 500, accept: str = PLAIN
    ) -> Iterator[list[dict[str, Any]]]:
        """The objects of a list, ``size`` at a time, so that no more are in memory.

        Raises:
            ReadError: the cluster did not give one of the pages.
        """
        asked = f"{path}?limit={size}" + (f"&labelSelector={quote(selector)}" if selector else "")
        following = ""
        while True:
            answer = self.get(
                asked + (f"&continue={quote(following)}" if following else ""), accept
            )
            if answer is None:
                raise ReadError(path)
            yield answer.get("items") or []
            following = str((answer.get("metadata") or {}).get("continue") or "")
            if not following:
                return

    def close(self) -> None:
        with self._lock:
            self._off = True
            for connection in self._connections:
                connection.close()
            self._connections.clear()
            end_kept(self._proxy)
            if self._folder is not None:
                for left in self._folder.iterdir():
                    left.unlink()
                self._folder.rmdir()
            self._folder = self._proxy = None

    # -- inside

    def _connection(self) -> _Connection:
        found: _Connection | None = getattr(self._mine, "connection", None)
        if found is None:
            assert self._folder is not None
            found = self._mine.connection = _Connection(self._folder / "s")
            with self._lock:
                self._connections.append(found)
        return found

    def _started(self) -> bool:
        with self._lock:
            if self._off:
                return False
            if self._proxy is None:
                self._start()
            return not self._off

    def _start(self) -> None:
        """Without a proxy there is no reader: it stays off, and ``kubectl`` says what is wrong."""
        self._folder = Path(
            tempfile.mkdtemp(prefix="bp-read-")
        )  # a short path: a socket's is limited
        place = self._folder / "s"
        named = [f"--context={self.context.name}"] if self.context.name else []
        command = ["kubectl", *named, "proxy", f"--unix-socket={place}",
                   "--reject-methods=^(POST|PUT|PATCH|DELETE)$"]  # fmt: skip
        try:
            with (self._folder / "log").open("wb") as log:
                self._proxy = start_kept(command, log, remove=self._folder)
        except OSError:
            self._off = True
            return
        deadline = time.monotonic() + START_SECONDS
        while not _listens(place):
            if self._proxy.poll() is not None or time.monotonic() > deadline:
                self._off = True
                return
            time.sleep(0.01)
        os.chmod(place, 0o600)


class ReadError(Exception):
    """A page of a list was not given; ``kubectl get --raw PATH`` says why."""


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(2.0)
        return probe.connect_ex(str(path)) == 0
