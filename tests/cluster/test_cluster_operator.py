"""What an operator types for a deployment on a cluster: ``barberpro logs`` and ``barberpro open``. Small pods
stand where the app's would."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from support_chart import plan_for
from support_operator import Operator

from barberpro.cli.planned import documents_of
from barberpro.deployment.applied import write_applied
from barberpro.kube.contexts import choose
from barberpro.operations.cluster_logs import ClusterLogReader
from barberpro.targets.kubernetes.records import Record, Records
from barberpro.targets.kubernetes.site import Site
from barberpro.targets.local.layout import Layout
from testcluster.cluster import Cluster
from testcluster.pods import shell

pytestmark = pytest.mark.timeout(300)
PLAN = plan_for("fitness", "small")
ID = PLAN.deployment_id
SAYS = "echo '{line}'; while [ ! -e /data/on ]; do sleep 1; done; echo '{line}'; sleep 600"
SERVES = "while :; do printf 'HTTP/1.0 200 OK\\r\\nContent-Length: 4\\r\\n\\r\\nhola' | nc -l -p 8080; done"


def pod(cluster: Cluster, service: str, script: str) -> None:
    name = f"{service}-7d9f-x1"
    mount = {"volumeMounts": [{"name": "data", "mountPath": "/data"}]}
    volume = {"volumes": [{"name": "data", "emptyDir": {}}]}
    made = shell(name, script, container=mount, **volume)
    cluster.kubectl("apply", "-n", ID, "-f", "-", stdin=made)
    labels = ("app.kubernetes.io/component=base", f"app.kubernetes.io/name={service}")
    cluster.kubectl("label", "pod", name, "-n", ID, *labels)


@pytest.fixture(scope="module")
def operator(node_cluster: Cluster) -> Iterator[Operator]:
    """Who knows one deployment, which has no public way."""
    node_cluster.kubectl("create", "namespace", ID)
    node_cluster.kubectl("label", "namespace", ID, "pod-security.kubernetes.io/enforce=restricted")
    for service, second, level in (("booking", 1, "info"), ("payment", 2, "error")):
        said = {
            "event": f"from {service}",
            "level": level,
            "timestamp": f"2026-01-02T03:04:0{second}Z",
        }
        pod(node_cluster, service, SAYS.replace("{line}", json.dumps(said)))
    pod(node_cluster, "api-gateway", SERVES)
    node_cluster.kubectl(
        "expose", "pod", "api-gateway-7d9f-x1", "--name=api-gateway", "--port=8080", "-n", ID
    )
    ready = ("wait", "--for=condition=Ready", "pod", "--all", "--timeout=90s")
    node_cluster.kubectl(*ready, "-n", ID)
    known = Operator.create("una casa con cluster")
    known.environment |= {
        name: value
        for name, value in node_cluster.environment.items()
        if name in ("KUBECONFIG", "PATH")
    }
    context = node_cluster.kubectl("config", "current-context").strip()
    Records(known.state).save(Record(id=ID, context=context, image="app:1", live=1))
    write_applied(documents_of(Layout.of(known.state), ID), 1, PLAN)
    yield known
    known.leave()
    node_cluster.kubectl("delete", "namespace", ID, "--wait=false")


def test_lines_of_all_pods_are_shown_and_followed(
    node_cluster: Cluster, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = operator.must("logs", ID, "-n", "20")
    assert [line.split()[-2:] for line in shown.splitlines()] == [
        ["from", "booking"], ["from", "payment"],
    ]  # fmt: skip
    assert "booking  from booking" in shown
    assert "booking" not in operator.must("logs", ID, "--level", "error")
    for name in ("KUBECONFIG", "PATH"):
        monkeypatch.setenv(name, node_cluster.environment[name])
    site = Site.of(choose(Records(operator.state).required(ID).context), ID)
    reader = ClusterLogReader(site, service="payment")
    assert [line.source for line in reader.last(5)] == ["payment"]
    with closing(ClusterLogReader(site).follow()) as lines:
        node_cluster.kubectl("exec", "booking-7d9f-x1", "-n", ID, "--", "touch", "/data/on")
        assert next(lines).source == "booking"


@pytest.fixture
def opened(operator: Operator) -> Iterator[subprocess.Popen[str]]:
    """``barberpro open``, which ends with the test whatever becomes of it."""
    process = operator.spawn("open", ID, "--print")
    with process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("ended_by", [signal.SIGKILL, signal.SIGINT])
def test_a_deployment_without_a_public_way_is_opened_from_here(
    opened: subprocess.Popen[str], ended_by: signal.Signals
) -> None:
    """Until Ctrl-C, and nothing stays either where it is killed."""
    assert opened.stdout is not None
    assert opened.stderr is not None
    address = urlsplit(opened.stdout.readline().strip())
    assert address.hostname == f"{ID}.localhost", opened.stderr.read()
    assert address.port is not None
    said = next(line for line in opened.stderr if line.startswith("open until"))
    authority = Path(said.partition(": ")[2].strip())
    context = ssl.create_default_context(cafile=authority)
    connection = http.client.HTTPConnection(address.hostname)
    with (
        socket.create_connection(("127.0.0.1", address.port), 20) as plain,
        context.wrap_socket(plain, server_hostname=address.hostname) as connection.sock,
    ):
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"hola"
    family = psutil.Process(opened.pid).children(recursive=True)
    names = [member.name() for member in family]
    assert "kubectl" in names, names
    opened.send_signal(ended_by)
    assert opened.wait(60) == (0 if ended_by is signal.SIGINT else -signal.SIGKILL)
    assert not psutil.wait_procs(family, timeout=20)[1]
    assert not authority.exists()  # with its key
