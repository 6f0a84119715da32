"""Monitors: the manual's key metrics as PromQL over what the app exports, with an alert on each.

The app's metrics are labelled with ``deployment`` and ``service`` by whoever scrapes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from barberpro.catalog.model import Catalog
from barberpro.planning.findings import Finding, Severity
from barberpro.planning.model import Monitor, Request, Sizes
from barberpro.planning.sizing import thresholds

ONLINE_METHODS = frozenset({"card", "mercado-pago"})
_QUIET = "/health|/ready|/metrics"


@dataclass(frozen=True, slots=True)
class _Template:
    """A monitor with ``{names}`` of ``_values`` still to be filled in."""

    title: str
    measure: str
    condition: str  # what follows the measure: an operator and a threshold
    severity: Literal["info", "warning", "critical"]
    for_seconds: int
    summary: str


_TEMPLATES = {
    "cpu_utilization_per_service": _Template(
        "CPU used per service, in cores",
        "sum by (service) (rate(process_cpu_seconds_total{{{own}}}[5m]))",
        "> {cpu_limit}",
        "warning",
        600,
        "A service uses more CPU than {cpu_percent} % of the whole deployment's {cpu_cores} cores.",
    ),
    "memory_usage_patterns": _Template(
        "Memory of all processes, in bytes",
        "sum(process_resident_memory_bytes{{{own}}})",
        "> {memory_limit}",
        "warning",
        600,
        "The processes hold more than {memory_percent} % of the planned {memory_gb} GB.",
    ),
    "disk_io_performance": _Template(
        "Time of requests that write, which wait for the disk (95th percentile, seconds)",
        "histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket"
        '{{{own},method=~"POST|PUT|PATCH|DELETE"}}[5m])))',
        "> {slow_seconds}",
        "warning",
        600,
        "Writing requests are slow; look at the disk of the database.",
    ),
    "network_latency_by_region": _Template(
        "Time to the end of the answer in {region} (95th percentile, seconds)",
        "histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket"
        '{{{own},route!~"{quiet}"}}[5m])))',
        "> {latency_seconds}",
        "warning",
        300,
        "Answers take longer than the {latency_ms} ms that {region} is promised.",
    ),
    "database_connection_pool_health": _Template(
        "Requests that wait for a database connection",
        'sum(db_pool{{{own},state="waiting"}})',
        "> 0",
        "warning",
        120,
        "The database connection pool is exhausted.",
    ),
    "booking_conversion_rate": _Template(
        "Confirmed bookings for each one that was begun",
        'sum(increase(bookings_total{{{own},outcome="confirmed"}}[1d])) / '
        'sum(increase(bookings_total{{{own},outcome="held"}}[1d]))',
        "< 0.3",
        "info",
        3600,
        "Most clients who begin to book do not finish.",
    ),
    "payment_success_rate": _Template(
        "Payment requests that succeed",
        'sum(rate(http_requests_total{{{own},route=~".*payment.*",status=~"2.."}}[30m])) / '
        'sum(rate(http_requests_total{{{own},route=~".*payment.*"}}[30m]))',
        "< 0.9",
        "critical",
        600,
        "Payments fail; look at the payment provider.",
    ),
    "user_engagement_score": _Template(
        "Pages and API answers in a day, for each booking that was confirmed",
        'sum(increase(http_requests_total{{{own},status=~"2..|3..",route!~"{quiet}"}}[1d])) / '
        'sum(increase(bookings_total{{{own},outcome="confirmed"}}[1d]))',
        "> 500",
        "info",
        3600,
        "Clients look around a lot for each booking: something may be in their way.",
    ),
    "provider_utilization_rate": _Template(
        "Bookings of the day against the {daily_bookings} that the market is sized for",
        'sum(increase(bookings_total{{{own},outcome="confirmed"}}[1d])) / {daily_bookings}',
        "> 1",
        "info",
        3600,
        "More bookings than the {market} market is sized for; consider the next one.",
    ),
    "revenue_per_user": _Template(
        "{currency} for each client who began to book, at the average list price",
        '{mean_price} * sum(increase(bookings_total{{{own},outcome="confirmed"}}[1d])) / '
        'sum(increase(bookings_total{{{own},outcome="held"}}[1d]))',
        "< {low_revenue}",
        "info",
        86400,
        "Less than three tenths of what was begun to be booked is earned.",
    ),
    "failed_authentication_attempts": _Template(
        "Requests without valid identification, per second",
        'sum(rate(http_requests_total{{{own},status="401"}}[5m]))',
        "> 1",
        "warning",
        300,
        "Somebody may be trying passwords, links or tokens.",
    ),
    "unusual_access_patterns": _Template(
        "Share of requests for what is forbidden or is not there",
        'sum(rate(http_requests_total{{{own},status=~"403|404"}}[10m])) / '
        "sum(rate(http_requests_total{{{own}}}[10m]))",
        "> 0.3",
        "warning",
        600,
        "Somebody may be looking for ways in.",
    ),
    "api_rate_limit_violations": _Template(
        "Requests refused by a rate limit, per second",
        "sum by (limit) (rate(rate_limited_total{{{own}}}[5m]))",
        "> 1",
        "warning",
        300,
        "A caller keeps exceeding its rate limit.",
    ),
    "availability": _Template(
        "Share of requests that fail on our side",
        'sum(rate(http_requests_total{{{own},status=~"5.."}}[5m])) / '
        "sum(rate(http_requests_total{{{own}}}[5m]))",
        "> 0.01",
        "critical",
        300,
        "More than one request in a hundred fails.",
    ),
    "running": _Template(
        "Processes that answer the scraper",
        "min by (service) (up{{{own}}})",
        "< 1",
        "critical",
        60,
        "A process does not answer.",
    ),
    "market_outgrown": _Template(
        "Requests per second against the {requests_limit} that the {market} market bears",
        "sum(rate(http_requests_total{{{own}}}[15m]))",
        "> {requests_limit}",
        "warning",
        1800,
        "The load calls for the {next_market} market.",
    ),
    "messages_waiting": _Template(
        "Messages that were not delivered",
        'sum(outbox_messages{{{own},state="failed"}})',
        "> 0",
        "warning",
        300,
        "Messages to clients cannot be delivered; look at the mail server.",
    ),
}
_OWN = ("availability", "running", "messages_waiting", "market_outgrown")
_ELSEWHERE = {
    "security_scan_results": "Each scan's findings are kept in the registry with the run that made "
    "them; they are no time series of the app."
}


def make_monitors(
    identifier: str, request: Request, sizes: Sizes, catalog: Catalog
) -> tuple[tuple[Monitor, ...], tuple[Finding, ...]]:
    """The monitors of the deployment, and a note on each metric of the manual that gets none."""
    values = _values(identifier, request, sizes, catalog)
    online = not ONLINE_METHODS.isdisjoint(catalog.verticals[request.vertical].payments.methods)
    monitors: list[Monitor] = []
    notes: list[Finding] = []
    for group, metric in _metrics(catalog):
        if metric == "payment_success_rate" and not online:
            notes.append(_note(metric, "The vertical takes no payment online."))
        elif metric == "market_outgrown" and "requests_limit" not in values:
            continue  # there is no larger market
        elif metric in _TEMPLATES:
            monitors.append(_monitor(group, metric, values))
        else:
            reason = _ELSEWHERE.get(metric, "No expression over the app's metrics is known for it.")
            notes.append(_note(metric, reason))
    return tuple(monitors), tuple(notes)


def _metrics(catalog: Catalog) -> Iterator[tuple[str, str]]:
    """Group and id of each metric: the manual's in its order, then our own."""
    policies = catalog.policies
    for metric in policies.infrastructure_metrics:
        yield "infrastructure", metric
    for metric in policies.business_metrics:
        yield "business", metric
    for metric in policies.security_metrics:
        yield "security", metric
    for metric in _OWN:
        yield "service", metric


