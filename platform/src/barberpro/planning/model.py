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


class TransferInstrument(Model):
    """What allows personal data to reach one country outside Argentina (Ley 25.326 art. 12).

    ``instrument`` is one of those that the control on data location accepts; ``reference`` is
    where it is kept, for the auditor.
    """

    country: str  # ISO 3166-1 alpha-2
    instrument: str
    reference: str = ""


class Request(Model):
    """What the operator asked for; every field is a flag of ``barberpro deploy``."""

    vertical: str
    name: str
    market: str
    region: str
    domain: str | None = None  # in ASCII (IDNA), lower case, no final dot
    environment: Environment = "production"
    provider: str = "this-machine"
    provider_location: str | None = None  # where the provider has several; its default otherwise
    target: TargetName = "local"
    owner_email: str | None = None
    id: str | None = None  # the deployment's id where the one made from the name will not do
    clinical_retention_years: int | None = None  # in place of the vertical's own, where it has one
    transfer_instruments: tuple[TransferInstrument, ...] = ()  # by country


class Sizes(Model):
    """What the deployment needs in all: market figures times the vertical's multipliers."""

    cpu_cores: float
    memory_gb: float
    storage_gb: float
    concurrent_users: int
    daily_bookings: int


class Workload(Model):
    """One scalable part; on Kubernetes a Deployment, on the local target a share of a process.

    CPU and memory are of one replica; times ``replicas_min`` they are the workload's share.
    """

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
    """Names are PostgreSQL identifiers of at most 63 bytes. Storage, CPU and memory are of one
    server: the primary, and each of the read replicas that there always are, has as much."""

    name: str
    owner_role: str
    app_role: str
    storage_gb: float
    read_replicas_min: int
    read_replicas_max: int
    replica_cpu_threshold: int
    cpu_millicores: int = 0
    memory_mib: int = 0


class Cache(Model):
    """CPU and memory are of all nodes of the smallest cluster together."""

    nodes_min: int
    nodes_max: int
    memory_threshold: int
    cpu_millicores: int = 0
    memory_mib: int = 0


class Flow(Model):
    """One allowed network flow; whatever is not declared is denied.

    Ends are workload names or ``public``, ``database``, ``cache``, ``mail``, ``dns``, ``internet``,
    ``monitoring``.
    """

    source: str
    destination: str
    port: int
    protocol: Literal["tcp", "udp"] = "tcp"
    why: str


class DnsRecord(Model):
    """``value`` may hold a placeholder in angle brackets where only the target knows it."""

    name: str
    type: Literal["A", "AAAA", "CNAME", "TXT", "CAA"]
    value: str


class Network(Model):
    """``hostname`` is where clients reach the deployment once this plan is carried out: the
    public domain where the target can serve it, and otherwise ``local_hostname``."""

    hostname: str
    local_hostname: str  # <id>.localhost, served on the local target in any case
    flows: tuple[Flow, ...]
    dns_records: tuple[DnsRecord, ...]
    certificate_issuer: Literal["local-ca", "acme"]
    domain: str | None = None  # the public domain that was asked for, served yet or not


class CostLine(Model):
    item: str
    quantity: float
    unit: str
    unit_price_usd: str  # decimal text: prices are never binary floats
    monthly_usd: str
    source: str
    as_of: str


class Cost(Model):
    """Monthly cost in USD against the vertical's target (manual, "Reserved Instance Planning").

    A month is the catalog's ``hours_per_month`` (730 hours, which are 30.4 days), for the hours of a
    machine and for the bookings of a day alike. Lines are rounded to cents and add up exactly.
    """

    lines: tuple[CostLine, ...]
    monthly_usd: str
    per_booking_usd: str
    target_monthly_usd: str | None
    target_per_booking_usd: str | None


class Monitor(Model):
    """One metric with the alert on it, as data for Prometheus rules and dashboards.

    ``expression`` is the condition of the alert; ``measure`` is the figure in it, which a
    dashboard draws. Both are PromQL.
    """

    id: str
    title: str
    expression: str
    severity: Literal["info", "warning", "critical"]
    for_seconds: int
    summary: str
    group: str = ""  # infrastructure, business, security, or service for our own
    measure: str = ""


class Retention(Model):
    """How long one class of record is kept. ``years`` counts from the last entry."""

    record_class: str
    years: int
    clinical: bool
    on_expiry: Literal["erase", "review"]


class DataLocation(Model):
    """A place where personal data of the deployment rests or is administered."""

    what: str
    country: str  # ISO 3166-1 alpha-2
    place: str


class Protection(Model):
    """What the deployment does with personal data; the compliance controls judge this."""

    data_classification: str = "personal_data"
    locations: tuple[DataLocation, ...] = ()
    retention: tuple[Retention, ...] = ()
    tls_minimum: str = "1.3"
    encryption_layers: tuple[str, ...] = ()
    card_data: bool = False  # whether a card number could reach the deployment
    required_health_fields: tuple[str, ...] = ()  # that a form would insist on
    audit_trail: str = "comprehensive"


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
    protection: Protection = Protection()
