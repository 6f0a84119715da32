"""The manual's operator commands with one deployment's names, and what does the same on this machine.

On Kubernetes the namespace is the deployment's id (DESIGN §7). Where this machine has no equivalent,
the reason stands in its place.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from urllib.parse import urlsplit

from barberpro.planning.model import Plan, Request
from barberpro.targets.protocol import Access


@dataclass(frozen=True, slots=True)
class Command:
    """``local`` is a command; ``why_not`` is why there is none."""

    purpose: str
    manual: str
    local: str = ""
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    commands: tuple[Command, ...]


def command_groups(
    plan: Plan, access: Access, revision: int, previous: int | None, secrets: str = ""
) -> tuple[Group, ...]:
    """``secrets`` is the folder of the deployment's secrets where the target has one."""
    return (
        _verification(plan, access),
        _lifecycle(plan, revision, previous),
        _troubleshooting(plan, secrets),
        _integrations(plan, access),
    )


def curl(access: Access, path: str, *options: str) -> str:
    """A curl call that works whether or not the machine resolves the name."""
    parts = urlsplit(access.url)
    port = parts.port or 443
    words = [
        "curl", "-f", *options, "--cacert", str(access.ca_certificate),
        "--resolve", f"{access.hostname}:{port}:{access.address}", f"{access.url.rstrip('/')}{path}",
    ]  # fmt: skip
    return shlex.join(words)


def deploy_command(plan: Plan) -> str:
    """The command that asks for this plan again."""
    request = plan.request
    words = ["./scripts/template-deployment-automation.sh"]
    flags = {
        "--vertical": request.vertical,
        "--name": request.name,
        "--market": request.market,
        "--region": request.region,
        "--domain": request.domain,
        "--environment": request.environment,
        "--provider": request.provider,
        "--target": request.target,
    }
    defaults = {f"--{name}": field.default for name, field in Request.model_fields.items()}
    for flag, value in flags.items():
        if value and value != defaults[flag]:
            words += [flag, str(value)]
    return shlex.join(words)


def _verification(plan: Plan, access: Access) -> Group:
    id_ = plan.deployment_id
    status = f"barberpro status {id_}"
    host = plan.network.domain or plan.network.hostname
    no_scaling = "sizes are fixed on this machine: see Sizes"
    return Group(
        "Post-deployment verification",
        (
            Command("What runs", f"kubectl get pods -n {id_}", status),
            Command("How it is reached", f"kubectl get services -n {id_}", f"barberpro open {id_}"),
            Command("Is it healthy", f"curl -f https://{host}/health", curl(access, "/health")),
            Command(
                "Is it ready to serve", f"curl -f https://{host}/ready", curl(access, "/ready")
            ),
            Command("CPU and memory", f"kubectl top pods -n {id_}", status),
            Command("Autoscaling", f"kubectl get hpa -n {id_}", why_not=no_scaling),
        ),
    )


def _lifecycle(plan: Plan, revision: int, previous: int | None) -> Group:
    id_ = plan.deployment_id
    undone = "a run that fails returns to the revision before by itself"
    if previous is None:
        back = Command(
            "Roll back", f"helm rollback {id_} -n {id_}", why_not="this is the first revision"
        )
    else:
        back = Command(
            f"Roll back to revision {previous}",
            f"./scripts/emergency-rollback.sh --deployment-id {id_} --target-version {previous}",
            why_not=f"run the deploy command of revision {previous}'s runbook; {undone}",
        )
    return Group(
        "Deploy, stop, roll back",
        (
            Command(f"Deploy revision {revision}'s request again", deploy_command(plan), deploy_command(plan)),
            Command("Show what would change", f"{deploy_command(plan)} --dry-run", f"{deploy_command(plan)} --dry-run"),
            Command("Go on with an interrupted run", f"barberpro resume {id_}", f"barberpro resume {id_}"),
            back,
            Command("Past runs", f"helm history {id_} -n {id_}", f"barberpro runs --deployment {id_}"),
            Command("Stop", f"kubectl scale deployment --all --replicas=0 -n {id_}", f"barberpro stop {id_}"),
            Command("Start", f"kubectl scale deployment --all --replicas=1 -n {id_}", f"barberpro start {id_}"),
            Command("Destroy (asks, keeps a backup)", f"helm uninstall {id_} -n {id_}", f"barberpro destroy {id_}"),
        ),
    )  # fmt: skip


def _troubleshooting(plan: Plan, secrets: str) -> Group:
    id_, status = plan.deployment_id, f"barberpro status {plan.deployment_id}"
    database = plan.database
    gateway = "deployment/api-gateway"
    ask = '-c "SELECT * FROM pg_stat_activity;"'
    database_local = (
        f'psql "$(cat {shlex.quote(f"{secrets}/database-owner-url")})" {ask}' if secrets else ""
    )
    no_secrets = "" if secrets else "the target keeps the database's URL"
    cluster = "there are no nodes: barberpro doctor looks at this machine"
    return Group(
        "Troubleshooting",
        (
            Command("Why does a part not start", f"kubectl describe pod api-gateway -n {id_}", status),
            Command("Node resources", "kubectl top nodes", "barberpro doctor"),
            Command("Nodes in detail", "kubectl describe node", why_not=cluster),
            Command("Network rules", f"kubectl get networkpolicies -n {id_}", why_not="loopback and private sockets only: see Ports"),
            Command("Restart", f"kubectl rollout restart {gateway} -n {id_}", f"barberpro stop {id_} && barberpro start {id_}"),
            Command("Follow the log", f"kubectl logs -f {gateway} -n {id_}", f"barberpro logs {id_} --follow"),
            Command("Errors in the log", f'kubectl logs {gateway} -n {id_} | grep "ERROR\\|WARN"', f"barberpro logs {id_} --level warning"),
            Command("Database connections", f"psql -h {id_}-db-rw -d {database.name} {ask}", database_local, no_secrets),
            Command("More memory and CPU", f"kubectl patch {gateway} -n {id_} -p '...'", why_not="deploy with a larger --market"),
            Command("Scale out", f"kubectl scale {gateway} --replicas=5 -n {id_}", why_not="deploy with a larger --market"),
        ),
    )  # fmt: skip


def _integrations(plan: Plan, access: Access) -> Group:
    id_ = plan.deployment_id
    host = plan.network.domain or plan.network.hostname
    later = "not part of this release: see Findings"
    return Group(
        "Integrations",
        (
            Command("Health", f"curl -f https://{host}/api/integrations/health", curl(access, "/health")),
            Command("Webhook configuration", f"kubectl get configmap integration-config -n {id_} -o yaml", why_not=later),
            Command("Rate limits of others", f'kubectl logs deployment/integration-processor -n {id_} | grep "rate.limit"', f'barberpro logs {id_} | grep "rate.limit"'),
            Command("Restart WhatsApp", f"kubectl rollout restart deployment/whatsapp-webhook -n {id_}", why_not=later),
            Command("Restart calendars", f"kubectl rollout restart deployment/calendar-sync -n {id_}", why_not=later),
            Command("Scale workers", f"kubectl scale deployment integration-processor --replicas=10 -n {id_}", why_not=later),
        ),
    )  # fmt: skip