def _monitor(group: str, metric: str, values: dict[str, str]) -> Monitor:
    template = _TEMPLATES[metric]
    measure = template.measure.format_map(values)
    return Monitor(
        id=metric,
        title=template.title.format_map(values),
        expression=f"{measure} {template.condition.format_map(values)}",
        severity=template.severity,
        for_seconds=template.for_seconds,
        summary=template.summary.format_map(values),
        group=group,
        measure=measure,
    )


def _values(identifier: str, request: Request, sizes: Sizes, catalog: Catalog) -> dict[str, str]:
    policies = catalog.policies
    scaling = policies.auto_scaling_policies.api_gateway
    region = catalog.regions[request.region]
    prices = [s.price_centavos for s in catalog.seeds[request.vertical].services]
    mean_price = Decimal(sum(prices)) / len(prices) / 100
    cores = Decimal(repr(sizes.cpu_cores))
    memory = Decimal(repr(sizes.memory_gb))
    return _load_values(request.market, catalog) | {
        "own": f'deployment="{identifier}"',
        "quiet": _QUIET,
        "region": request.region,
        "market": request.market,
        "currency": region.currency,
        "cpu_cores": _plain(cores),
        "cpu_percent": str(scaling.target_cpu_utilization),
        "cpu_limit": _plain(cores * scaling.target_cpu_utilization / 100),
        "memory_gb": _plain(memory),
        "memory_percent": str(scaling.target_memory_utilization),
        "memory_limit": str(int(memory * 1024**3 * scaling.target_memory_utilization / 100)),
        "slow_seconds": _plain(Decimal(policies.troubleshooting.high_response_time) / 1000),
        "latency_ms": str(region.latency_target),
        "latency_seconds": _plain(Decimal(region.latency_target) / 1000),
        "daily_bookings": str(sizes.daily_bookings),
        "mean_price": _plain(mean_price.quantize(Decimal("0.01"))),
        "low_revenue": _plain((mean_price * 3 / 10).quantize(Decimal("0.01"))),
    }


def _load_values(market: str, catalog: Catalog) -> dict[str, str]:
    """The load that the market bears and the market beyond; empty for the largest and for one's own."""
    for name, limit, beyond in thresholds(catalog.policies):
        if name == market:
            return {"requests_limit": str(limit.requests_per_second), "next_market": beyond}
    return {}


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"


def _note(metric: str, reason: str) -> Finding:
    return Finding(
        id=f"no-monitor-{metric.replace('_', '-')}",
        severity=Severity.INFO,
        what=f"There is no monitor on {metric}: {reason}",
        where="monitors",
        why='Manual, "Key Metrics to Monitor"',
    )
