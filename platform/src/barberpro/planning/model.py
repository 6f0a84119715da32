"""The plan: everything that a deployment will be and do (DESIGN §2), as frozen plain data.

A plan is a pure function of request, catalog and inventory. Its canonical JSON (sorted keys, no
insignificant blanks, UTF-8) has a SHA-256 checksum; a run carries out the plan whose checksum was
approved and no other.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from barberpro.planning.findings import Finding

TargetName = Literal["local", "kubernetes"]
Environment = Literal["production", "staging", "development"]


class Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Request(Model):
    """What the operator asked for; every field is a flag of ``barberpro deploy``."""

    vertical: str
    name: str
    market: str
    region: str
    domain: str | None = None
    environment: Environment = "production"
    provider: str = "this-machine"
    target: TargetName = "local"
    owner_email: str | None = None


class Sizes(Model):
    """What the deployment needs in all: market figures times the vertical's multipliers."""

    cpu_cores: float
    memory_gb: float
    storage_gb: float
    concurrent_users: int
    daily_bookings: int


class Workload(Model):
    """One scalable part; on Kubernetes a Deployment, on the local target a share of a process."""

    name: str  # fixed names of DESIGN §7: api-gateway, booking, whatsapp-webhook ...
    kind: Literal["base", "specialized"]
    cpu_millicores: int
    memory_mib: int
    replicas_min: int
    replicas_max: int
    target_cpu_percent: int = 70
    target_memory_percent: int = 80
    scale_up_seconds: int = 120
    scale_down_seconds: int = 300


class Database(Model):
    """Names are PostgreSQL identifiers of at most 63 bytes."""

    name: str
    owner_role: str
    app_role: str
    storage_gb: float
    read_replicas_min: int
    read_replicas_max: int
    replica_cpu_threshold: int


class Cache(Model):
    nodes_min: int
    nodes_max: int
    memory_threshold: int


class Flow(Model):
    """One allowed network flow; whatever is not declared is denied."""

    source: str
    destination: str
    port: int
    protocol: Literal["tcp", "udp"] = "tcp"
    why: str


class DnsRecord(Model):
    name: str
    type: Literal["A", "AAAA", "CNAME", "TXT", "CAA"]
    value: str


class Network(Model):
    hostname: str  # where clients reach it: the domain, or <id>.localhost
    local_hostname: str  # <id>.localhost, served on the local target in any case
    flows: tuple[Flow, ...]
    dns_records: tuple[DnsRecord, ...]
    certificate_issuer: Literal["local-ca", "acme"]


class CostLine(Model):
    item: str
    quantity: float
    unit: str
    unit_price_usd: str  # decimal text: prices are never binary floats
    monthly_usd: str
    source: str
    as_of: str


class Cost(Model):
    """Monthly cost in USD against the vertical's target (manual, "Reserved Instance Planning")."""

    lines: tuple[CostLine, ...]
    monthly_usd: str
    per_booking_usd: str
    target_monthly_usd: str | None
    target_per_booking_usd: str | None


class Monitor(Model):
    """One metric with the alert on it, as data for Prometheus rules and dashboards."""

    id: str
    title: str
    expression: str
    severity: Literal["info", "warning", "critical"]
    for_seconds: int
    summary: str


class Plan(Model):
    schema_version: Literal[1] = 1
    deployment_id: str
    request: Request
    latency_target_ms: int
    sizes: Sizes
    workloads: tuple[Workload, ...]
    database: Database
    cache: Cache
    network: Network
    cost: Cost
    monitors: tuple[Monitor, ...]
    findings: tuple[Finding, ...]
    application: dict[str, JsonValue]  # app.json, less what only the target knows
    seed: dict[str, JsonValue]  # seed.json
    requirements: tuple[str, ...] = ()  # what is still to be done by hand, in the operator's words
