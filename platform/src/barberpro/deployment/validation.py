"""Stage 1, Validation: nothing is provisioned for a plan that cannot or may not run."""

from __future__ import annotations

import re

from barberpro.deployment.conclusions import conclude, step
from barberpro.deployment.context import DeployContext
from barberpro.deployment.contract import check_application, check_seed
from barberpro.deployment.public_name import check_records, is_public
from barberpro.errors import InvalidInputError
from barberpro.planning.findings import Finding, Severity
from barberpro.planning.plans import checksum as plan_checksum
from barberpro.runs.outcomes import Outcome
from barberpro.runs.pipelines import Stage

LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")  # RFC 1123 §2.1, as Kubernetes has it
RETENTION_FLOOR_YEARS = 10  # Ley 26.529 art. 18: clinical records, from the last entry


def validate_template(context: DeployContext) -> Outcome:
    """The plan is the one that was approved, and what it gives the app keeps the contract."""
    checksum = plan_checksum(context.plan)
    if checksum != context.checksum:
        raise InvalidInputError(
            "the stored plan is not the plan that was approved",
            where=f"checksum {checksum[:12]}, approved {context.checksum[:12]}",
            mend="plan again and approve the new plan: barberpro deploy ...",
        )
    findings = [*check_application(context.plan.application), *check_seed(context.plan.seed)]
    services = context.plan.application.get("services")
    count = len(services) if isinstance(services, list) else 0
    vertical = context.plan.request.vertical
    detail = f"plan {checksum[:12]}: {vertical}, {count} services, app.json and seed.json valid"
    return conclude(context, findings, detail, refused=True, facts={"checksum": checksum})


def check_resources(context: DeployContext) -> Outcome:
    """What the plan needs is there: memory, disk, ports, programs."""
    sizes = context.plan.sizes
    detail = (
        f"{sizes.cpu_cores:g} cores, {sizes.memory_gb:g} GB memory and {sizes.storage_gb:g} GB "
        f"storage planned for {sizes.concurrent_users} users at once"
    )
    return conclude(context, context.target.check_resources(context.plan), detail, refused=True)


def verify_requirements(context: DeployContext) -> Outcome:
    """The plan's findings again, and the legal floor of its retention once more by itself."""
    findings = list(context.plan.findings)
    compliance = context.plan.application.get("compliance")
    if isinstance(compliance, dict) and compliance.get("health_data"):
        years = compliance.get("clinical_retention_years")
        if not isinstance(years, int) or years < RETENTION_FLOOR_YEARS:
            findings.append(
                Finding(
                    id="clinical-retention-floor",
                    severity=Severity.BLOCKING,
                    what=f"clinical records would be kept {years or 0} years, the law asks for "
                    f"{RETENTION_FLOOR_YEARS} from the last entry",
                    where="app.json: compliance.clinical_retention_years",
                    why="Ley 26.529 art. 18",
                    mend=f"set clinical_retention_years to {RETENTION_FLOOR_YEARS} or more",
                )
            )
    controls = len({finding.control for finding in findings if finding.control})
    detail = f"{len(findings)} compliance findings on {controls} controls, none of them blocking"
    if not findings:
        detail = "no compliance finding"
    return conclude(context, findings, detail, refused=True)


def verify_domain(context: DeployContext) -> Outcome:
    """The id is a DNS label, its name is free on the target; a public domain still to be pointed
    here is named with what is left to do."""
    plan = context.plan
    if not LABEL.fullmatch(plan.deployment_id):
        raise InvalidInputError(
            f"the deployment id {plan.deployment_id!r} is not a DNS label",
            where="name",
            mend="lower-case letters, digits and inner hyphens, at most 63",
        )
    findings = list(context.target.check_hostname(plan))
    detail = f"{plan.network.local_hostname} is free for this deployment"
    domain = plan.network.domain
    seen = check_records(context) if is_public(context) else ""
    if seen:
        detail += f"; {seen}"
    if domain is not None and plan.requirements:
        detail += f"; {domain} is still to be pointed here by its owner"
        findings.append(
            Finding(
                id="public-domain-pending",
                severity=Severity.INFO,
                what=f"{domain}: public DNS and certificate are still to be made",
                where=domain,
                why="no credentials for the domain's DNS were given",
                mend=" ".join(plan.requirements),
            )
        )
    return conclude(context, findings, detail, refused=True)


STAGE: Stage[DeployContext] = Stage(
    id="validation",
    title="Validation",
    budget_seconds=300,
    steps=(
        step("Template configuration validation", validate_template),
        step("Resource availability check", check_resources),
        step("Compliance requirements verification", verify_requirements),
        step("Domain availability verification", verify_domain),
    ),
)
