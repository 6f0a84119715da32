"""Every key and figure of the operating manual stands in the shipped catalog, as the manual writes it."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest

from barberpro.adapters.catalog_files import load_catalog
from barberpro.catalog.documents import Document, Value, read_document
from barberpro.catalog.model import Catalog
from barberpro.catalog.references import contrast_on_white

CATALOG = Path(__file__).resolve().parents[2] / "catalog"

# The manual's blocks, by the file that must hold them.
MANUAL = {
    "markets.yaml": """
small_market:
  cpu_cores: 2
  memory_gb: 4
  storage_gb: 100
  concurrent_users: 50
  estimated_bookings_daily: 100
medium_market:
  cpu_cores: 6
  memory_gb: 12
  storage_gb: 300
  concurrent_users: 250
  estimated_bookings_daily: 500
large_market:
  cpu_cores: 16
  memory_gb: 32
  storage_gb: 1000
  concurrent_users: 1000
  estimated_bookings_daily: 2000
enterprise_market:
  cpu_cores: 32+
  memory_gb: 64+
  storage_gb: 5000+
  concurrent_users: 5000+
  estimated_bookings_daily: 10000+
""",
    "verticals/psychology/vertical.yaml": """
vertical: psychology
compliance:
  gdpr_article_9: true
  session_recording_encryption: end_to_end
  provider_verification: enhanced
  privacy_controls: advanced
  data_retention_default: 7_years
  audit_trail: comprehensive
specialized_services:
  - session_recording_service
  - privacy_compliance_service
  - provider_verification_service
  - encrypted_notes_service
resource_allocation:
  cpu_multiplier: 1.5
  memory_multiplier: 2.0
  storage_multiplier: 3.0
""",
    "verticals/barbershop/vertical.yaml": """
vertical: barbershop
features:
  portfolio_management: true
  social_media_integration: true
  loyalty_program: true
  real_time_availability: true
specialized_services:
  - portfolio_service
  - social_sharing_service
  - loyalty_program_service
  - media_processor
resource_allocation:
  cpu_multiplier: 1.0
  memory_multiplier: 1.2
  storage_multiplier: 2.0
""",
    "verticals/fitness/vertical.yaml": """
vertical: fitness
features:
  biometric_integration: true
  progress_tracking: true
  nutrition_service: true
  group_classes: true
specialized_services:
  - biometric_integration_service
  - progress_tracking_service
  - nutrition_service
  - class_management_service
resource_allocation:
  cpu_multiplier: 1.2
  memory_multiplier: 1.5
  storage_multiplier: 1.5
""",
    "policies/scaling.yaml": """
auto_scaling_policies:
  api_gateway:
    min_replicas: 2
    max_replicas: 20
    target_cpu_utilization: 70
    target_memory_utilization: 80
    scale_up_cooldown: 120
    scale_down_cooldown: 300
  database:
    read_replicas:
      min: 1
      max: 5
      cpu_threshold: 75
  cache_layer:
    redis_cluster_nodes:
      min: 3
      max: 12
      memory_threshold: 80
resource_limits:
  small_to_medium_threshold:
    concurrent_users: 100
    requests_per_second: 50
  medium_to_large_threshold:
    concurrent_users: 500
    requests_per_second: 200
  large_to_enterprise_threshold:
    concurrent_users: 2000
    requests_per_second: 1000
""",
    "regions.yaml": """
argentina_regions:
  central:
    location: Buenos Aires
    population_coverage: 15M
    latency_target: 80ms
  north:
    location: Córdoba
    population_coverage: 3M
    latency_target: 120ms
  south:
    location: Mendoza
    population_coverage: 2M
    latency_target: 150ms
""",
    "policies/costs.yaml": """
reserved_instance_strategy:
  percentage_reserved: 60
  term_length: 1_year
  payment_option: partial_upfront
cost_targets:
  barbershop:
    cost_per_booking: $0.15
    monthly_infrastructure: $350
  psychology:
    cost_per_session: $0.50
    monthly_infrastructure: $600
  fitness:
    cost_per_session: $0.20
    monthly_infrastructure: $450
cost_alerts:
  daily_budget_exceeded:
    threshold: 120%
    notification: email_slack
  monthly_trend_anomaly:
    threshold: 150%
    notification: executive_dashboard
  resource_waste_detected:
    threshold: 30%_unused
    action: automated_rightsizing
