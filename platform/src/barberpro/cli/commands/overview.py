"""``barberpro list`` and ``barberpro status``. Neither starts what does not run."""

from __future__ import annotations

from typing import Any

import click

from barberpro.cli.composition import open_operator
from barberpro.cli.known import LOCAL, known_deployment, known_deployments
from barberpro.cli.many import STATES, VERTICALS, check_verticals, chosen, require_one_or_all
from barberpro.cli.output import duration, emit, marked, output_option, table
from barberpro.cli.plan_view import MARK_OF
from barberpro.cli.planned import applied_plans
from barberpro.cli.sums import show_sums, sums
from barberpro.errors import ExitCode
from barberpro.operations import overview
from barberpro.targets.kubernetes.many import look_at_all
from barberpro.targets.kubernetes.records import Records
from barberpro.targets.local.layout import Layout
from barberpro.targets.local.platform import LocalPlatform
from barberpro.targets.local.state import Store

STATE_MARKS = {
    "live": "ok",
    "running": "ok",
    "stopped": "none",
    "down": "bad",
    "degraded": "bad",
    "failed": "bad",
}
MIB = 2**20


@click.command("list")
@VERTICALS
@STATES
@output_option
def list_(verticals: tuple[str, ...], states: tuple[str, ...], output: str) -> None:
    """All deployments of this machine, and those on clusters that were made from here."""
    rows = [row for row in _all_rows(verticals) if chosen(row["state"], states)]
    emit(rows, output, lambda: _show_list(rows))


@click.command()
@click.argument("deployment", metavar="[DEPLOYMENT]", required=False)
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Every deployment: how many are well, and which are not.",
)
@VERTICALS
@STATES
@click.option(
    "--detailed-exitcode", is_flag=True, help="With --all: exit 10 where one is not well."
)
@output_option
def status(
    deployment: str | None, everything: bool, verticals: tuple[str, ...], states: tuple[str, ...],
    detailed_exitcode: bool, output: str,
) -> int:  # fmt: skip
    """State of DEPLOYMENT: revision, services, findings and what is still open; or of all of them.

    \b
    Examples:
      barberpro status barbershop-palermo
      barberpro status --all --detailed-exitcode
    """
    require_one_or_all(deployment, everything, (*verticals, *states))
    if deployment is None:
        rows = _all_rows(verticals)
        shown = [row for row in rows if chosen(row["state"], states)]
        emit(sums(rows, shown), output, lambda: show_sums(rows, shown, everyone=bool(states)))
        poor = any(not row["well"] for row in rows)
        return ExitCode.CHANGES if poor and detailed_exitcode else ExitCode.DONE
    known_deployment(Layout.of(), deployment)
    if not LocalPlatform.open().is_running() and not _on_clusters(deployment):
        found = next(row for row in _from_files() if row["id"] == deployment)
        emit(found, output, lambda: _show_down(found))
        return ExitCode.DONE
    with open_operator() as operator, operator.registry() as registry:
        one = overview.status(registry, operator.target, deployment)
    emit(_status(one), output, lambda: _show_status(one))
    return ExitCode.DONE


def _all_rows(verticals: tuple[str, ...]) -> list[dict[str, Any]]:
    """One row each, by a number of calls that does not grow with them but by pages."""
    if LocalPlatform.open().is_running() or _on_clusters():
        with open_operator() as operator, operator.registry() as registry:
            seen = look_at_all(Records(operator.platform.layout.home).all())
            elsewhere = overview.Elsewhere(seen.services, seen.problems)
            found = overview.list_deployments(registry, operator.target, elsewhere)
            rows = [_summary(one) for one in found]
    else:
        rows = _from_files()
    check_verticals(verticals, [row["vertical"] for row in rows])
    return [row for row in rows if chosen(row["vertical"], verticals)]


def _on_clusters(deployment: str = "") -> bool:
    """What runs elsewhere is asked there; the registry is brought up for that."""
    return any(
        one.target != LOCAL and deployment in ("", one.id) for one in known_deployments(Layout.of())
    )


