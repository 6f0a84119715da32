"""Two brands side by side on real pods, behind an ingress controller: a browser books by TLS, what the
manual says to type, what becomes of a revision that cannot run, and what somebody does by hand."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import Error, sync_playwright
from support_acme import running_pebble
from support_app import free_port
from support_browser import CHROMIUM, PHONE, book, launch
from support_cluster_kills import carry_out, moments, trouble_with
from support_dns import ZONE, NameServer
from support_live import Ground, ground
from support_manual import exempt, kept, typed

from testcluster.app_image import AppImage
from testcluster.cluster import Cluster
from testcluster.pods import until
from testcluster.ways_in import CLASS, WayIn, issuer

pytestmark = [pytest.mark.timeout(1200), pytest.mark.slow]

SHOP, OFFICE = "barbershop-palermo", "consultorio-sur"
BRANDS = (
    ("barbershop", "BarberShop Palermo", SHOP),
    ("psychology", "Consultorio Sur", OFFICE),
)
DOMAINS = {SHOP: f"barberia.{ZONE}", OFFICE: f"consultorio.{ZONE}"}
AUTHORITY = "authority"
SEED, KILLS = 20261141, 5
SMALL = {
    "resources": {"cpuRequestPercent": 20},  # both on one node of two cores
    "public": {"kind": "ingress", "className": CLASS, "controller": "traefik", "issuer": AUTHORITY},
}


@dataclass(frozen=True)
class Live(Ground):
    """``told`` is what each deploy said; ``way`` leads in, ``roots`` vouch for what is served there."""

    way: WayIn
    names: NameServer
    roots: Path
    told: dict[str, str]

    def connect(self, host: str) -> ssl.SSLSocket:
        """By TLS at the ingress controller, as ``host``; verified."""
        context = ssl.create_default_context(cafile=str(self.roots))
        plain = socket.create_connection((self.way.address, 443), 30)
        return context.wrap_socket(plain, server_hostname=host)

    def revision(self, deployment: str) -> int:
        """Which one answers by the public name."""
        connection = http.client.HTTPConnection(DOMAINS[deployment], timeout=30)
        with self.connect(DOMAINS[deployment]) as connection.sock:
            connection.request("GET", "/health")
            return int(json.loads(connection.getresponse().read())["revision"])

    def pods(self, deployment: str) -> set[str]:
        """Of the app, those that run."""
        found = self.cluster.get(
            "pods", "-n", deployment, "-l", "app.kubernetes.io/component in (base,specialized)"
        )
        return {
            one["metadata"]["uid"]
            for one in found["items"]
            if "deletionTimestamp" not in one["metadata"]
        }

    def serves(self, host: str) -> bool:
        try:
            self.connect(host).close()
        except OSError:
            return False
        return True


@pytest.fixture(scope="module")
def live(
    node_cluster: Cluster, app_image: AppImage, way_in: WayIn, names: NameServer, tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Live]:  # fmt: skip
    """Both brands, each by one command, at the same time. DNS leads one of them to the cluster already."""
    folder = tmp_path_factory.mktemp("authority")
    with (
        running_pebble(folder, names.address, 80, address=way_in.outside) as authority,
        ground(node_cluster, app_image) as made,
        ThreadPoolExecutor(len(BRANDS)) as pool,
    ):
        solver: dict[str, object] = {"http01": {"ingress": {"ingressClassName": CLASS}}}
        given = issuer(AUTHORITY, authority.directory, authority.directory_root, solver)
        node_cluster.apply(json.dumps(given))
        made.operator.must(
            "public", "set", "--listen", "127.0.0.1", "--ipv4", "127.0.0.1", "--https-port", str(free_port()),
            "--http-port", str(free_port()), "--resolver", names.address, "--trusted-roots", str(authority.issuing_root),
        )  # fmt: skip
        names.lead(DOMAINS[OFFICE], way_in.address)
        for _, _, deployment in BRANDS:
            made.values(deployment, **SMALL)
        done = pool.map(
            lambda brand: made.deploy(*brand, "--domain", DOMAINS[brand[2]], **SMALL), BRANDS
        )
        told = {brand[2]: one.stdout + one.stderr for brand, one in zip(BRANDS, done, strict=True)}
        yield Live(
            made.cluster, made.operator, made.image, made.server, made.address,
            way_in, names, authority.issuing_root, told,
        )  # fmt: skip
        namespaces = [deployment for _, _, deployment in BRANDS]
        unwaited = ("--wait=false", "--ignore-not-found")
        made.kubectl("delete", "namespace", *namespaces, *unwaited)
        made.kubectl("delete", "clusterissuer", AUTHORITY)


def test_helm_shows_the_revisions_and_both_brands_run(live: Live) -> None:
    for _, _, deployment in BRANDS:
        history = json.loads(
            live.cluster.helm("history", "barberpro", "-n", deployment, "-o", "json")
        )
        assert "barberpro revision 1" in [entry["description"] for entry in history]
        status = live.operator.data("status", deployment)
        assert status["state"] == "live"
        assert {service["state"] for service in status["services"]} == {"running"}


def test_a_domain_without_its_record_is_told_which_and_follows_without_a_deploy(live: Live) -> None:
    domain, record = DOMAINS[SHOP], f"{DOMAINS[SHOP]} A {live.way.address}"
    assert f"record to be made: {record}" in live.told[SHOP]
    assert f"{DOMAINS[SHOP]}. A {live.way.address}" in live.told[SHOP]
    assert live.operator.run("public", "check", domain).returncode == 1
    live.names.lead(domain, live.way.address)
    assert live.operator.run("public", "check", domain, "--wait", "1m").returncode == 0


def test_a_domain_that_leads_to_the_cluster_was_looked_at_from_outside(live: Live) -> None:
    domain = DOMAINS[OFFICE]
    assert "record to be made" not in live.told[OFFICE].partition("booking page")[0], live.told[
        OFFICE
    ]
    run = live.operator.data("status", OFFICE)["runs"][0]["run"]
    steps = {one["step"]: one for one in live.operator.data("runs", run)["steps"]}
    said = json.dumps(steps["domain-activation"], ensure_ascii=False)
    assert f"plain HTTP sends on to https://{domain}" in said
    assert f"certificate for {domain}" in said
    assert "insist" in said
    shown = live.operator.data("public", "show")["clusters"]
    assert {one["deployment"]: one["domain"] for one in shown} == DOMAINS
    assert [one["certified"] for one in shown if one["deployment"] == OFFICE] == [True]


@pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")
def test_a_client_books_on_a_phone_through_the_ingress(live: Live) -> None:
    """By the public name and TLS 1.3. Chromium is told the very key that was verified, in place of the
    authority, which is of this test alone."""
    domain = DOMAINS[OFFICE]
    address = f"https://{domain}"
    with live.connect(domain) as secured:
        assert secured.version() == "TLSv1.3"
        shown = x509.load_der_x509_certificate(secured.getpeercert(binary_form=True) or b"")
    key = shown.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pinned = base64.b64encode(hashlib.sha256(key).digest()).decode()
    with sync_playwright() as playwright:
        browser = launch(
            playwright,
            f"--host-resolver-rules=MAP {domain} {live.way.address}",
            f"--ignore-certificate-errors-spki-list={pinned}",
        )
        page = browser.new_page(viewport=PHONE, locale="es-AR")
        answer = page.goto(f"http://{domain}/")
        assert answer is not None
        assert page.url == f"{address}/"
        details = answer.security_details()
        assert details is not None
        assert details["protocol"] == "TLS 1.3"
        assert "max-age" in answer.headers["strict-transport-security"]
        assert "Consultorio Sur" in page.content()
        try:
            assert book(page, address, name="Lucía Paz", email="lucia@example.com", days_ahead=3)
        except Error as trouble:
            trouble.add_note(f"{page.url}: {page.inner_text('body')[:600]}")
            raise
        browser.close()


def test_a_revision_that_cannot_run_is_taken_back_while_the_one_before_serves(live: Live) -> None:
    """An image that is not there: the pods of the first revision are the same, before and after. The next
    deploy finds nothing in its way, and converges though it is killed five times."""
    until("the shop's certificate", lambda: live.serves(DOMAINS[SHOP]), 240)
    before, words = live.pods(SHOP), live.words(*BRANDS[0][:2])
    refused = live.operator.run(
        *words, "--domain", DOMAINS[SHOP], "--image", "localhost/barberpro:nowhere", timeout=600
    )
    assert refused.returncode == 1, refused.stderr
    assert "its image cannot be pulled" in refused.stderr
    assert "see that the image is there" in refused.stderr
    assert live.pods(SHOP) == before
    assert live.revision(SHOP) == 1
    assert live.operator.data("status", SHOP)["state"] == "live"
    history = json.loads(live.cluster.helm("history", "barberpro", "-n", SHOP, "-o", "json"))
    assert "deployed" in [entry["status"] for entry in history]
    again = [*live.words(*BRANDS[0][:2]), "--domain", DOMAINS[SHOP]]
    kills, finished = carry_out(live.operator, again, moments(SEED, KILLS))
    assert trouble_with(live.operator, SHOP, finished) == ""
    assert len(kills) == KILLS, kills
    assert live.revision(SHOP) == 3
    assert live.pods(SHOP).isdisjoint(before)


def test_every_command_of_the_manual_succeeds(live: Live) -> None:
    environment = live.in_namespace(SHOP)
    pods = live.cluster.get("pods", "-n", SHOP, "-l", "app.kubernetes.io/name=booking")["items"]
    integration = live.cluster.get(
        "pods", "-n", SHOP, "-l", "app.kubernetes.io/name=integration-processor"
    )["items"]
    pod = pods[0]["metadata"]["name"]
    names = {
        "DEPLOYMENT_ID": SHOP, "NAMESPACE": SHOP, "POD_NAME": pod, "POD": pod, "NODE_NAME": "node-1",
        "DEPLOYMENT": "booking", "CONTAINER": "booking", "TOKEN": "t",
        "INTEGRATION_POD": integration[0]["metadata"]["name"],
    }  # fmt: skip
    until(
        "kubectl top", lambda: not typed("kubectl top pods -n [NAMESPACE]", names, environment), 120
    )
    commands = [c for found in kept().values() for c in found if c not in exempt()]
    looks = [c for c in commands if _only_looks(c)]
    changes = [c for c in commands if not _only_looks(c)]
    with ThreadPoolExecutor(2) as pool:
        troubles = [t for t in pool.map(lambda c: typed(c, names, environment), looks) if t]
    troubles += [t for c in changes if (t := _changed(c, names, environment))]
    assert troubles == []


@pytest.mark.parametrize(("command", "why"), exempt().items())
def test_a_command_without_its_subject_has_none_here(
    live: Live, command: str, why: str, record_property: Callable[[str, object], None]
) -> None:
    record_property(command, why)
    subject = re.findall(r"\[([A-Z]+)_POD\]", command)[0].lower()
    pods = live.kubectl("get", "pods", "-n", SHOP, "-o", "jsonpath={.items[*].spec.containers}")
    assert subject not in pods.lower(), why


def _changed(command: str, names: dict[str, str], environment: dict[str, str]) -> str:
    """Two restarts within a second, as nobody types them, are told to wait."""
    said: list[str] = []

    def done() -> bool:
        said.append(typed(command, names, environment))
        return "within the past second" not in said[-1]

    until(command, done, 60)
    return said[-1]


def _only_looks(command: str) -> bool:
    return command.split()[1] in {"get", "top", "describe", "logs"}


def test_what_helm_did_by_hand_is_noticed_and_mended(live: Live) -> None:
    """A rollback, then removing the release: said with the command that mends it."""
    operator = live.operator
    assert operator.run("diff", OFFICE, "--detailed-exitcode").returncode == 0
    history = json.loads(live.cluster.helm("history", "barberpro", "-n", OFFICE, "-o", "json"))
    last = history[-1]["revision"]
    live.cluster.helm("rollback", "barberpro", "1", "-n", OFFICE, "--no-hooks")
    seen = operator.run("diff", OFFICE, "--detailed-exitcode")
    assert seen.returncode == 10, seen.stderr
    assert "Release/barberpro" in seen.stdout
    assert "Rollback to 1 (by hand)" in seen.stdout
    assert f"helm rollback barberpro {last} -n {OFFICE}" in seen.stderr
    live.cluster.helm("uninstall", "barberpro", "-n", OFFICE)
    told = operator.run("diff", OFFICE)
    assert told.returncode != 0
    assert "helm uninstall by hand" in told.stderr
    assert "deploy again with the same flags" in told.stderr
    status = operator.data("status", OFFICE)
    assert status["state"] == "degraded"
    assert "helm uninstall by hand" in json.dumps(status["services"])
    assert live.kubectl("get", "secret", "app-keys", "-n", OFFICE)