""",
    "policies/monitoring.yaml": """
infrastructure_metrics:
  - cpu_utilization_per_service
  - memory_usage_patterns
  - disk_io_performance
  - network_latency_by_region
  - database_connection_pool_health
business_metrics:
  - booking_conversion_rate
  - payment_success_rate
  - user_engagement_score
  - provider_utilization_rate
  - revenue_per_user
security_metrics:
  - failed_authentication_attempts
  - unusual_access_patterns
  - api_rate_limit_violations
  - security_scan_results
monitoring_stack:
  metrics: Prometheus + Grafana
  logs: ELK Stack (Elasticsearch, Logstash, Kibana)
  tracing: Jaeger distributed tracing
  business_intelligence: InfluxDB + Custom dashboards
  alerting: AlertManager + PagerDuty integration
""",
    "policies/maintenance.yaml": """
weekly_maintenance:
  - security_patch_updates
  - database_optimization
  - cache_cleanup
  - log_rotation
  - backup_verification
monthly_maintenance:
  - full_security_audit
  - performance_optimization
  - cost_analysis_review
  - disaster_recovery_test
  - compliance_validation
security_checklist:
  - All communications encrypted with TLS 1.3
  - Database encryption at rest enabled
  - API authentication via OAuth2/JWT
  - Network policies restricting pod-to-pod communication
  - Regular security scanning and vulnerability assessment
  - Backup encryption and offsite storage
  - Access logging and audit trails
""",
    "policies/recovery.yaml": """
recovery_procedures:
  database_restore:
    rto: 15_minutes
    rpo: 5_minutes
    automated: true
  application_restore:
    rto: 10_minutes
    rpo: 1_minute
    automated: true
  complete_infrastructure_rebuild:
    rto: 2_hours
    rpo: 15_minutes
    automated: false
    manual_intervention_required: true
""",
    "policies/compliance.yaml": """
data_protection:
  personal_data_localization: argentina_only
  cross_border_transfer: explicit_consent_required
  data_retention_maximum: 10_years
  subject_rights_support: automated_workflows
healthcare_compliance:
  applies_to: [psychology, dental]
  data_classification: sensitive_health_data
  encryption_requirements: double_encryption
  audit_trail: comprehensive_medical_audit
financial_compliance:
  payment_data_protection: pci_dss_level_1
  transaction_logging: immutable_audit_trail
  fraud_detection: real_time_monitoring
""",
    "policies/contacts.yaml": """
emergency_contacts:
  technical_lead: +54 11 1234-5678
  devops_team: devops@barberpro.com.ar
  security_team: security@barberpro.com.ar
  business_continuity: emergency@barberpro.com.ar
support_channels:
  technical_support: tech-support@barberpro.com.ar
  devops_team: devops@barberpro.com.ar
  emergency_hotline: +54 11 9999-8888
  documentation_updates: docs@barberpro.com.ar
business_hours:
  argentina_standard_time: 09:00 - 18:00 ART
  emergency_support: 24/7 on-call rotation
  planned_maintenance: Sundays 02:00 - 06:00 ART
""",
    "policies/deployment.yaml": """
system_prerequisites:
  kubernetes_cluster: v1.25+
  helm: v3.12+
  docker_registry: Access to BarberPro container images
  cloud_provider: AWS/GCP/Azure with Argentina region support
  dns_management: Ability to configure custom domains
  ssl_certificates: Let's Encrypt or custom CA integration
network_requirements:
  internet_connectivity: Stable broadband with 100+ Mbps
  argentina_cdn: Cloudflare or AWS CloudFront presence
  load_balancer: Application Load Balancer with SSL termination
  vpn_access: For administrative and maintenance tasks
troubleshooting:
  high_response_time: 500ms
  increased_memory_limit: 2Gi
  increased_cpu_limit: 1000m
  horizontal_scale_replicas: 5
  integration_processor_replicas: 10
  emergency_scale_replicas: 50
