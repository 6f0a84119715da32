"""Stage 2, Infrastructure Provisioning: what the processes will stand on."""

from __future__ import annotations

from barberpro.deployment.conclusions import done, step
from barberpro.deployment.context import DeployContext
from barberpro.runs.outcomes import Outcome
from barberpro.runs.pipelines import Stage


def provision_resources(context: DeployContext) -> Outcome:
    return done(context.target.provision_resources(context.plan))


def remove_resources(context: DeployContext) -> None:
    """Only a first deployment's: an earlier revision goes on using them, and they hold its data."""
    if context.first:
        context.target.remove_resources(context.plan)
        context.log("removed the deployment's database, roles, secrets and folders")
    else:
        context.log(f"kept database and secrets: revision {context.previous} uses them")


def configure_network(context: DeployContext) -> Outcome:
    return done(context.target.configure_network(context.plan))


def configure_isolation(context: DeployContext) -> Outcome:
    return done(context.target.configure_isolation(context.plan))


def configure_load_balancer(context: DeployContext) -> Outcome:
    return done(context.target.configure_load_balancer(context.plan, context.revision))


def remove_route(context: DeployContext) -> None:
    context.target.remove_route(context.plan, context.revision)


STAGE: Stage[DeployContext] = Stage(
    id="infrastructure-provisioning",
    title="Infrastructure Provisioning",
    budget_seconds=900,
    steps=(
        # network and isolation live in what the first step made, and go with it
        step("Cloud resources provisioning", provision_resources, remove_resources),
        step("Network configuration", configure_network),
        step("Security groups setup", configure_isolation),
        step("Load balancer configuration", configure_load_balancer, remove_route),
    ),
)
