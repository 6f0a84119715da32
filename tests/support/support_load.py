"""A steady load on a deployment: so many requests a second, each on a connection of its own, and what
became of each."""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

SECONDS = 15.0


@dataclass
class Load:
    """``failures`` says why, with how often; only 2xx counts as an answer."""

    address: str
    port: int
    hostname: str
    paths: tuple[str, ...]
    every: float
    answered: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    _end: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def client(self, number: int) -> None:
        """Each asks in turn for the pages, at its own pace, until the load ends."""
        turn = number
        while not self._end.wait(self.every):
            trouble = self._ask(self.paths[turn % len(self.paths)])
            turn += 1
            with self._lock:
                if trouble:
                    self.failures[trouble] += 1
                else:
                    self.answered += 1

    def _ask(self, path: str) -> str:
        connection = http.client.HTTPConnection(self.address, self.port, timeout=SECONDS)
        try:
            connection.request("GET", path, headers={"Host": self.hostname})
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            return f"{time.strftime('%X')} {path} {type(error).__name__}: {error}"
        finally:
            connection.close()
        if 200 <= answer.status < 300:
            return ""
        return f"{time.strftime('%X')} {path} {answer.status}"


@contextmanager
def steady(load: Load, clients: int) -> Iterator[Load]:
    """It runs as long as the block."""
    threads = [threading.Thread(target=load.client, args=(n,)) for n in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        load._end.set()
        for thread in threads:
            thread.join()


def main() -> None:
    """Started inside the node's network: the load as JSON, until the standard input ends."""
    given = json.loads(sys.argv[1])
    clients = int(given.pop("clients"))
    with steady(Load(**{**given, "paths": tuple(given["paths"])}), clients) as load:
        print("begun", flush=True)
        sys.stdin.read()
    print(json.dumps({"answered": load.answered, "failures": load.failures}), flush=True)


if __name__ == "__main__":
    main()
