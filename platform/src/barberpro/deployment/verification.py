"""Stage 5, Testing & Validation: what was deployed is used, measured, scanned and judged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import httpx

from barberpro.deployment.checks import compliance, exposure, headers, transport
from barberpro.deployment.checks.api import ApiCaller
from barberpro.deployment.checks.client import open_client
from barberpro.deployment.checks.database import check_app_role
from barberpro.deployment.checks.journey import CHOOSE, Journey, walk
from barberpro.deployment.checks.latency import Latency, judge, measure_calmly
from barberpro.deployment.checks.pages import Page
from barberpro.deployment.checks.traces import credentials, marker, remove_traces
from barberpro.deployment.conclusions import conclude, step
from barberpro.deployment.context import DeployContext
from barberpro.planning.findings import Finding, Severity
from barberpro.runs.outcomes import Outcome
from barberpro.runs.pipelines import Stage

SAMPLES = 20
SAMPLE_SECONDS = 0.5  # at most, for each of the three measurements where the machine is calm


def run_test_suite(context: DeployContext) -> Outcome:
    """Books, collides, reschedules and cancels, by the public pages and by the API. What is left
    behind is removed here if anything fails, and otherwise when stage 5 needs it no more."""
    try:
        with ThreadPoolExecutor(1) as background:
            key = background.submit(credentials, context)
            seen = walk(lambda: open_client(context.preview(), preview=True), marker(context))
            identity, secret = key.result()
        with open_client(context.preview(), preview=True) as client:
            caller = ApiCaller(client, marker(context))
            caller.sign_in(identity, secret)
            proved = caller.prove_booking_rules()
    except BaseException:
        remove_traces(context)
        raise
    for line in (*seen, *proved):
        context.log(line)
    detail = f"pages: {len(seen)} steps; API: {', '.join(proved)}"
    facts = {"request_ids": caller.request_ids[:5], "pages": seen, "api": proved}
    return conclude(context, _rules_proved(seen, proved), detail, facts=facts)


def validate_performance(context: DeployContext) -> Outcome:
    """Booking page, availability and booking, each a bounded number of times."""
    try:
        latencies = _measure(context)
    except BaseException:
        remove_traces(context)
        raise
    target = context.plan.latency_target_ms
    figures = ", ".join(f"{m.what} p50 {m.p50_ms:g} p95 {m.p95_ms:g} ms" for m in latencies)
    detail = f"{figures} (target {target} ms)"
    facts = {"latencies": [measured.facts() for measured in latencies]}
    return conclude(context, judge(latencies, target), detail, facts=facts)


def _measure(context: DeployContext) -> list[Latency]:
    identity, secret = credentials(context)
    with open_client(context.preview(), preview=True) as client:
        caller = ApiCaller(client, marker(context))
        caller.sign_in(identity, secret)
        page = next(
            (link.href for link in Journey(client, "").get("/").links if CHOOSE in link.href), "/"
        )
        slots = caller.separate_slots(SAMPLES)

        def pages() -> object:
            return client.get(page).raise_for_status()

        pages()  # the first answer compiles templates and opens connections
        asked: dict[str, list[Callable[[], object]]] = {
            "booking page": [pages] * SAMPLES,
            "availability": [caller.availability] * SAMPLES,
            "booking": [partial(caller.book, slot) for slot in slots],
        }
        return [
            measure_calmly(
                what,
                requests,
                limit_seconds=SAMPLE_SECONDS,
                target_ms=context.plan.latency_target_ms,
            )
            for what, requests in asked.items()
            if requests
        ]


def scan_security(context: DeployContext) -> Outcome:
    """Headers, cookies, TLS, ports, internal paths, API writes, foreign names, error pages; and
    what the test clients left is removed, their credentials with it."""
    access = context.preview()
    with open_client(access, preview=True) as client, ThreadPoolExecutor(4) as pool:
        removal = pool.submit(remove_traces, context)
        openapi = client.get("/openapi.json")
        description = openapi.json() if openapi.status_code == 200 else {}
        brand = _brand(context).get("name", "")
        front = client.get("/", follow_redirects=True)
        services = context.target.services(context.plan.deployment_id)
        processes = [service.pid for service in services if service.pid]
        ports = context.target.exposed_ports(context.plan)
        public = context.target.publishing().sockets
        checks = [
            lambda: transport.check_certificate(access, context.clock()),
            lambda: transport.check_old_versions(access),
            lambda: transport.check_plain_http(access),
            lambda: headers.check_headers(front),
            lambda: headers.check_cookies([front, client.get("/entrar")]),
            lambda: headers.check_error_pages(client),
            lambda: exposure.check_ports(ports, _planned_ports(context), processes, public),
            lambda: exposure.check_internal_paths(client),
            lambda: exposure.check_other_hosts(client, brand),
            lambda: exposure.check_api_writes(client, description),
        ]
        findings = [
            found for batch in pool.map(lambda check: list(check()), checks) for found in batch
        ]
        removal.result()
    listed = ", ".join(f"{address}:{port}" for address, port, _what in ports)
    detail = f"{len(checks)} scans; open: {listed or 'sockets only'}; test data removed"
    return conclude(context, findings, detail, facts={"ports": [list(entry) for entry in ports]})


def _planned_ports(context: DeployContext) -> set[int]:
    """HTTPS, and where the target runs a mail catcher its SMTP; nothing else listens on TCP."""
    stated = (
        context.fact("network-configuration", "port"),
        context.fact("notification-setup", "port"),
    )
    return {context.preview().port, *(port for port in stated if isinstance(port, int))}


def _brand(context: DeployContext) -> dict[str, str]:
    brand = context.plan.application.get("brand")
    return {name: str(value) for name, value in brand.items()} if isinstance(brand, dict) else {}


def _currency(context: DeployContext) -> str:
    return str(context.plan.application.get("currency", "ARS"))


def _rules_proved(seen: list[str], proved: list[str]) -> list[Finding]:
    """What the test suite is evidence for."""
    return [
        Finding(
            id="compliance-no-double-booking",
            severity=Severity.INFO,
            what="no double booking: a second taker of one time was refused, by page and by API",
            where="POST /reservar, POST /api/v1/bookings",
            why="OWASP ASVS 5.0.0 V2.3.4",
            control="BP-NO-OVERLAP",
            evidence=", ".join(proved),
        ),
        Finding(
            id="compliance-cancel-online",
            severity=Severity.INFO,
            what="cancelling: what was booked on the pages was cancelled on the pages",
            where="/reserva/.../cancelar",
            why="Ley 24.240 art. 10 ter",
            control="AR-24240-10TER",
            evidence=", ".join(seen),
        ),
    ]


def verify_compliance(context: DeployContext) -> Outcome:
    """The controls once more, on what actually runs."""
    with open_client(context.preview(), preview=True) as client:
        front, booking = _public_pages(client)
        findings = list(_controls(context, client, front, booking))
    kept = sorted({f.control for f in findings if f.control and f.severity is Severity.INFO})
    detail = f"{len(kept)} controls kept by what runs: {', '.join(kept)}"
    return conclude(context, findings, detail, facts={"controls": kept})


def _public_pages(client: httpx.Client) -> tuple[Page, Page]:
    visitor = Journey(client, "")
    front = visitor.get("/")
    link = next((link.href for link in front.links if CHOOSE in link.href), front.url)
    return front, visitor.get(link)


def _controls(
    context: DeployContext, client: httpx.Client, front: Page, booking: Page
) -> Iterator[Finding]:
    policy = client.get(front.url).headers.get("content-security-policy", "")
    yield from compliance.check_consumer_buttons(client, front)
    yield from compliance.check_privacy_notice(client, front)
    yield from compliance.check_third_parties([front, booking], [policy])
    yield from compliance.check_card_fields([front, booking])
    yield from compliance.check_consent([front, booking])
    yield from compliance.check_offer(front, _brand(context), _currency(context))
    yield from compliance.check_wording([front, booking])
    folder = context.fact("cloud-resources-provisioning", "secrets")
    if isinstance(folder, str) and Path(folder).is_dir():
        yield from compliance.check_secret_files(Path(folder))
        url = Path(folder) / "database-url"
        if url.is_file():
            yield from check_app_role(url.read_text(encoding="utf-8").strip())
    else:
        yield Finding(
            id="compliance-secrets-elsewhere",
            severity=Severity.WARNING,
            what="secrets and the app's database role were not looked at from here",
            where=context.plan.request.target,
            why="the target keeps its secrets where this program does not read them",
            mend="audit them with the target's own means",
        )


STAGE: Stage[DeployContext] = Stage(
    id="testing-validation",
    title="Testing & Validation",
    budget_seconds=1500,
    steps=(
        step("Automated testing suite", run_test_suite, remove_traces),
        step("Performance validation", validate_performance, remove_traces),
        step("Security scanning", scan_security, remove_traces),
        step("Compliance verification", verify_compliance),
    ),
)
