"""Two brands side by side on real pods: what the manual says to type, a browser that books, and what
somebody does by hand."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Error, sync_playwright
from support_browser import CHROMIUM, PHONE, book, launch
from support_live import Ground, ground
from support_manual import exempt, kept, typed

from testcluster.app_image import AppImage
from testcluster.cluster import Cluster
from testcluster.pods import until

pytestmark = [pytest.mark.timeout(900), pytest.mark.slow]

SHOP, OFFICE = "barbershop-palermo", "consultorio-sur"
BRANDS = (
    ("barbershop", "BarberShop Palermo", SHOP),
    ("psychology", "Consultorio Sur", OFFICE),
)
SMALL = {"resources": {"cpuRequestPercent": 20}}  # both on one node of two cores


@pytest.fixture(scope="module")
def live(node_cluster: Cluster, app_image: AppImage) -> Iterator[Ground]:
    """Both brands, each by one command, at the same time."""
    with ground(node_cluster, app_image) as made, ThreadPoolExecutor(len(BRANDS)) as pool:
        for _, _, deployment in BRANDS:
            made.values(deployment, **SMALL)
        list(pool.map(lambda brand: made.deploy(*brand, **SMALL), BRANDS))
        yield made
        namespaces = [deployment for _, _, deployment in BRANDS]
        unwaited = ("--wait=false", "--ignore-not-found")
        made.kubectl("delete", "namespace", *namespaces, *unwaited)


def test_helm_shows_the_revisions_and_both_brands_run(live: Ground) -> None:
    for _, _, deployment in BRANDS:
        history = json.loads(
            live.cluster.helm("history", "barberpro", "-n", deployment, "-o", "json")
        )
        assert "barberpro revision 1" in [entry["description"] for entry in history]
        status = live.operator.data("status", deployment)
        assert status["state"] == "live"
        assert {service["state"] for service in status["services"]} == {"running"}


@pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")
def test_a_client_books_on_a_phone(live: Ground) -> None:
    """By HTTPS, as ``barberpro open`` leads to a deployment without a public address."""
    with live.opened(SHOP) as address, sync_playwright() as playwright:
        browser = launch(playwright)
        page = browser.new_page(viewport=PHONE, locale="es-AR", ignore_https_errors=True)
        page.goto(address)
        assert "BarberShop Palermo" in page.content()
        try:
            assert book(page, address, name="Lucía Paz", email="lucia@example.com", days_ahead=3)
        except Error as trouble:
            trouble.add_note(f"{page.url}: {page.inner_text('body')[:600]}")
            raise
        browser.close()


def test_every_command_of_the_manual_succeeds(live: Ground) -> None:
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
    live: Ground, command: str, why: str, record_property: Callable[[str, object], None]
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


def test_what_helm_did_by_hand_is_noticed_and_mended(live: Ground) -> None:
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
