"""Prometheus metrics of one process, in a registry of its own (nothing global).

Labels are route templates, methods and outcomes: a bounded set, whatever callers send.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class PoolCollector(Collector):
    """The pool's numbers, read when somebody asks."""

    def __init__(self, statistics: Callable[[], dict[str, Any]]) -> None:
        self._statistics = statistics

    def collect(self) -> Iterable[GaugeMetricFamily]:
        family = GaugeMetricFamily(
            "db_pool", "Connections to the database and who waits for one", labels=["state"]
        )
        numbers = self._statistics()
        size, free = numbers.get("pool_size", 0), numbers.get("pool_available", 0)
        family.add_metric(["used"], size - free)
        family.add_metric(["free"], free)
        family.add_metric(["waiting"], numbers.get("requests_waiting", 0))
        yield family


class OutboxCollector(Collector):
    """Messages that are not sent yet, by state, as `/metrics` has just counted them."""

    def __init__(self) -> None:
        self.depth: dict[str, int] = {}

    def collect(self) -> Iterable[GaugeMetricFamily]:
        family = GaugeMetricFamily("outbox_messages", "Messages by state", labels=["state"])
        for state, count in self.depth.items():
            family.add_metric([state], count)
        yield family


class CalendarCollector(Collector):
    """Conflicts that wait for a person, bookings that wait to be written, dead letters."""

    def __init__(self) -> None:
        self.depth: dict[str, int] = {}

    def collect(self) -> Iterable[GaugeMetricFamily]:
        family = GaugeMetricFamily(
            "calendar_sync", "What providers' calendars have open", labels=["state"]
        )
        for state, count in self.depth.items():
            family.add_metric([state], count)
        yield family


class Metrics:
    """What this process counts; `app.state.metrics`."""

    def __init__(self) -> None:
        #: Requests whose answer is not complete; not those that stay open as long as somebody looks.
        self.in_flight = 0
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "http_requests", "Answers by route", ["method", "route", "status"],
            registry=self.registry,
        )  # fmt: skip
        self.durations = Histogram(
            "http_request_duration_seconds", "Time to the end of the answer", ["method", "route"],
            buckets=_BUCKETS, registry=self.registry,
        )  # fmt: skip
        self.bookings = Counter(
            "bookings", "Attempts to book by outcome", ["outcome"], registry=self.registry
        )
        self.messages = Counter(
            "messages", "Attempts to send by outcome", ["kind", "outcome"], registry=self.registry
        )
        self.sign_ins = Counter(
            "sign_ins", "Sign-in attempts by outcome", ["outcome"], registry=self.registry
        )
        self.calendar_calls = Counter(
            "calendar_calls", "Calls to providers' calendars by outcome", ["kind", "outcome"],
            registry=self.registry,
        )  # fmt: skip
        self.calendars = CalendarCollector()
        self.registry.register(self.calendars)
        self.outbox = OutboxCollector()
        self.registry.register(self.outbox)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)

    def watch_pool(self, statistics: Callable[[], dict[str, Any]]) -> None:
        """Shows the pool's numbers; `statistics` is `Database.statistics`."""
        self.registry.register(PoolCollector(statistics))

    def observe_request(self, method: str, route: str, status: int, seconds: float | None) -> None:
        """`seconds` is None for an answer that is open as long as somebody looks."""
        method = method if method in _METHODS else "OTHER"
        self.requests.labels(method, route, str(status)).inc()
        if seconds is not None:
            self.durations.labels(method, route).observe(seconds)

    def render(self) -> bytes:
        """The text format, version 0.0.4."""
        return generate_latest(self.registry)