def _from_files() -> list[dict[str, Any]]:
    """What is known while no server runs."""
    layout = Layout.of()
    port = Store(layout).platform().https_port
    rows: list[dict[str, Any]] = []
    for record, plan in applied_plans(layout).values():
        rows.append({
            "id": record.id,
            "name": plan.request.name if plan else "",
            "vertical": plan.request.vertical if plan else "",
            "target": record.target,
            "state": "stopped" if record.stopped else "down" if record.target == LOCAL else "unknown",
            "revision": record.live,
            "url": f"https://{plan.network.local_hostname}:{port}" if plan else "",
            "memory_mib": 0,
            "last_run": None,
            "well": record.stopped,
            "trouble": "" if record.stopped else "no server runs for it",
        })  # fmt: skip
    return rows


def _summary(one: overview.Summary) -> dict[str, Any]:
    last = one.last_run
    return {
        "id": one.id, "name": one.name, "vertical": one.vertical, "target": one.target, "state": one.state,
        "revision": one.revision, "url": one.url, "memory_mib": round(one.memory_bytes / MIB, 1),
        "last_run": {"run": last.id, "kind": last.kind, "status": last.status} if last else None,
        "well": one.well, "trouble": one.trouble,
    }  # fmt: skip


def _status(one: overview.Status) -> dict[str, Any]:
    return {
        **_summary(one.summary),
        "services": [
            {"name": s.name, "state": s.state, "pid": s.pid, "detail": s.detail,
             "memory_mib": round((s.memory_bytes or 0) / MIB, 1)}
            for s in one.services
        ],
        "requirements": list(one.requirements),
        "findings": [finding.model_dump(mode="json") for finding in one.findings],
        "runs": [
            {"run": run.id, "kind": run.kind, "status": run.status, "started_at": run.started_at.isoformat()}
            for run in one.runs
        ],
    }  # fmt: skip


def _show_list(rows: list[dict[str, Any]]) -> None:
    if not rows:
        click.echo("nothing is deployed here; barberpro deploy --help shows how", err=True)
        return
    lines = [
        [
            str(row["id"]),
            str(row["vertical"]),
            str(row["state"]),
            str(row["revision"] or ""),
            str(row["url"]),
        ]
        for row in rows
    ]
    table(["deployment", "vertical", "state", "revision", "url"], lines)


def _show_down(row: dict[str, Any]) -> None:
    click.echo(marked(STATE_MARKS[row["state"]], f"{row['name'] or row['id']}: {row['state']}"))
    name = "" if row["state"] == "down" else " " + str(row["id"])
    click.echo(f"  no server runs for it; start it with: barberpro start{name}")


def _show_status(one: overview.Status) -> None:
    summary = one.summary
    mark = STATE_MARKS.get(summary.state, "warn")
    click.echo(
        marked(mark, click.style(summary.name or summary.id, bold=True) + f"  {summary.state}")
    )
    click.echo(f"  {summary.url}")
    click.echo(f"  {summary.vertical}, revision {summary.revision}, target {summary.target}")
    click.echo("\n" + click.style("Services", bold=True))
    for service in one.services:
        memory = f"  {service.memory_bytes / MIB:.0f} MiB" if service.memory_bytes else ""
        mark = "ok" if service.state == "running" else "bad"
        click.echo(
            "  "
            + marked(mark, f"{service.name}: {service.state}{memory}  {service.detail}".rstrip())
        )
    if one.open_findings:
        click.echo("\n" + click.style("Findings to act on", bold=True))
        for finding in one.open_findings:
            click.echo("  " + marked(MARK_OF[finding.severity], finding.what))
            if finding.mend:
                click.echo(f"      mend: {finding.mend}")
    if one.requirements:
        click.echo("\n" + click.style("Still to be done by hand", bold=True))
        for requirement in one.requirements:
            click.echo("  - " + requirement.replace("\n", "\n    "))
    click.echo("\n" + click.style("Last runs", bold=True))
    for run in one.runs:
        took = (
            duration((run.ended_at - run.started_at).total_seconds())
            if run.ended_at
            else "not ended"
        )
        click.echo(f"  {run.id}  {run.kind}: {run.status} ({took})")
