"""Policies of operation: the sections and keys of the manual, plus our own where it is silent."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator

from barberpro.catalog.contacts import ContactPolicies
from barberpro.catalog.figures import (
    CountryCode,
    Dollars,
    IsoDate,
    Milliseconds,
    Model,
    Percent,
    Seconds,
    Slug,
    Text,
    Years,
)

Replicas = Annotated[int, Field(ge=0, le=1000)]
Share = Annotated[int, Field(ge=1, le=100)]
Names = tuple[Slug, ...]


class GatewayScaling(Model):
    """Targets in percent, cooldowns in seconds."""

    min_replicas: Replicas
    max_replicas: Replicas
    target_cpu_utilization: Share
    target_memory_utilization: Share
    scale_up_cooldown: Annotated[int, Field(ge=0, le=86400)]
    scale_down_cooldown: Annotated[int, Field(ge=0, le=86400)]


class ReadReplicas(Model):
    min: Replicas
    max: Replicas
    cpu_threshold: Share


class DatabaseScaling(Model):
    read_replicas: ReadReplicas


class CacheNodes(Model):
    min: Replicas
    max: Replicas
    memory_threshold: Share


class CacheScaling(Model):
    redis_cluster_nodes: CacheNodes


class AutoScalingPolicies(Model):
    """Manual, "Horizontal Scaling"."""

    api_gateway: GatewayScaling
    database: DatabaseScaling
    cache_layer: CacheScaling


class LoadThreshold(Model):
    concurrent_users: Annotated[int, Field(ge=1)]
    requests_per_second: Annotated[int, Field(ge=1)]


class ResourceLimits(Model):
    """From which load on the next market size is due (manual, "Vertical Scaling")."""

    small_to_medium_threshold: LoadThreshold
    medium_to_large_threshold: LoadThreshold
    large_to_enterprise_threshold: LoadThreshold


class ReservedInstances(Model):
    percentage_reserved: Annotated[int, Field(ge=0, le=100)]
    term_length: Years
    payment_option: Literal["no_upfront", "partial_upfront", "all_upfront"]


class CostTarget(Model):
    """USD. The manual counts psychology and fitness by session, barbershop by booking: one of the two."""

    cost_per_booking: Dollars | None = None
    cost_per_session: Dollars | None = None
    monthly_infrastructure: Dollars

    @model_validator(mode="after")
    def _one_unit(self) -> CostTarget:
        if (self.cost_per_booking is None) == (self.cost_per_session is None):
            raise ValueError("expected exactly one of cost_per_booking and cost_per_session")
        return self

    @property
    def unit(self) -> str:
        return "booking" if self.cost_per_session is None else "session"

    @property
    def per_unit(self) -> Decimal:
        if self.cost_per_booking is not None:
            return self.cost_per_booking
        assert self.cost_per_session is not None  # _one_unit
        return self.cost_per_session


class CostAlert(Model):
    """``threshold`` in percent: of the budget, of the usual trend, or unused capacity."""

    threshold: Percent
    notification: Literal["email_slack", "executive_dashboard"] | None = None
    action: Literal["automated_rightsizing"] | None = None


class Recovery(Model):
    """Seconds: how long until it is back (``rto``), and how much of the past may be lost (``rpo``)."""

    rto: Seconds
    rpo: Seconds
    automated: bool
    manual_intervention_required: bool = False


class RecoveryProcedures(Model):
    """Manual, "Disaster Recovery"."""

    database_restore: Recovery
    application_restore: Recovery
    complete_infrastructure_rebuild: Recovery


class DataProtection(Model):
    """Manual, "Argentina Compliance Requirements". ``data_retention_maximum`` in years, for data with no
    legal floor only."""

    personal_data_localization: Literal["argentina_only", "unrestricted"]
    cross_border_transfer: Literal["explicit_consent_required", "instrument_required"]
    data_retention_maximum: Years
    subject_rights_support: Literal["automated_workflows", "manual"]


class HealthcareCompliance(Model):
    applies_to: tuple[Slug, ...]
    data_classification: Literal["sensitive_health_data"]
    encryption_requirements: Literal["double_encryption"]
    audit_trail: Literal["comprehensive_medical_audit"]


class FinancialCompliance(Model):
    payment_data_protection: Literal["pci_dss_level_1"]
    transaction_logging: Literal["immutable_audit_trail"]
    fraud_detection: Literal["real_time_monitoring"]


class TransferInstrument(Model):
    """A legal instrument that permits a transfer to a country without adequate protection."""

    id: Slug
    name: Text
    source: Text


class DataTransfers(Model):
    """Countries that Argentina finds adequate (Disp. 60-E/2016 art. 3 as replaced by Res. 34/2019)."""

    home_country: CountryCode
    adequate_countries: tuple[CountryCode, ...]
    instruments: tuple[TransferInstrument, ...]
    source: Text
    as_of: IsoDate


class DatabasePolicy(Model):
    """``archive_interval`` bounds the loss of data: below the smallest RPO (DESIGN §9)."""

    archive_interval: Seconds
    backup_retention: Seconds


class StageBudget(Model):
    """One stage of the pipeline (manual, "Deployment Stages"): minutes, and its steps in order."""

    stage: Annotated[int, Field(ge=1)]
    title: Text
    minutes: Annotated[int, Field(ge=1)]
    steps: Annotated[tuple[Text, ...], Field(min_length=1)]


class BaseService(Model):
    """A service that every vertical runs. Weights divide the deployment's CPU and memory among workloads."""

    name: Annotated[str, Field(pattern="^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$", max_length=40)]
    purpose: Text
    cpu_weight: Annotated[int, Field(ge=1, le=100)]
    memory_weight: Annotated[int, Field(ge=1, le=100)]
    scalable: bool = True


