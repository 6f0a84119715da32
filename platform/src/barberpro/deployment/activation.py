"""Stage 6, DNS & SSL Activation: the name, the certificate, the caches, and the switch itself."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from barberpro.deployment.applied import write_applied
from barberpro.deployment.checks.caching import check_personal, check_static
from barberpro.deployment.checks.client import open_client, wait_for
from barberpro.deployment.checks.pages import Page
from barberpro.deployment.checks.transport import check_certificate, served_certificate
from barberpro.deployment.conclusions import conclude, plain, step
from barberpro.deployment.context import DeployContext
from barberpro.deployment.outside import look_at_cluster, look_from_outside
from barberpro.deployment.public_name import (
    cdn_of,
    is_public,
    passing,
    take_back_records,
    write_records,
)
from barberpro.deployment.runbook import remove_documents
from barberpro.planning.findings import Finding, Severity
from barberpro.runs.outcomes import Done, Outcome
from barberpro.runs.pipelines import Stage
from barberpro.targets.protocol import Access

LIVE_SECONDS = 30.0
PERSONAL = "personal answers are no-store"
PERSONAL_PATHS = ("/mis-reservas", "/agenda", "/entrar", "/api/v1/bookings")


def configure_dns(context: DeployContext) -> Outcome:
    """Does the name lead here? Browsers resolve ``*.localhost`` themselves (RFC 6761 §6.3); other
    programs ask the machine, which may not know it, and then get the line for its hosts file."""
    access = context.preview()
    if is_public(context):
        findings = list(write_records(context))
        return conclude(context, findings, "; ".join(finding.what for finding in findings))
    if context.plan.request.target == "kubernetes" and context.plan.network.domain is not None:
        findings = list(_public_records(context))
        detail = "the checks reach it by a way of their own; the public by records that lead to the cluster"
        return conclude(context, findings, detail)
    findings = list(_resolution(access))
    detail = findings[0].what
    public = list(_public_records(context))
    if public:
        detail += f"; {len(public)} public records still to be made"
    return conclude(context, [*findings, *public], detail)


def _resolution(access: Access) -> Iterator[Finding]:
    try:
        answers = socket.getaddrinfo(access.hostname, access.port, type=socket.SOCK_STREAM)
        addresses = sorted({str(answer[4][0]) for answer in answers})
    except socket.gaierror as error:
        addresses, reason = [], error.strerror or str(error)
    else:
        reason = ", ".join(addresses)
    if access.address in addresses:
        yield Finding(
            id="dns-name-resolves",
            severity=Severity.INFO,
            what=f"{access.hostname} resolves to {access.address} on this machine",
            where=access.hostname,
            evidence=reason,
        )
        return
    by_browser = access.hostname.endswith(".localhost")
    who = "browsers resolve it themselves" if by_browser else "nobody resolves it to this machine"
    yield Finding(
        id="dns-name-not-resolved",
        severity=Severity.INFO if by_browser else Severity.WARNING,
        what=f"{access.hostname} is not known to this machine's resolver; {who}",
        where=access.hostname,
        why="RFC 6761 §6.3",
        mend=f"for curl and other programs add to /etc/hosts: {access.address} {access.hostname}",
        evidence=reason,
    )


def _public_records(context: DeployContext) -> Iterator[Finding]:
    for record in context.plan.network.dns_records:
        yield Finding(
            id=f"dns-record-pending-{record.type.lower()}",
            severity=Severity.INFO,
            what=f"record to be made: {record.name} {record.type} {record.value}",
            where=record.name,
            mend="add it at the domain's registrar, then deploy again",
        )


def provision_certificate(context: DeployContext) -> Outcome:
    """The certificate served for the name, verified against the CA that clients are to trust: for a
    public name one of a public authority, obtained first."""
    if is_public(context):
        publishing = context.target.publishing()
        if publishing.proof is not None:
            with passing("the certificate authority"):
                _dns_proof().ensure_certificate(
                    publishing, context.plan.network.hostname, context.clock
                )
        context.target.publish(context.plan)
    access = context.preview()
    findings = list(check_certificate(access, context.clock()))
    if any(finding.severity is Severity.BLOCKING for finding in findings):
        return conclude(context, findings, "")
    certificate = served_certificate(access)
    detail = f"{certificate.evidence()}; CA: {access.ca_certificate}"
    facts = {"not_after": certificate.not_after.isoformat(), "issuer": certificate.issuer}
    return conclude(context, findings, detail, facts=facts)


def _dns_proof() -> Any:
    """Loaded where it is asked for: it brings the cryptography that few deployments need."""
    return import_module("barberpro.deployment.dns_proof")


def withdraw_certificate(context: DeployContext) -> None:
    """Only a first deployment's: an earlier revision may go on serving the name."""
    if is_public(context) and context.first:
        context.target.unpublish(context.plan)