""",
}

STAGES = """
1 Validation (5 minutes): Template configuration validation, Resource availability check, Compliance requirements verification, Domain availability verification
2 Infrastructure Provisioning (15 minutes): Cloud resources provisioning, Network configuration, Security groups setup, Load balancer configuration
3 Container Deployment (30 minutes): Base containers deployment, Specialized containers deployment, Service mesh configuration, Database initialization
4 Configuration Customization (20 minutes): Vertical-specific configuration, Branding customization, Payment gateway integration, Notification setup
5 Testing & Validation (25 minutes): Automated testing suite, Performance validation, Security scanning, Compliance verification
6 DNS & SSL Activation (15 minutes): DNS configuration, SSL certificate provisioning, CDN setup, Domain activation
7 Monitoring Setup (10 minutes): Monitoring dashboard creation, Alerting rules configuration, Log aggregation setup, Performance baseline establishment
"""


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


def document(file: str, text: str) -> Document:
    found, problems = read_document(file, text)
    assert problems == []
    assert found is not None
    return found


def missing(expected: Value, actual: Value, path: str = "") -> list[str]:
    """Keys and figures of ``expected`` that are not in ``actual``; lists must be the same."""
    if isinstance(expected, dict):
        if not isinstance(actual, dict):
            return [path]
        return [
            fault
            for key, value in expected.items()
            for fault in (
                missing(value, actual[key], f"{path}.{key}") if key in actual else [f"{path}.{key}"]
            )
        ]
    same = expected == actual and type(expected) is type(actual)
    return [] if same else [f"{path}: {expected!r} is {actual!r}"]


@pytest.mark.parametrize("file", sorted(MANUAL))
def test_the_manuals_keys_and_figures_stand_in_the_data(file: str) -> None:
    shipped = document(file, (CATALOG / file).read_text(encoding="utf-8"))
    assert missing(document(file, MANUAL[file]).value, shipped.value) == []


def test_the_comparison_notices_a_changed_figure() -> None:
    shipped = document("a.yaml", "a: {b: 1, c: [x, y]}")
    for changed in ("a: {b: 2}", "a: {c: [x]}", "a: {d: 1}", "a: {b: '1'}", "a: {b: 1.0}"):
        assert missing(document("a.yaml", changed).value, shipped.value)


def test_stages_budgets_and_their_28_steps_are_the_manuals(catalog: Catalog) -> None:
    stages = catalog.policies.deployment_stages
    written = [f"{s.stage} {s.title} ({s.minutes} minutes): {', '.join(s.steps)}" for s in stages]
    assert written == STAGES.strip().splitlines()
    assert sum(len(stage.steps) for stage in stages) == 28


def test_figures_mean_what_the_manual_says(catalog: Catalog) -> None:
    policies = catalog.policies
    enterprise = catalog.market("enterprise")
    assert (enterprise.cpu_cores.minimum, enterprise.cpu_cores.open_ended) == (32, True)
    assert catalog.market("small").cpu_cores.open_ended is False
    assert catalog.region("argentina-south").latency_target == 150
    assert catalog.region("argentina-central").population_coverage == 15_000_000
    assert policies.cost_targets["psychology"].per_unit == Decimal("0.50")
    assert policies.cost_targets["psychology"].unit == "session"
    assert policies.cost_targets["barbershop"].unit == "booking"
    assert policies.cost_alerts["resource_waste_detected"].threshold == 30
    assert policies.recovery_procedures.application_restore.rpo == 60
    assert policies.recovery_procedures.complete_infrastructure_rebuild.rto == 7200
    assert policies.data_protection.data_retention_maximum == 10
    assert catalog.vertical("psychology").compliance.data_retention_default == 7
    window = policies.business_hours.maintenance_window
    assert (window.weekday, window.start, window.end) == (7, "02:00", "06:00")
    assert window.timezone == "America/Argentina/Buenos_Aires"
    assert policies.business_hours.attended.start == "09:00"


def test_what_is_shipped_is_complete(catalog: Catalog) -> None:
    verticals = {"barbershop", "psychology", "fitness", "dental"}
    assert set(catalog.verticals) == set(catalog.words) == set(catalog.seeds) == verticals
    assert set(catalog.markets) == {"small", "medium", "large", "enterprise"}
    assert set(catalog.regions) == {"argentina-central", "argentina-north", "argentina-south"}
    assert set(catalog.providers) == {
        "aws", "gcp", "azure", "huawei", "on-premises", "this-machine",
    }  # fmt: skip
    assert [service.name for service in catalog.policies.base_services] == [
        "api-gateway", "booking", "provider", "client", "catalog", "payment", "notification",
        "whatsapp-webhook", "calendar-sync", "integration-processor",
    ]  # fmt: skip


def test_health_verticals_keep_clinical_records_ten_years(catalog: Catalog) -> None:
    floor = catalog.control("AR-26529-18")
    assert (floor.citation, floor.severity) == ("Ley 26.529 art. 18", "blocking")
    for name in ("psychology", "dental"):
        vertical = catalog.vertical(name)
        assert floor.applies(vertical)
        assert vertical.compliance.clinical_record_retention == floor.parameters["minimum_years"]
    for name in ("barbershop", "fitness"):
        assert not floor.applies(catalog.vertical(name))


def test_the_recovery_point_is_kept_by_the_archive_interval(catalog: Catalog) -> None:
    procedures = catalog.policies.recovery_procedures
    smallest = min(procedures.database_restore.rpo, procedures.application_restore.rpo)
    assert catalog.policies.database.archive_interval <= smallest


def test_which_locations_keep_everything_in_argentina(catalog: Catalog) -> None:
    home = {
        f"{key}/{name}"
        for key, provider in catalog.providers.items()
        for name, place in provider.locations.items()
        if {place.adequacy, place.control_plane_adequacy} == {"domestic"}
    }
    assert home == {"huawei/sa-argentina-1", "on-premises/own-site", "this-machine/here"}
    zone = catalog.provider("aws").locations["us-east-1-bue-1a"]
    assert (zone.country, zone.control_plane_country) == ("AR", "US")


def test_prices_are_dated_sourced_and_cover_what_a_deployment_uses(catalog: Catalog) -> None:
    for provider in catalog.providers.values():
        for place in provider.locations.values():
            assert {price.item for price in place.prices} == {
                "control-plane", "load-balancer", "block-storage", "object-storage", "egress",
            }  # fmt: skip
            for fact in (*place.prices, *place.nodes):
                assert "2024-01-01" < fact.as_of <= "2026-11-24"
                assert fact.source
            if provider.kind == "cloud":
                assert all(node.usd_per_hour > 0 for node in place.nodes)


def test_brands_can_be_read_and_seeds_reach_nobody(catalog: Catalog) -> None:
    for vertical in catalog.verticals.values():
        assert contrast_on_white(vertical.brand.primary_color) >= 4.5
        assert contrast_on_white(vertical.brand.accent_color) >= 4.5
    for seed in catalog.seeds.values():
        emails = [seed.owner.email, *(provider.email for provider in seed.providers)]
        assert all(email.endswith(".example") for email in emails)
        assert 1 <= len(seed.locations) <= 2
        assert 3 <= len(seed.providers) <= 5
        assert 5 <= len(seed.services) <= 9
        for provider in seed.providers:
            assert any(provider.key in service.providers for service in seed.services)


def test_contrast_is_the_one_of_wcag() -> None:
    assert contrast_on_white("#000000") == pytest.approx(21)
    assert contrast_on_white("#ffffff") == pytest.approx(1)
    assert contrast_on_white("#767676") == pytest.approx(4.54, abs=0.01)


def test_words_and_seed_have_the_shape_of_the_contract(catalog: Catalog) -> None:
    words = catalog.words["psychology"].as_contract()
    assert set(words) == {"es-AR", "en"}
    spanish = words["es-AR"]
    assert isinstance(spanish, dict)
    assert set(spanish) == {
        "booking", "bookings", "book", "provider", "providers", "service", "services", "client",
        "clients", "location", "locations", "any_provider", "agenda", "booking_gender", "provider_gender",
    }  # fmt: skip
    assert (spanish["booking"], spanish["booking_gender"]) == ("sesión", "f")
    seed = catalog.seeds["barbershop"].as_contract()
    providers = seed["providers"]
    assert isinstance(providers, list)
    first = providers[0]
    assert isinstance(first, dict)
    assert first["hours"] == [
        {"weekdays": [2, 3, 4, 5], "from": "10:00", "to": "19:00", "breaks": [["13:00", "14:00"]]},
        {"weekdays": [6], "from": "09:00", "to": "18:00", "breaks": [["13:00", "13:30"]]},
    ]


def test_specialised_services_are_dns_labels_on_kubernetes(catalog: Catalog) -> None:
    label = re.compile(r"[a-z][a-z0-9-]{0,61}[a-z0-9]")
    for vertical in catalog.verticals.values():
        assert all(label.fullmatch(name) for name in vertical.specialized_workloads)
    assert "media-processor" in catalog.vertical("barbershop").specialized_workloads
