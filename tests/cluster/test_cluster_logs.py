"""``barberpro logs`` of a deployment on a cluster: all pods of a service, merged, and followed."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest

from barberpro.kube.contexts import choose
from barberpro.operations.cluster_logs import ClusterLogReader
from barberpro.targets.kubernetes.records import Record, Records
from barberpro.targets.kubernetes.site import Site
from testcluster.cluster import Cluster
from testcluster.pods import shell

pytestmark = pytest.mark.timeout(300)
ID = "registros"


def said(cluster: Cluster, home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment: Mapping[str, str] = {
        **cluster.environment,
        "BARBERPRO_HOME": str(home),
        "BARBERPRO_PYTHON": os.environ.get("BARBERPRO_PYTHON", ""),
    }
    return subprocess.run(
        ["scripts/barberpro", "logs", ID, *words],
        env=environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def test_lines_of_all_pods_are_shown_and_followed(
    node_cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node_cluster.kubectl("create", "namespace", ID)
    node_cluster.kubectl("label", "namespace", ID, "pod-security.kubernetes.io/enforce=restricted")
    for service, second, level in (("booking", 1, "info"), ("payment", 2, "error")):
        line = json.dumps(
            {
                "event": f"from {service}",
                "level": level,
                "timestamp": f"2026-01-02T03:04:0{second}Z",
            }
        )
        script = (
            f"echo '{line}'; while [ ! -e /data/on ]; do sleep 1; done; echo '{line}'; sleep 600"
        )
        name = f"{service}-7d9f-x1"
        volume = {"volumes": [{"name": "data", "emptyDir": {}}]}
        mount = {"volumeMounts": [{"name": "data", "mountPath": "/data"}]}
        node_cluster.kubectl(
            "apply", "-n", ID, "-f", "-", stdin=shell(name, script, container=mount, **volume)
        )
        node_cluster.kubectl(
            "label", "pod", name, "-n", ID, "app.kubernetes.io/component=base", f"app.kubernetes.io/name={service}"
        )  # fmt: skip
    node_cluster.kubectl("wait", "--for=condition=Ready", "pod", "--all", "-n", ID, "--timeout=90s")
    for name in ("KUBECONFIG", "PATH"):
        monkeypatch.setenv(name, node_cluster.environment[name])
    context = node_cluster.kubectl("config", "current-context").strip()
    Records(tmp_path).save(Record(id=ID, context=context, image="app:1"))
    shown = said(node_cluster, tmp_path, "-n", "20")
    assert shown.returncode == 0, shown.stderr
    assert [line.split()[-2:] for line in shown.stdout.splitlines()] == [
        ["from", "booking"], ["from", "payment"],
    ]  # fmt: skip
    assert "booking  from booking" in shown.stdout
    assert "booking" not in said(node_cluster, tmp_path, "--level", "error").stdout
    reader = ClusterLogReader(Site.of(choose(context), ID), service="payment")
    assert [line.source for line in reader.last(5)] == ["payment"]
    follower = ClusterLogReader(Site.of(choose(context), ID))
    with closing(follower.follow()) as lines:
        node_cluster.kubectl("exec", "booking-7d9f-x1", "-n", ID, "--", "touch", "/data/on")
        assert next(lines).source == "booking"