class Troubleshooting(Model):
    """Figures of the manual's troubleshooting guide."""

    high_response_time: Milliseconds
    increased_memory_limit: Text
    increased_cpu_limit: Text
    horizontal_scale_replicas: Replicas
    integration_processor_replicas: Replicas
    emergency_scale_replicas: Replicas
    emergency_scale_replicas_maximum: Replicas


class CostModel(Model):
    """How a month is counted in cost estimates."""

    hours_per_month: Annotated[int, Field(ge=672, le=744)]
    days_per_month: Annotated[int, Field(ge=28, le=31)]
    egress_gib_per_booking: Annotated[float, Field(ge=0, le=10)]


class Policies(ContactPolicies):
    """All sections of ``policies/*.yaml`` together; a file holds any of them."""

    auto_scaling_policies: AutoScalingPolicies
    resource_limits: ResourceLimits
    reserved_instance_strategy: ReservedInstances
    cost_targets: dict[Slug, CostTarget]
    cost_alerts: dict[Slug, CostAlert]
    cost_model: CostModel
    infrastructure_metrics: Names
    business_metrics: Names
    security_metrics: Names
    monitoring_stack: dict[Slug, Text]
    weekly_maintenance: Names
    monthly_maintenance: Names
    security_tasks: dict[Slug, Text]
    security_checklist: tuple[Text, ...]
    recovery_procedures: RecoveryProcedures
    data_protection: DataProtection
    healthcare_compliance: HealthcareCompliance
    financial_compliance: FinancialCompliance
    data_transfers: DataTransfers
    database: DatabasePolicy
    deployment_stages: Annotated[tuple[StageBudget, ...], Field(min_length=1)]
    base_services: Annotated[tuple[BaseService, ...], Field(min_length=1)]
    specialized_service_cpu_weight: Annotated[int, Field(ge=1, le=100)]
    specialized_service_memory_weight: Annotated[int, Field(ge=1, le=100)]
    troubleshooting: Troubleshooting
    system_prerequisites: dict[Slug, Text]
    network_requirements: dict[Slug, Text]
