"""``barberpro cluster check`` and ``prepare`` from outside, on a real control plane."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from support_operator import REPOSITORY

from testcluster.cluster import Cluster, environment_for
from testcluster.node import BUSYBOX


def barberpro(environment: Mapping[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(REPOSITORY / "platform" / "src"), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-m", "barberpro", *words], env={**environment, "PYTHONPATH": path, "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def check(kubeconfig: Path, *words: str, code: int | None = None) -> dict[str, Any]:
    """The findings by id, and ``reached`` beside them. Without ``code`` it may be well or blocked."""
    finished = barberpro(environment_for(kubeconfig), "cluster", "check", "-o", "json", *words)
    expected = {0, 3} if code is None else {code}
    assert finished.returncode in expected, finished.stdout + finished.stderr
    assert "Traceback" not in finished.stderr
    data = json.loads(finished.stdout)
    return {
        **{one["id"].removeprefix("cluster-"): one for one in data.get("findings", [])},
        "all": data,
    }


def test_a_bare_cluster_lacks_what_it_lacks_and_each_has_its_mend(cluster: Cluster) -> None:
    found = check(cluster.kubeconfig, code=3)
    assert found["all"]["reached"] is True
    assert found["kubernetes"]["what"] == "Kubernetes 1.34.4"
    assert found["helm"]["what"].startswith("Helm 4.")
    assert found["rights"]["severity"] == "info"
    for missing in ("storage", "metrics-server", "ingress"):
        assert found[missing]["severity"] == "blocking"
        assert found[missing]["mend"]


def test_the_table_shows_the_cluster_and_the_mends(cluster: Cluster) -> None:
    finished = barberpro(cluster.environment, "cluster", "check")
    assert finished.returncode == 3
    assert cluster.plane.url in finished.stdout
    assert "mend: barberpro cluster prepare --only metrics-server" in finished.stdout
    assert "missing" in finished.stderr


def test_room_and_zones_are_those_of_the_nodes(cluster: Cluster) -> None:
    node = {
        "apiVersion": "v1", "kind": "Node",
        "metadata": {"name": "roomy", "labels": {
            "topology.kubernetes.io/region": "sur", "topology.kubernetes.io/zone": "sur-1"}},
    }  # fmt: skip
    cluster.apply(yaml.safe_dump(node))
    ready = {
        "conditions": [{"type": "Ready", "status": "True"}],
        "allocatable": {"cpu": "3900m", "memory": "16Gi"},
    }
    cluster.kubectl(
        "patch",
        "node",
        "roomy",
        "--subresource=status",
        "--type=merge",
        "-p",
        json.dumps({"status": ready}),
    )
    try:
        small = check(cluster.kubeconfig, "--market", "small", code=3)
        assert small["capacity"]["severity"] == "info", small["capacity"]
        large = check(cluster.kubeconfig, "--market", "large", code=3)
        assert large["capacity"]["severity"] == "blocking"
    finally:
        cluster.kubectl("delete", "node", "roomy")


def test_a_storage_class_and_an_ingress_class_are_found(cluster: Cluster) -> None:
    cluster.apply(yaml.safe_dump_all([
        {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "fast"}, "provisioner": "example.org/fast"},
        {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "door"}, "spec": {"controller": "example.org/door"}},
    ]))  # fmt: skip
    try:
        found = check(cluster.kubeconfig, code=3)
        assert found["ingress"]["what"] == "ingress class door"
        mend = found["storage"]["mend"]
        assert mend.startswith("kubectl patch storageclass fast ")
        subprocess.run(
            ["bash", "-c", mend], env=cluster.environment, check=True, capture_output=True
        )
        assert check(cluster.kubeconfig, code=3)["storage"]["severity"] == "info"
    finally:
        cluster.kubectl("delete", "storageclass/fast", "ingressclass/door")


def test_somebody_without_rights_is_told_which_and_by_which_command(cluster: Cluster) -> None:
    found = check(cluster.user("lucia"), code=3)
    assert found["rights"]["severity"] == "blocking"
    assert "create namespaces" in found["rights"]["what"]
    assert "clusterrolebinding" in found["rights"]["mend"]
    assert "cannot be seen" in found["nodes"]["what"]


def test_rights_in_part_are_named_one_by_one(cluster: Cluster) -> None:
    person = cluster.user("marcos")
    cluster.kubectl(
        "create", "clusterrolebinding", "marcos", "--clusterrole=admin", "--user=marcos"
    )
    try:
        found = check(person, code=3)
        assert found["rights"]["what"].startswith(
            "this user may not: create namespaces, delete namespaces"
        )
        assert "create deployments" not in found["rights"]["what"]
    finally:
        cluster.kubectl("delete", "clusterrolebinding", "marcos")


def test_expired_credentials_are_called_that(cluster: Cluster) -> None:
    expired = cluster.user("vencida", "system:masters", life=timedelta(hours=-1))
    found = check(expired, code=1)
    assert found["all"]["reached"] is False
    assert "does not accept these credentials" in found["reach"]["what"]
    assert "sign in again" in found["reach"]["mend"]


def test_a_token_that_is_not_valid_is_refused_in_the_same_words(
    cluster: Cluster, tmp_path: Path
) -> None:
    document = yaml.safe_load(cluster.kubeconfig.read_text(encoding="utf-8"))
    document["users"][0]["user"] = {"token": "not-a-token"}
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    assert "does not accept" in check(path, code=1)["reach"]["what"]


def test_a_cluster_that_does_not_answer_is_called_that(cluster: Cluster, tmp_path: Path) -> None:
    document = yaml.safe_load(cluster.kubeconfig.read_text(encoding="utf-8"))
    document["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    found = check(path, code=1)
    assert "does not answer" in found["reach"]["what"]
    assert "https://127.0.0.1:1" in found["reach"]["where"]


def test_a_stranger_at_the_same_address_is_not_spoken_to(cluster: Cluster, tmp_path: Path) -> None:
    document = yaml.safe_load(cluster.kubeconfig.read_text(encoding="utf-8"))
    other = (cluster.folder / "pki" / "front-proxy-ca.crt").read_bytes()
    document["clusters"][0]["cluster"].pop("certificate-authority-data")
    (tmp_path / "ca.crt").write_bytes(other)
    document["clusters"][0]["cluster"]["certificate-authority"] = str(tmp_path / "ca.crt")
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    assert "certificate" in check(path, code=1)["reach"]["what"]


def test_the_wrong_context_is_wrong_usage_and_the_right_ones_are_named(cluster: Cluster) -> None:
    named = check(cluster.kubeconfig, "--kube-context", "barberpro-test", code=3)
    assert "prepare --kube-context barberpro-test --only" in named["metrics-server"]["mend"]
    finished = barberpro(
        cluster.environment, "cluster", "check", "--kube-context", "barberpro-tset"
    )
    assert finished.returncode == 2
    assert "Did you mean 'barberpro-test'?" in finished.stderr


@pytest.mark.parametrize("text", ["", "not: [yaml", "apiVersion: v1\nkind: Config\n"])
def test_a_kubeconfig_that_says_nothing_is_no_cluster(
    cluster: Cluster, tmp_path: Path, text: str
) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(text, encoding="utf-8")
    finished = barberpro(environment_for(path), "cluster", "check")
    assert finished.returncode == 1
    assert "mend:" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_no_kubectl_is_said_with_where_to_get_it(cluster: Cluster) -> None:
    finished = barberpro({**cluster.environment, "PATH": "/nowhere"}, "cluster", "check")
    assert finished.returncode == 1
    assert "kubectl is not on PATH" in finished.stderr


@pytest.mark.parametrize("word", ["cdn", "cdn=", "moon=full", "=x"])
def test_vouching_for_nothing_is_wrong_usage(cluster: Cluster, word: str) -> None:
    finished = barberpro(cluster.environment, "cluster", "check", "--attest", word)
    assert finished.returncode == 2


def test_preparing_shows_the_commands_and_asks(cluster: Cluster) -> None:
    shown = barberpro(cluster.environment, "cluster", "prepare", "--dry-run", "-o", "json")
    assert shown.returncode == 0, shown.stderr
    names = [one["name"] for one in json.loads(shown.stdout)["installations"]]
    assert names == ["metrics-server", "cert-manager", "ingress"]
    refused = barberpro(cluster.environment, "cluster", "prepare", "--non-interactive")
    assert refused.returncode == 2
    assert "add --yes" in refused.stderr
    assert json.loads(cluster.helm("list", "-A", "-o", "json")) == []


def test_preparing_from_archives_makes_releases_that_helm_lists(
    cluster: Cluster, tmp_path: Path
) -> None:
    chart = tmp_path / "source" / "metrics-server"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text(
        "apiVersion: v2\nname: metrics-server\nversion: 3.13.0\n", encoding="utf-8"
    )
    (chart / "templates" / "mark.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: metrics-mark}\n", encoding="utf-8"
    )
    cluster.helm("package", str(chart), "-d", str(tmp_path))
    words = ("cluster", "prepare", "--only", "metrics-server", "--charts", str(tmp_path), "--yes")
    for _ in range(2):  # again does no harm
        finished = barberpro(cluster.environment, *words)
        assert finished.returncode == 0, finished.stderr
    (release,) = json.loads(cluster.helm("list", "-n", "kube-system", "-o", "json"))
    assert (release["name"], release["status"]) == ("metrics-server", "deployed")
    cluster.helm("uninstall", "metrics-server", "-n", "kube-system")


def test_a_chart_that_cannot_be_had_is_said_with_its_page(cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "metrics-server-3.13.0.tgz").write_bytes(b"not an archive")
    words = ("cluster", "prepare", "--only", "metrics-server", "--charts", str(tmp_path), "--yes")
    finished = barberpro(cluster.environment, *words)
    assert finished.returncode == 1
    assert "https://github.com/kubernetes-sigs/metrics-server" in finished.stderr


@pytest.mark.timeout(600)
def test_a_node_is_ready_for_the_small_market_and_pulls_what_it_can(node_cluster: Cluster) -> None:
    found = check(
        node_cluster.kubeconfig, "--image", BUSYBOX
    )  # a neighbour may have brought an ingress
    for good in ("nodes", "storage", "metrics-server", "registry"):
        assert found[good]["severity"] == "info", found[good]
    assert found["registry"]["evidence"].startswith("sha256:")
    blocking = {id_ for id_, one in found.items() if one.get("severity") == "blocking"}
    assert blocking <= {"ingress", "capacity"}
    missing = check(
        node_cluster.kubeconfig, "--image", "localhost:1/barberpro@sha256:" + "0" * 64, code=3
    )
    assert missing["registry"]["severity"] == "blocking"
    assert "docker-registry" in missing["registry"]["mend"]
    assert (
        check(node_cluster.kubeconfig, "--image", 'x"\ny: z', code=3)["registry"]["severity"]
        == "blocking"
    )
    pods = node_cluster.get("pods", "-n", "default", "-l", "app.kubernetes.io/component=pull-probe")
    assert [pod for pod in pods["items"] if "deletionTimestamp" not in pod["metadata"]] == []
