"""Response times of a few representative requests, against the region's latency target."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass

from barberpro.planning.findings import Finding, Severity

FAILURE_FACTOR = 3  # p95 above the target is a warning; the median above this multiple, a failure


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds by one client over one kept connection, answer read in full."""

    what: str
    count: int
    p50_ms: float
    p95_ms: float
    worst_ms: float

    def facts(self) -> dict[str, object]:
        return asdict(self)


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile of ``values`` (not empty)."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)]


def measure(
    what: str, requests: Sequence[Callable[[], object]], *, limit_seconds: float
) -> Latency:
    """Times each of ``requests`` once, in their order; stops early, with what there is, when
    ``limit_seconds`` have passed."""
    times: list[float] = []
    began = time.perf_counter()
    for request in requests:
        start = time.perf_counter()
        request()
        end = time.perf_counter()
        times.append((end - start) * 1000)
        if end - began > limit_seconds:
            break
    return Latency(
        what,
        len(times),
        round(percentile(times, 0.50), 2),
        round(percentile(times, 0.95), 2),
        round(max(times), 2),
    )


def measure_calmly(
    what: str, requests: Sequence[Callable[[], object]], *, limit_seconds: float, target_ms: int
) -> Latency:
    """As `measure`, and again with the requests that are left for as long as the answers take far
    more than the target; the best of it. A busy moment of the machine is not a slow deployment."""
    best = measure(what, requests, limit_seconds=limit_seconds)
    left = requests[best.count :]
    while left and _far(best, target_ms):
        again = measure(what, left, limit_seconds=limit_seconds)
        left = left[again.count :]
        best = min(best, again, key=lambda latency: latency.p50_ms)
    return best


def _far(latency: Latency, target_ms: int) -> bool:
    """Not noise: half of all answers."""
    return latency.p50_ms > target_ms * FAILURE_FACTOR


def judge(latencies: Sequence[Latency], target_ms: int) -> Iterator[Finding]:
    """A finding for each figure over the target (warning) or far over it (blocking)."""
    for latency in latencies:
        if latency.p95_ms <= target_ms:
            continue
        yield Finding(
            id=f"latency-{latency.what.replace(' ', '-')}",
            severity=Severity.BLOCKING if _far(latency, target_ms) else Severity.WARNING,
            what=f"{latency.what}: 95 of 100 answers take up to {latency.p95_ms:g} ms, "
            f"the region's target is {target_ms} ms",
            where=latency.what,
            why="manual, Geographic Scaling: latency_target",
            mend="a larger market size, or fewer deployments on this machine",
            evidence=f"p50 {latency.p50_ms:g} ms, p95 {latency.p95_ms:g} ms, {latency.count} requests",
        )
