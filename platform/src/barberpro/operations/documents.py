"""The runbook written anew for what runs, from the registry and the target."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from barberpro.catalog.policies import Policies
from barberpro.deployment.runbook import Runbook, name_ports, write_runbook
from barberpro.planning.plans import plan_from_json
from barberpro.runs.outcomes import Json
from barberpro.runs.registry import Registry
from barberpro.targets.protocol import Target


def regenerate_runbook(
    registry: Registry,
    target: Target,
    deployment: str,
    documents: Path,
    policies: Policies | None = None,
) -> Path | None:
    """The folder that was written; None where nothing of the deployment is live."""
    current = registry.current_revision(deployment)
    if current is None:
        return None
    plan = plan_from_json(current.plan)
    earlier = [r.number for r in registry.revisions(deployment) if r.state == "applied"]
    previous = max((number for number in earlier if number < current.number), default=None)
    figures = registry.baselines(deployment).get(current.number, {})
    runbook = Runbook(
        plan=plan,
        revision=current.number,
        previous=previous,
        access=target.access(plan, None),
        services=tuple(target.services(deployment)),
        ports=name_ports(target.exposed_ports(plan), figures.get("ports")),
        findings=tuple(registry.findings(current.run)),
        figures=_latencies(figures),
        policies=policies,
        secrets=str(figures.get("secrets") or ""),
    )
    return write_runbook(documents, runbook)


def _latencies(baseline: Mapping[str, Json]) -> tuple[Mapping[str, object], ...]:
    latencies = baseline.get("latencies")
    return tuple(e for e in latencies if isinstance(e, dict)) if isinstance(latencies, list) else ()
