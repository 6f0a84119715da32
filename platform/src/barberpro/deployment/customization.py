"""Stage 4, Configuration Customization: what makes the product this vertical and this brand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from barberpro.deployment.checks.client import open_client, wait_for
from barberpro.deployment.checks.mail import Mailbox, seen_to_arrive, send_test_message
from barberpro.deployment.colours import MINIMUM_GRAPHIC, MINIMUM_TEXT, WHITE, contrast, text_on
from barberpro.deployment.conclusions import conclude, step
from barberpro.deployment.context import DeployContext
from barberpro.planning.findings import Finding, Severity
from barberpro.planning.monitors import ONLINE_METHODS
from barberpro.runs.outcomes import Outcome
from barberpro.runs.pipelines import Stage

RELOAD_SECONDS = 30.0
VERTICAL_SECTIONS = ("policies", "features", "words", "compliance")


def _section(context: DeployContext, name: str) -> Mapping[str, object]:
    values = context.plan.application.get(name)
    return dict(values) if isinstance(values, dict) else {}


def configure_vertical(context: DeployContext) -> Outcome:
    """Policies, features, words and compliance of the vertical into the app's configuration."""
    written = []
    for name in VERTICAL_SECTIONS:
        values = _section(context, name)
        if values:
            context.target.write_configuration(context.plan, context.revision, name, values)
            written.append(name)
    policies = ", ".join(f"{name} {value}" for name, value in _section(context, "policies").items())
    detail = f"{context.plan.request.vertical}: {', '.join(written)} written ({policies})"
    return conclude(context, [], detail, facts={"sections": written})


def customise_branding(context: DeployContext) -> Outcome:
    """Name and colours; a colour that text or buttons would not be seen on is reported."""
    brand = _section(context, "brand")
    findings: list[Finding] = []
    ratios: dict[str, float] = {}
    for name in ("primary_color", "accent_color"):
        colour = str(brand.get(name, "#000000"))
        text, ratio = text_on(colour)
        on_page = contrast(colour, WHITE)
        ratios[name] = round(ratio, 2)
        needed = MINIMUM_TEXT if name == "primary_color" else MINIMUM_GRAPHIC
        if on_page < needed:
            findings.append(
                Finding(
                    id=f"brand-contrast-{name.replace('_', '-')}",
                    severity=Severity.INFO if name == "accent_color" else Severity.WARNING,
                    what=f"{name} {colour} has contrast {on_page:.2f} on a white page, "
                    f"{needed:g} is needed to be read there",
                    where=f"app.json: brand.{name}",
                    why="WCAG 2.2 SC 1.4.3 and 1.4.11",
                    mend=f"use it as a background with {text} text ({ratio:.2f}), or darken it",
                    evidence=f"computed: {on_page:.2f}",
                )
            )
    context.target.write_configuration(context.plan, context.revision, "brand", brand)
    shown = ", ".join(
        f"{name} {brand.get(name)} carries text at {r}:1" for name, r in ratios.items()
    )
    return conclude(context, findings, f"{brand.get('name')}: {shown}", facts={"contrast": ratios})


def integrate_payments(context: DeployContext) -> Outcome:
    """What works without a contract is offered; an online method only once the credentials of the
    owner's own account are there."""
    payments = _section(context, "payments")
    wanted = payments.get("methods")
    names = [str(name) for name in wanted] if isinstance(wanted, (list, tuple)) else []
    context.target.write_configuration(context.plan, context.revision, "payments", payments)
    findings = []
    online = ONLINE_METHODS.intersection(names)
    if not online:
        findings.append(
            Finding(
                id="payment-gateway-pending",
                severity=Severity.INFO,
                what="clients pay in person: Mercado Pago is not offered without credentials",
                where="app.json: payments.methods",
                why="access token and webhook key belong to the owner's account with the provider",
                mend="open an account with Mercado Pago; a later release takes its credentials",
            )
        )
    detail = f"methods: {', '.join(names)}; no card number reaches this deployment"
    if not online:
        detail += "; Mercado Pago only with the credentials of the owner's account"
    return conclude(context, findings, detail, facts={"methods": names})


def set_up_notification(context: DeployContext) -> Outcome:
    """SMTP set, the whole configuration applied, and a message seen to arrive."""
    plan, revision = context.plan, context.revision
    sender = f"turnos@{plan.network.hostname}"
    wanted = {"from": sender, "username": "", "starttls": False, **_section(context, "mail")}
    report = context.target.write_configuration(plan, revision, "mail", wanted)
    applied = context.target.apply_configuration(plan, revision)
    with open_client(context.preview(), preview=True) as client:
        wait_for(client, "/ready", seconds=RELOAD_SECONDS)
        wait_for(client, "/health", seconds=RELOAD_SECONDS, revision=revision)
    mailbox = _mailbox(report.facts, sender)
    if mailbox is None:
        detail = f"{report.detail}; {applied.detail}; no SMTP server is reachable from here"
        return conclude(context, [_unproved("the target names no SMTP server")], detail)
    marker = f"delivery-{plan.deployment_id}-{revision}-{context.run or 'run'}"
    send_test_message(mailbox, f"delivery@{plan.network.local_hostname}", marker)
    facts = {"host": mailbox.host, "port": mailbox.port, "mailbox": str(mailbox.folder or "")}
    where = f"{mailbox.host}:{mailbox.port}"
    if mailbox.folder is None:
        finding = _unproved("this server's mailboxes cannot be read from here")
        return conclude(
            context, [finding], f"test message accepted by {where}; {applied.detail}", facts=facts
        )
    arrived = seen_to_arrive(mailbox.folder, marker)
    if arrived is None:
        return conclude(context, [_lost(where)], "")
    arrived.unlink(missing_ok=True)
    return conclude(
        context, [], f"test message arrived through {where}; {applied.detail}", facts=facts
    )


def _mailbox(facts: Mapping[str, object], sender: str) -> Mailbox | None:
    host, port, folder = facts.get("host"), facts.get("port"), facts.get("mailbox")
    if not isinstance(host, str) or not isinstance(port, int):
        return None
    return Mailbox(host, port, sender, Path(str(folder)) if folder else None)


def _unproved(why: str) -> Finding:
    return Finding(
        id="mail-delivery-unproved",
        severity=Severity.WARNING,
        what=f"no message was seen to arrive: {why}",
        where="app.json: mail",
        mend="send a sign-in link to yourself and see that it arrives",
    )


def _lost(where: str) -> Finding:
    return Finding(
        id="mail-delivery-lost",
        severity=Severity.BLOCKING,
        what="the test message was accepted and never arrived",
        where=where,
        mend="barberpro doctor; the mail catcher's own log is logs/mailbox.log in the home folder",
    )


STAGE: Stage[DeployContext] = Stage(
    id="configuration-customization",
    title="Configuration Customization",
    budget_seconds=1200,
    steps=(
        # what is written here is the revision's own and goes with it (stop_revision, stage 3)
        step("Vertical-specific configuration", configure_vertical),
        step("Branding customization", customise_branding),
        step("Payment gateway integration", integrate_payments),
        step("Notification setup", set_up_notification),
    ),
)
