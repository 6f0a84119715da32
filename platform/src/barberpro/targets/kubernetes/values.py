"""A plan as values of ``chart/barberpro``: pure, and the only thing that is said to the chart.

No Kubernetes object is made here. The chart's ``values.schema.json`` checks what this gives.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from barberpro.planning.model import Flow, Plan, Workload

Values = dict[str, object]

#: What one process of the app holds resident, with room: below it a pod would be killed at its start.
MEMORY_FLOOR_MIB = 160
#: A pod that asks for less waits seconds for its turn on a busy node.
CPU_FLOOR_MILLICORES = 25
POSTGRESQL_PORT = 5432
MAIL_PORT = 587
#: Connections of one process: the app's pool, its jobs', and those that it hears changes on.
CONNECTIONS_PER_PROCESS = 12
LEAST_CONNECTIONS, MOST_CONNECTIONS = 100, 1000
#: Each is a process of the server, with megabytes of plans: from so many on, a pooler shares fewer.
POOLED_FROM = 400
POOLERS, POOL_SIZE = 2, 40
#: Of one process around the pooler: what it hears changes on, and a job that needs a session of its own.
DIRECT_PER_PROCESS, SPARE = 2, 40


@dataclass(frozen=True, slots=True)
class Image:
    """Where the app's image is. A digest, where it is known, is what runs."""

    repository: str
    tag: str = ""
    digest: str = ""
    pull_policy: str = "IfNotPresent"
    pull_secrets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Installation:
    """What a plan does not say, because the cluster decides it.

    ``database_mode`` empty: ``bundled`` for a small market, else ``cnpg`` where its operator is there
    (``has_cnpg``). ``extra`` is laid over everything else: the operator's own values.
    """

    image: Image
    database_mode: str = ""
    has_cnpg: bool = False
    database_port: int = POSTGRESQL_PORT
    storage_class: str = ""
    public: Mapping[str, object] = field(default_factory=dict)
    mesh: Mapping[str, object] = field(default_factory=dict)
    mail: Mapping[str, object] = field(default_factory=dict)
    service_monitor: bool = False
    extra: Mapping[str, object] = field(default_factory=dict)


def database_mode(plan: Plan, installation: Installation) -> str:
    """``bundled``, ``external`` or ``cnpg``."""
    if installation.database_mode:
        return installation.database_mode
    return "cnpg" if installation.has_cnpg and plan.request.market != "small" else "bundled"


def make_values(
    plan: Plan, revision: int, installation: Installation, *, processes: bool = True
) -> Values:
    """The chart's values for one revision of ``plan``.

    ``processes`` False leaves out all that runs the app: what it stands on comes first.
    """
    values: Values = {
        "deployment": {
            "id": plan.deployment_id,
            "revision": revision,
            "vertical": plan.request.vertical,
            "environment": plan.request.environment,
        },
        "image": _image(installation.image),
        "processes": {"enabled": processes},
        "application": application(plan, installation),
        "seed": dict(plan.seed),
        "workloads": [_workload(load) for load in plan.workloads],
        "database": _database(plan, installation),
        "network": {"flows": [_flow(flow, plan, installation) for flow in plan.network.flows]},
        "monitoring": {"serviceMonitor": installation.service_monitor},
    }
    if installation.public:
        values["public"] = {"host": plan.network.hostname, **installation.public}
    if installation.mesh:
        values["mesh"] = dict(installation.mesh)
    return laid_over(values, installation.extra)


def application(plan: Plan, installation: Installation) -> Values:
    """``app.json``: the plan's, and what only the target knows (docs/reference/app-contract.md)."""
    made: Values = {**plan.application, "public_url": f"https://{plan.network.hostname}"}
    known = plan.application.get("mail")
    if installation.mail:
        made["mail"] = {
            "username": "",
            "starttls": True,
            "port": MAIL_PORT,
            **(known if isinstance(known, dict) else {}),
            **installation.mail,
        }
    else:
        made["mail"] = None  # the app says `not_configured` and keeps the messages
    return made


def laid_over(below: Mapping[str, object], above: Mapping[str, object]) -> Values:
    """``above`` wins, key by key; lists are replaced as a whole, as Helm does."""
    merged = dict(below)
    for key, value in above.items():
        known = merged.get(key)
        if isinstance(known, Mapping) and isinstance(value, Mapping):
            merged[key] = laid_over(known, value)
        else:
            merged[key] = value
    return merged


def _image(image: Image) -> Values:
    return {
        "repository": image.repository,
        "tag": image.tag,
        "digest": image.digest,
        "pullPolicy": image.pull_policy,
        "pullSecrets": list(image.pull_secrets),
    }


def _workload(load: Workload) -> Values:
    return {
        "name": load.name,
        "kind": load.kind,
        "cpuMillicores": max(load.cpu_millicores, CPU_FLOOR_MILLICORES),
        "memoryMib": max(load.memory_mib, MEMORY_FLOOR_MIB),
        "replicasMin": load.replicas_min,
        "replicasMax": load.replicas_max,
        "targetCpuPercent": load.target_cpu_percent,
        "targetMemoryPercent": load.target_memory_percent,
        "scaleUpSeconds": load.scale_up_seconds,
        "scaleDownSeconds": load.scale_down_seconds,
    }


def _database(plan: Plan, installation: Installation) -> Values:
    database = plan.database
    mode = database_mode(plan, installation)
    pods = sum(load.replicas_max for load in plan.workloads)
    clients = pods * CONNECTIONS_PER_PROCESS
    pooled = mode == "cnpg" and clients >= POOLED_FROM
    connections = POOLERS * POOL_SIZE + pods * DIRECT_PER_PROCESS + SPARE if pooled else clients
    return {
        "mode": mode,
        "name": database.name,
        "ownerRole": database.owner_role,
        "appRole": database.app_role,
        "cpuMillicores": max(database.cpu_millicores, 100),
        "memoryMib": max(database.memory_mib, 256),
        "storageGb": math.ceil(database.storage_gb),
        "storageClass": installation.storage_class,
        "maxConnections": min(max(connections, LEAST_CONNECTIONS), MOST_CONNECTIONS),
        "cnpg": {
            "readReplicas": database.read_replicas_min,
            "pooler": {
                "enabled": pooled,
                "instances": POOLERS,
                "poolSize": POOL_SIZE,
                "maxClients": max(clients, MOST_CONNECTIONS),
            },
        },
    }


def _flow(flow: Flow, plan: Plan, installation: Installation) -> Values:
    """The plan's flow, at the port that the database or the mail server listens on here."""
    port = flow.port
    if flow.destination == "database":
        port = installation.database_port
    elif flow.destination == "mail" and installation.mail:
        port = int(str(installation.mail.get("port", MAIL_PORT)))
    return {
        "source": flow.source,
        "destination": flow.destination,
        "port": port,
        "protocol": flow.protocol,
        "why": flow.why,
    }
