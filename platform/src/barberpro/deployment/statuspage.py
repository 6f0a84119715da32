"""The status page of a deployment: a file that a browser opens and that loads nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from barberpro.deployment.rendering import environment, markdown_page
from barberpro.planning.model import Plan
from barberpro.targets.protocol import ServiceState


def status_page(
    plan: Plan,
    revision: int,
    url: str,
    services: Sequence[ServiceState],
    latencies: Sequence[Mapping[str, object]],
) -> str:
    """State as it was when the revision was deployed, and what to ask for the state of now."""
    markdown = (
        environment()
        .get_template("status.md.j2")
        .render(plan=plan, revision=revision, url=url, services=services, latencies=latencies)
    )
    return markdown_page(f"Status: {plan.request.name}", "en", markdown)
