"""The test cluster's node: pods run, find each other, keep their data, are measured; and all of it
is gone afterwards."""

from __future__ import annotations

import json
import os
from pathlib import Path

import psutil
import pytest
import yaml

from testcluster.cluster import Cluster
from testcluster.pods import shell, until

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def namespace(node_cluster: Cluster, request: pytest.FixtureRequest) -> str:
    name = request.node.name.removeprefix("test_").replace("_", "-")[:40].rstrip("-")
    node_cluster.kubectl("create", "namespace", name)
    node_cluster.kubectl(
        "label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted"
    )
    return name


def test_pods_find_a_service_by_its_name(node_cluster: Cluster, namespace: str) -> None:
    serve = "while :; do printf 'HTTP/1.0 200 OK\\r\\n\\r\\nhola' | nc -l -p 8080; done"
    node_cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=shell("web", serve))
    node_cluster.kubectl("expose", "pod", "web", "--port=80", "--target-port=8080", "-n", namespace)
    node_cluster.kubectl(
        "wait", "--for=condition=Ready", "pod/web", "-n", namespace, "--timeout=60s"
    )
    ask = f"wget -q -O - http://web.{namespace}.svc.cluster.local"
    node_cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=shell("ask", ask))
    node_cluster.kubectl(
        "wait",
        "--for=jsonpath={.status.phase}=Succeeded",
        "pod/ask",
        "-n",
        namespace,
        "--timeout=60s",
    )
    assert node_cluster.kubectl("logs", "ask", "-n", namespace) == "hola"
    assert "bin" in node_cluster.kubectl("exec", "web", "-n", namespace, "--", "ls", "/").split()


def test_a_claim_is_bound_and_keeps_its_data(node_cluster: Cluster, namespace: str) -> None:
    claim = {
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
    }  # fmt: skip
    node_cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=yaml.safe_dump(claim))
    spec = {
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
        "container": {"volumeMounts": [{"name": "data", "mountPath": "/data"}]},
    }
    for name, script in (("writes", "echo kept > /data/file"), ("reads", "cat /data/file")):
        pod = shell(name, script, **json.loads(json.dumps(spec)))
        node_cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=pod)
        done = "--for=jsonpath={.status.phase}=Succeeded"
        node_cluster.kubectl("wait", done, f"pod/{name}", "-n", namespace, "--timeout=90s")
    assert node_cluster.kubectl("logs", "reads", "-n", namespace).strip() == "kept"


def test_kubectl_top_answers(node_cluster: Cluster, namespace: str) -> None:
    node_cluster.kubectl(
        "apply", "-n", namespace, "-f", "-", stdin=shell("busy", "while :; do :; done")
    )
    node_cluster.kubectl(
        "wait", "--for=condition=Ready", "pod/busy", "-n", namespace, "--timeout=60s"
    )

    def measured() -> bool:
        return node_cluster.run("kubectl", "top", "pod", "busy", "-n", namespace).returncode == 0

    until("kubectl top", measured, 120)
    assert "busy" in node_cluster.kubectl("top", "pods", "-n", namespace)
    assert "node-1" in node_cluster.kubectl("top", "nodes")
    node_cluster.kubectl("delete", "pod", "busy", "-n", namespace, "--grace-period=0", "--force")


def test_a_pod_that_may_not_run_is_refused(node_cluster: Cluster, namespace: str) -> None:
    root = shell("root", "id", container={"securityContext": {"runAsUser": 0}})
    refused = node_cluster.run("kubectl", "apply", "-n", namespace, "-f", "-", stdin=root)
    assert refused.returncode != 0
    assert "violates PodSecurity" in refused.stderr


def members(cluster: Cluster) -> list[int]:
    """Every process of the cluster's own process namespace."""
    holder = cluster.processes.find("holder")
    assert holder is not None
    ours = os.readlink(f"/proc/{holder.children()[0].pid}/ns/pid")
    found = []
    for pid in psutil.pids():
        try:
            if os.readlink(f"/proc/{pid}/ns/pid") == ours:
                found.append(pid)
        except OSError:  # ended meanwhile, or not ours to look at
            continue
    return found


def test_two_nodes_stand_side_by_side_and_leave_nothing(node_cluster: Cluster) -> None:
    second = Cluster.start(with_node=True)
    try:
        assert second.plane.url != node_cluster.plane.url
        second.apply(shell("sleeps", "sleep 1000"))
        second.kubectl("wait", "--for=condition=Ready", "pod/sleeps", "--timeout=60s")
        inside = members(second)
        assert len(inside) > 8
        slot, folder = second.plane.world.slot, second.folder
    finally:
        second.stop()
    assert not any(psutil.pid_exists(pid) for pid in inside)
    assert not folder.exists()
    assert not Path(f"/sys/class/net/bpc{slot}").exists()
    assert not list(Path("/sys/fs/cgroup").glob(f"**/barberpro-cluster-{slot}"))
    assert str(folder) not in Path("/proc/mounts").read_text(encoding="utf-8")
    assert node_cluster.get("node", "node-1")["metadata"]["name"] == "node-1"
