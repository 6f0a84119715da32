"""What an operator needs right after a deployment: where it is, how to get in, what is left to do."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from barberpro.cli.composition import Operator
from barberpro.cli.known import KUBERNETES, has_public_way, known_deployment
from barberpro.cli.planned import documents_of
from barberpro.deployment.documents import latest
from barberpro.errors import BarberProError
from barberpro.operations.publishing import left_on_cluster
from barberpro.planning.model import Plan
from barberpro.targets.kubernetes.records import Records


def show_welcome(operator: Operator, plan: Plan) -> None:
    if has_public_way(operator.platform.layout, plan):
        link = owner_link(operator, plan)
        lines = [("booking page", f"https://{plan.network.hostname}")]
        if plan.request.target != KUBERNETES:
            lines = [("booking page", operator.target.access(plan, None).url)]
    else:
        link = ""
        lines = [
            ("booking page", f"barberpro open {plan.deployment_id}"),
            ("owner's sign-in", f"barberpro open {plan.deployment_id} --owner"),
        ]
    if link:
        lines.append(
            ("owner's sign-in", link + "   (once, for a short time; again: barberpro open --owner)")
        )
    on_cluster = plan.request.target == KUBERNETES
    if on_cluster:
        lines.append(("on the cluster", f"kubectl get pods -n {plan.deployment_id}"))
        lines.append(("history", f"helm history barberpro -n {plan.deployment_id}"))
    else:
        lines.append(("mail catcher", operator.platform.mail_url()))
    runbook = latest(documents_of(operator.platform.layout, plan.deployment_id))
    if runbook is not None:
        lines.append(("runbook", str(runbook)))
    click.echo("", err=True)
    for label, text in lines:
        click.echo(f"  {label:<16} {text}")
    click.echo("", err=True)
    if not on_cluster:
        click.echo(
            "  The browser will not know the local CA yet. To trust it: barberpro certificate",
            err=True,
        )
    left = _left_to_do(operator, plan)
    if left:
        click.echo("\n  Still to be done by hand:", err=True)
        for requirement in left:
            click.echo("  - " + requirement.replace("\n", "\n    "), err=True)
    sys.stdout.flush()


def _left_to_do(operator: Operator, plan: Plan) -> Sequence[str]:
    """As the plan says; on a cluster with the address that it turned out to have."""
    domain = plan.network.domain
    if plan.request.target != KUBERNETES or domain is None:
        return plan.requirements
    known = operator.platform.store.platform().public
    records = Records(operator.platform.layout.home)
    try:
        left = left_on_cluster(records, domain, tuple(known.resolvers) if known else ())
    except BarberProError as error:
        return (error.what, *plan.requirements)
    return plan.requirements if left is None else left


def owner_link(operator: Operator, plan: Plan) -> str:
    """A one-time sign-in link for the owner; empty where the app gave none."""
    owner = plan.seed.get("owner")
    record = known_deployment(operator.platform.layout, plan.deployment_id)
    if not isinstance(owner, dict) or record.live is None:
        return ""
    try:
        made = operator.target.run_app_command(
            plan, record.live, ["owner-link", "--email", str(owner.get("email"))]
        )
    except BarberProError as error:
        click.echo(f"  no sign-in link for the owner: {error.what}", err=True)
        return ""
    return str(made.get("url", ""))