def set_up_cdn(context: DeployContext) -> Outcome:
    """Whether or not a CDN stands in front, what it may keep must be right; that is verified."""
    with open_client(context.preview(), preview=True) as client:
        front = client.get("/", follow_redirects=True)
        page = Page(str(front.url), front.text)
        findings = list(check_static(client, page))
        findings += check_personal(client.get(path) for path in PERSONAL_PATHS)
    kept = next((f.what for f in findings if f.id == "static-files-cacheable"), "")
    network = cdn_of(context.target.publishing()) if is_public(context) else None
    if network is None:
        return conclude(context, findings, f"no CDN stands in front; {kept}; {PERSONAL}")
    if any(finding.severity is Severity.BLOCKING for finding in findings):
        return conclude(context, findings, "")
    with passing(network.title):
        network.keep_only_files(context.plan.network.hostname, context.plan.deployment_id)
    return conclude(
        context,
        findings,
        f"{network.title} keeps files that never change alone; {kept}; {PERSONAL}",
    )


def take_down_cdn(context: DeployContext) -> None:
    network = cdn_of(context.target.publishing()) if is_public(context) else None
    if network is not None and context.first:
        network.forget(context.plan.deployment_id)


def activate_domain(context: DeployContext) -> Outcome:
    """The switch, and then the proof from outside that the live revision is this one."""
    write_applied(context.documents, context.revision, context.plan)
    report = context.target.activate(context.plan, context.revision)
    access = context.target.access(context.plan, None)
    with open_client(access, preview=False) as client:
        wait_for(client, "/health", seconds=LIVE_SECONDS, revision=context.revision)
    detail = f"{report.detail}; {access.url} answers with revision {context.revision}"
    facts = {**report.facts, "url": access.url}
    if is_public(context):
        findings = list(look_from_outside(context))
    elif context.plan.request.target == "kubernetes" and context.plan.network.domain is not None:
        findings = list(look_at_cluster(context, report))
        seen = [finding.what for finding in findings if finding.severity is Severity.INFO]
        detail = "; ".join((detail, *seen))
    else:
        return Done(detail, plain(facts))
    if all(finding.severity is Severity.INFO for finding in findings):
        detail += f"; {context.target.require_https(context.plan).detail}"  # last: it binds clients
    return conclude(context, findings, detail, facts=facts)


def deactivate_domain(context: DeployContext) -> None:
    context.target.deactivate(context.plan, context.revision)
    remove_documents(context.documents, context.revision, context.previous)


STAGE: Stage[DeployContext] = Stage(
    id="dns-ssl-activation",
    title="DNS & SSL Activation",
    budget_seconds=900,
    steps=(
        step("DNS configuration", configure_dns, take_back_records),
        step("SSL certificate provisioning", provision_certificate, withdraw_certificate),
        step("CDN setup", set_up_cdn, take_down_cdn),
        step("Domain activation", activate_domain, deactivate_domain),
    ),
)
