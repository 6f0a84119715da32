"""The deploy pipeline: the manual's seven stages with their 28 sub-steps, and its factory."""

from __future__ import annotations

from barberpro.deployment import (
    activation,
    containers,
    customization,
    infrastructure,
    monitoring,
    validation,
    verification,
)
from barberpro.deployment.context import DeployContext, Surroundings, read_context
from barberpro.runs.kinds import Bound, PipelineFactory, RunInput
from barberpro.runs.pipelines import Pipeline

KIND = "deploy"


def deploy_pipeline() -> Pipeline[DeployContext]:
    """Stages, titles and budgets of the manual, "Deployment Stages"."""
    return Pipeline(
        kind=KIND,
        stages=(
            validation.STAGE,
            infrastructure.STAGE,
            containers.STAGE,
            customization.STAGE,
            verification.STAGE,
            activation.STAGE,
            monitoring.STAGE,
        ),
    )


def deploy_factory(around: Surroundings) -> PipelineFactory:
    """The engine's factory for ``deploy`` runs. A run's payload is described at ``read_context``;
    the same pipeline and context are built again from it when the run is resumed."""

    def build(given: RunInput) -> Bound:
        return Bound(deploy_pipeline(), read_context(given, around))

    return build
