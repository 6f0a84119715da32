"""Stage 7, Monitoring Setup: dashboards, alerts, logs that can be followed, figures to compare with."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping

from barberpro.deployment.conclusions import conclude, done, plain, step
from barberpro.deployment.context import DeployContext
from barberpro.deployment.dashboards import alerting_rules, grafana_dashboard
from barberpro.deployment.runbook import Runbook, name_ports, write_runbook
from barberpro.deployment.statuspage import status_page
from barberpro.planning.findings import Finding, Severity
from barberpro.runs.outcomes import Done, Json, Outcome
from barberpro.runs.pipelines import Stage

LOG_SECONDS = 20.0
POLL_SECONDS = 0.05
ROUTER, APP = "router", "app"


def create_dashboard(context: DeployContext) -> Outcome:
    """A Grafana dashboard for whoever has Grafana, and a page that needs nothing."""
    plan = context.plan
    live = context.target.access(plan, None)
    services = context.target.services(plan.deployment_id)
    latencies = _latencies(context)
    files = {
        "grafana-dashboard.json": grafana_dashboard(plan),
        "status.html": status_page(plan, context.revision, live.url, services, latencies),
    }
    report = context.target.write_monitoring(plan, files)
    outcome = done(report)
    if isinstance(outcome, Done):
        count = len(plan.monitors)
        return Done(f"{count} panels, status page: {report.detail}", outcome.facts)
    return outcome


def configure_alerts(context: DeployContext) -> Outcome:
    """Alerting rules for Prometheus, from the plan's monitors."""
    rules = alerting_rules(context.plan)
    report = context.target.write_monitoring(context.plan, {"prometheus-rules.yaml": rules})
    alerts = len(context.plan.monitors)
    outcome = done(report)
    if isinstance(outcome, Done):
        return Done(f"{alerts} alerting rules: {report.detail}", outcome.facts)
    return outcome


def set_up_logs(context: DeployContext) -> Outcome:
    """One request of stage 5 must be found under its id in the router's log and in the app's."""
    known = context.fact("automated-testing-suite", "request_ids")
    ids = [str(id_) for id_ in known if id_] if isinstance(known, list) else []
    if not ids:
        finding = _unseen("stage 5 recorded no request id", Severity.WARNING)
        return conclude(context, [finding], "logs are collected; nothing to look for")
    deadline = time.monotonic() + LOG_SECONDS
    while True:
        lines = context.target.log_lines(context.plan.deployment_id, ids[0])
        sources = {log_source(line) for line in lines}
        if {ROUTER, APP} <= sources:
            detail = f"request {ids[0]} found in {len(lines)} lines of router and app"
            return conclude(context, [], detail, facts={"request_id": ids[0]})
        if time.monotonic() > deadline:
            missing = ", ".join(sorted({ROUTER, APP} - sources))
            finding = _unseen(f"{ids[0]} is not in the log of: {missing}", Severity.WARNING)
            return conclude(context, [finding], f"request {ids[0]} found in {len(lines)} lines")
        time.sleep(POLL_SECONDS)


def log_source(line: str) -> str:
    """Which of the two wrote a JSON log line; the router's are access logs of its own form."""
    try:
        entry = json.loads(line)
    except ValueError:
        return "other"
    if not isinstance(entry, Mapping):
        return "other"
    logger = str(entry.get("logger", ""))
    return ROUTER if logger.startswith("http.log.access") else APP


def _unseen(what: str, severity: Severity) -> Finding:
    return Finding(
        id="log-request-not-followed",
        severity=severity,
        what=what,
        where="logs",
        why="manual, Monitoring Stack: a request is followed through all logs by its id",
        mend="barberpro logs DEPLOYMENT shows what there is",
    )


def establish_baseline(context: DeployContext) -> Outcome:
    """Stage 5's figures kept for later comparison, and the runbook of this revision written."""
    plan = context.plan
    latencies = _latencies(context)
    figures: dict[str, Json] = {
        "revision": context.revision,
        "latency_target_ms": plan.latency_target_ms,
        "latencies": [plain(latency) for latency in latencies],
        "secrets": context.fact("cloud-resources-provisioning", "secrets"),
        "ports": {str(port): use for port, use in _port_uses(context).items()},
    }
    kept = ("revision", "latency_target_ms", "latencies")
    text = json.dumps({name: figures[name] for name in kept}, indent=1, sort_keys=True)
    context.target.write_monitoring(plan, {"baseline.json": text})
    if context.recorder is not None:
        context.recorder.put_baseline(plan.deployment_id, context.revision, figures)
    runbook = Runbook(
        plan=plan,
        revision=context.revision,
        previous=context.previous,
        access=context.target.access(plan, None),
        services=tuple(context.target.services(plan.deployment_id)),
        ports=name_ports(_ports(context), figures["ports"]),
        findings=context.findings(),
        figures=tuple(latencies),
        policies=context.policies,
        secrets=str(figures["secrets"] or ""),
    )
    written = write_runbook(context.documents, runbook)
    detail = f"{len(latencies)} figures kept; runbook: {written}"
    return Done(detail, {"baseline": figures, "runbook": str(written)})


def _ports(context: DeployContext) -> list[tuple[str, int, str]]:
    """What stage 5 found open; asked again only where it recorded nothing."""
    seen = context.fact("security-scanning", "ports")
    if not isinstance(seen, list):
        return list(context.target.exposed_ports(context.plan))
    return [
        (str(entry[0]), int(str(entry[1])), str(entry[2]))
        for entry in seen
        if isinstance(entry, list) and len(entry) == 3
    ]


def _port_uses(context: DeployContext) -> dict[int, Json]:
    """What each planned port is for; ``exposed_ports`` knows only programs."""
    uses: dict[int, Json] = {context.preview().port: "booking pages and API (HTTPS)"}
    smtp = context.fact("notification-setup", "port")
    if isinstance(smtp, int):
        uses[smtp] = "mail catcher (SMTP)"
    return uses


def _latencies(context: DeployContext) -> list[Mapping[str, Json]]:
    kept = context.fact("performance-validation", "latencies")
    return [entry for entry in kept if isinstance(entry, dict)] if isinstance(kept, list) else []


STAGE: Stage[DeployContext] = Stage(
    id="monitoring-setup",
    title="Monitoring Setup",
    budget_seconds=600,
    steps=(
        step("Monitoring dashboard creation", create_dashboard),
        step("Alerting rules configuration", configure_alerts),
        step("Log aggregation setup", set_up_logs),
        step("Performance baseline establishment", establish_baseline),
    ),
)
