"""A plan as an operator reads it before agreeing to it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click

from barberpro.cli.output import marked, money_usd, table
from barberpro.cli.planned import Planned
from barberpro.planning.differences import describe
from barberpro.planning.findings import Finding, Severity
from barberpro.planning.plans import checksum

MARK_OF = {Severity.BLOCKING: "bad", Severity.WARNING: "warn", Severity.INFO: "none"}


def plan_data(planned: Planned) -> dict[str, Any]:
    """What ``-o json`` prints."""
    return {
        "schema": 1,
        "deployment": planned.plan.deployment_id,
        "checksum": checksum(planned.plan),
        "live_revision": planned.live,
        "changes": [
            {
                "path": c.path,
                "kind": c.kind,
                "impact": c.impact,
                "before": c.before,
                "after": c.after,
            }
            for c in planned.changes
        ],
        "plan": planned.plan.model_dump(mode="json"),
    }


def show_plan(planned: Planned) -> None:
    """Sizes, workloads, network, cost, findings and the difference, as text on stdout."""
    plan, request, sizes = planned.plan, planned.plan.request, planned.plan.sizes
    click.echo(click.style(f"{request.name}", bold=True) + f"  ({plan.deployment_id})")
    click.echo(
        f"  {request.vertical}, {request.market} market, {request.region}, {request.environment}, "
        f"on {request.provider} by target {request.target}"
    )
    click.echo(f"  https://{plan.network.hostname}   latency target {plan.latency_target_ms} ms")
    click.echo(
        f"  {sizes.cpu_cores:g} cores, {sizes.memory_gb:g} GB memory, {sizes.storage_gb:g} GB storage, "
        f"{sizes.concurrent_users} concurrent users, {sizes.daily_bookings} bookings a day"
    )
    _heading("Workloads")
    rows = [
        [
            w.name,
            w.kind,
            f"{w.cpu_millicores}m",
            f"{w.memory_mib}Mi",
            f"{w.replicas_min}-{w.replicas_max}",
        ]
        for w in plan.workloads
    ]
    table(["name", "kind", "cpu", "memory", "replicas"], rows)
    _show_cost(planned)
    _show_findings(plan.findings)
    _show_requirements(plan.requirements)
    _show_changes(planned)
    click.echo(f"\nchecksum {checksum(plan)}")


def show_summary(planned: Planned) -> None:
    """The few lines that stand before a run, on stderr."""
    plan = planned.plan
    cost = (
        f"{money_usd(plan.cost.monthly_usd)} a month"
        if float(plan.cost.monthly_usd)
        else "no monthly cost"
    )
    state = (
        "new"
        if planned.live is None
        else f"revision {planned.live} runs, {len(planned.changes)} changes"
    )
    warnings = [f for f in plan.findings if f.severity is Severity.WARNING]
    click.echo(f"plan {checksum(plan)[:12]}: {plan.deployment_id} ({state}), {cost}", err=True)
    for finding in warnings:
        click.echo("  " + marked("warn", finding.what), err=True)


def _show_cost(planned: Planned) -> None:
    cost = planned.plan.cost
    _heading("Cost")
    for line in cost.lines:
        click.echo(
            f"  {money_usd(line.monthly_usd):>14}  {line.item} ({line.quantity:g} {line.unit}; {line.source}, {line.as_of})"
        )
    goal = f" (target {money_usd(cost.target_monthly_usd)})" if cost.target_monthly_usd else ""
    click.echo(f"  {money_usd(cost.monthly_usd):>14}  a month{goal}")
    goal = f" (target US$ {cost.target_per_booking_usd})" if cost.target_per_booking_usd else ""
    click.echo(f"  {'US$ ' + cost.per_booking_usd:>14}  per booking{goal}")


def _show_findings(findings: Iterable[Finding]) -> None:
    listed = [f for f in findings if f.severity is not Severity.INFO]
    quiet = [f for f in findings if f.severity is Severity.INFO]
    _heading("Findings")
    for finding in listed:
        click.echo("  " + marked(MARK_OF[finding.severity], f"{finding.severity}: {finding.what}"))
        for word, text in (("where", finding.where), ("why", finding.why), ("mend", finding.mend)):
            if text:
                click.echo(f"      {word}: {text}")
    click.echo(f"  {len(listed)} to act on, {len(quiet)} for information (-o json shows all)")


def _show_requirements(requirements: Iterable[str]) -> None:
    items = list(requirements)
    if items:
        _heading("Still to be done by hand")
        for item in items:
            click.echo("  - " + item.replace("\n", "\n    "))


def _show_changes(planned: Planned) -> None:
    _heading("Difference from what runs now")
    if planned.current is None:
        click.echo("  nothing runs yet: everything is new")
    elif not planned.changes:
        click.echo("  none")
    else:
        for line in describe(planned.changes):
            click.echo("  " + line)


def _heading(text: str) -> None:
    click.echo("\n" + click.style(text, bold=True))
