"""Log lines of a deployment on a cluster, from all its pods, merged by time; read by ``kubectl logs``."""

from __future__ import annotations

import subprocess
from collections import deque
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from barberpro.errors import BarberProError
from barberpro.operations.logs import LEVELS, LogLine, parse
from barberpro.targets.kubernetes.life import PARTS
from barberpro.targets.kubernetes.site import Site

PODS_AT_ONCE = 200
REMEMBERED = 1000  # lines that are not shown twice when a stream begins anew


@dataclass
class ClusterLogReader:
    """``request``, ``level`` and ``service`` narrow what is given."""

    site: Site
    request: str | None = None
    level: str | None = None
    service: str | None = None
    _shown: deque[str] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    _since: datetime = field(default_factory=lambda: datetime.now(UTC))

    def last(self, count: int) -> list[LogLine]:
        """The newest ``count`` lines of all pods, oldest first."""
        narrowed = self.request is not None or self.level is not None
        said = self.site.kubectl.call(*self._words(f"--tail={-1 if narrowed else count}"))
        lines = sorted(self._wanted(said.splitlines()), key=lambda line: line.at)
        return lines[-count:]

    def follow(self) -> Generator[LogLine, None, None]:
        """Lines since this reader was made, as they come, without end. Pods that come later are followed too: a stream that ends
        with the last pod that it knew begins anew.

        Raises ``BarberProError`` where ``kubectl`` fails.
        """
        while True:
            stamp = self._since.strftime("%Y-%m-%dT%H:%M:%SZ")
            words = self.site.kubectl.words(*self._words(f"--since-time={stamp}", "--follow"))
            command = [word for word in words if not word.startswith("--request-timeout")]
            self._since = datetime.now(UTC)
            with subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            ) as stream:
                try:
                    assert stream.stdout is not None
                    for raw in stream.stdout:
                        self._since = datetime.now(UTC)
                        yield from self._wanted([raw.rstrip("\n")])
                finally:
                    stream.terminate()
                said = stream.stderr.read() if stream.stderr is not None else ""
            if stream.returncode not in (0, -15):
                raise BarberProError(
                    f"the logs cannot be followed: {said.strip()[-300:]}",
                    where=self.site.namespace,
                    mend=self.site.shown("get", "pods"),
                )

    def _words(self, *more: str) -> tuple[str, ...]:
        chosen = f"app.kubernetes.io/name={self.service}" if self.service else PARTS
        return (
            "logs", "-n", self.site.namespace, "-l", chosen, "--prefix", "--ignore-errors",
            f"--max-log-requests={PODS_AT_ONCE}", *more,
        )  # fmt: skip

    def _wanted(self, lines: list[str]) -> Iterator[LogLine]:
        for shown in lines:
            if shown in self._shown:
                continue
            self._shown.append(shown)
            prefix, _, raw = shown.partition(" ")
            if not prefix.startswith("[pod/"):
                prefix, raw = "", shown
            if self.request is not None and self.request not in raw:
                continue
            line = parse(raw, _service_of(prefix))
            if self.level is None or LEVELS.index(line.level) >= LEVELS.index(self.level):
                yield line


def _service_of(prefix: str) -> str:
    """``[pod/booking-6b6d8f-x7k2p/app]`` is of ``booking``."""
    pod = prefix.strip("[]").partition("/")[2].partition("/")[0]
    return pod.rsplit("-", 2)[0] if pod.count("-") >= 2 else pod or "pod"
