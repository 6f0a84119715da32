"""Which deployments are known here, on this machine or on a cluster: files alone, no server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from barberpro.adapters.catalog_files import builtin_folder
from barberpro.planning.model import Plan
from barberpro.targets.kubernetes.records import Records, public_host
from barberpro.targets.local.layout import Layout
from barberpro.targets.local.state import Store

LOCAL, KUBERNETES = "local", "kubernetes"


@dataclass(frozen=True, slots=True)
class KnownDeployment:
    """``live`` is the revision that serves; ``context`` the kube context, empty on this machine."""

    id: str
    target: str
    live: int | None
    stopped: bool
    context: str = ""


def chart_folder() -> Path:
    """The chart that comes with the product."""
    return builtin_folder().parent / "chart" / "barberpro"


def known_deployments(layout: Layout) -> list[KnownDeployment]:
    """All of them, those of this machine first."""
    here = [
        KnownDeployment(record.id, LOCAL, record.live, record.stopped)
        for record in Store(layout).deployments()
    ]
    there = [
        KnownDeployment(record.id, KUBERNETES, record.live, record.stopped, record.context)
        for record in Records(layout.home).all()
    ]
    return [*here, *there]


def known_deployment(layout: Layout, deployment: str) -> KnownDeployment:
    """Raises ``BarberProError`` where there is none of this id."""
    for one in known_deployments(layout):
        if one.id == deployment:
            return one
    record = Store(layout).required(deployment)  # raises, with what is there
    return KnownDeployment(record.id, LOCAL, record.live, record.stopped)


def has_public_way(layout: Layout, plan: Plan) -> bool:
    """Whether an address leads to it without help. On this machine one always does; on a cluster
    where its values name an Ingress or a Gateway, and it has a domain."""
    record = Records(layout.home).find(plan.deployment_id)
    if record is None:
        return True
    return bool(public_host(plan, record.values.get("public")))
