"""Host names, flows and what is left to do for a public domain."""

from __future__ import annotations

from collections import Counter

from support_planning import BARBERSHOP, PSYCHOLOGY, plan_of

from barberpro.planning.inventory import Inventory, TargetFacts

DOMAIN = "psicologia.salud.ar"


def test_without_a_domain_nothing_is_left_to_do() -> None:
    plan = plan_of()
    assert plan.network.hostname == plan.network.local_hostname == "barbershop-palermo.localhost"
    assert plan.network.certificate_issuer == "local-ca"
    assert plan.network.dns_records == ()
    assert plan.requirements == ()


def test_a_public_domain_without_credentials_says_exactly_what_is_left() -> None:
    plan = plan_of(PSYCHOLOGY)
    assert plan.network.domain == DOMAIN
    assert plan.network.hostname == "mentalhealth-buenos-aires.localhost"
    assert plan.network.certificate_issuer == "local-ca"
    text = "\n".join(plan.requirements)
    for record in plan.network.dns_records:
        assert f"{record.name}. {record.type} {record.value}" in text
    assert "<public IPv4 address of this machine>" in text
    assert 'CAA 0 issue "letsencrypt.org"' in text
    assert f"--domain {DOMAIN}" in text
    assert "https://mentalhealth-buenos-aires.localhost" in text
    assert "administers the DNS zone" in text


def test_known_addresses_stand_in_the_records() -> None:
    facts = TargetFacts(public_ipv4="203.0.113.7", public_ipv6="2001:db8::7")
    records = plan_of(PSYCHOLOGY, Inventory(facts=facts)).network.dns_records
    assert [(r.type, r.value) for r in records] == [
        ("A", "203.0.113.7"), ("AAAA", "2001:db8::7"), ("CAA", '0 issue "letsencrypt.org"'),
    ]  # fmt: skip


def test_a_name_with_a_cname_has_no_other_record() -> None:
    facts = TargetFacts(public_name="lb.example.net", public_ipv4="203.0.113.7")
    records = plan_of(PSYCHOLOGY, Inventory(facts=facts)).network.dns_records
    assert [(r.type, r.value) for r in records] == [("CNAME", "lb.example.net.")]


def test_a_domain_that_leads_here_is_served_with_a_public_certificate() -> None:
    for facts in (TargetFacts(domains_ready=frozenset({DOMAIN})), TargetFacts(manages_dns=True)):
        plan = plan_of(PSYCHOLOGY, Inventory(facts=facts))
        assert plan.network.hostname == DOMAIN
        assert plan.network.certificate_issuer == "acme"
        assert plan.requirements == ()


def test_a_cluster_serves_the_domain_and_still_needs_the_records() -> None:
    plan = plan_of(PSYCHOLOGY, target="kubernetes", provider="on-premises")
    assert plan.network.hostname == DOMAIN
    assert plan.network.certificate_issuer == "acme"
    assert "<public IPv4 address of the load balancer>" in "\n".join(plan.requirements)


def test_only_the_gateway_is_reached_from_outside() -> None:
    flows = plan_of().network.flows
    assert [f.destination for f in flows if f.source == "public"] == ["api-gateway"]
    assert not [f for f in flows if f.destination == "database" and f.port != 5432]


def test_only_services_that_talk_to_the_world_may_do_so() -> None:
    flows = plan_of(PSYCHOLOGY).network.flows
    outside = {f.source for f in flows if f.destination == "internet" and f.port == 443}
    assert outside == {"calendar-sync", "integration-processor", "payment", "whatsapp-webhook"}
    others = {(f.source, f.port) for f in flows if f.destination == "internet" and f.port != 443}
    assert others == {("notification", port) for port in (465, 587, 2525)}


def test_flows_are_declared_once_and_between_known_ends() -> None:
    plan = plan_of(BARBERSHOP)
    ends = {w.name for w in plan.workloads} | {
        "public", "database", "cache", "mail", "dns", "internet", "monitoring",
    }  # fmt: skip
    flows = plan.network.flows
    assert {f.source for f in flows} | {f.destination for f in flows} <= ends
    counted = Counter((f.source, f.destination, f.port, f.protocol) for f in flows)
    assert set(counted.values()) == {1}
    assert all(f.why for f in flows)
