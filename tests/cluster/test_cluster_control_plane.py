"""The test cluster itself: a control plane that is real, and gone when it is stopped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil

from testcluster.cluster import Cluster, end
from testcluster.processes import Processes


def test_the_control_plane_is_the_pinned_kubernetes(cluster: Cluster) -> None:
    version = json.loads(cluster.kubectl("version", "-o", "json"))
    assert version["serverVersion"]["gitVersion"] == "v1.34.4"
    assert version["clientVersion"]["gitVersion"] == "v1.34.4"


def test_controllers_and_helm_work_on_it(cluster: Cluster) -> None:
    cluster.kubectl("create", "namespace", "first")
    cluster.kubectl(
        "create", "deployment", "web", "--image=localhost/pause:1", "--replicas=2", "-n", "first"
    )
    cluster.kubectl(
        "wait",
        "--for=jsonpath={.status.replicas}=2",
        "deployment/web",
        "-n",
        "first",
        "--timeout=30s",
    )
    pods = cluster.get("pods", "-n", "first")["items"]
    assert {pod["status"]["phase"] for pod in pods} == {"Pending"}  # no node runs them
    assert json.loads(cluster.helm("list", "-A", "-o", "json")) == []


def test_it_survives_a_restart_of_its_api_server(cluster: Cluster) -> None:
    cluster.kubectl("create", "configmap", "kept", "--from-literal=a=1")
    cluster.restart_api_server()
    assert cluster.get("configmap", "kept")["data"] == {"a": "1"}


def test_simulated_nodes_take_pods(cluster: Cluster) -> None:
    cluster.simulate(2)
    cluster.kubectl("create", "deployment", "light", "--image=localhost/none", "--replicas=3")
    cluster.kubectl("rollout", "status", "deployment/light", "--timeout=60s")
    nodes = {pod["spec"]["nodeName"] for pod in cluster.get("pods", "-l", "app=light")["items"]}
    assert nodes <= {"simulated-0", "simulated-1"}
    cluster.kubectl("delete", "deployment", "light")


def test_two_stand_side_by_side_and_nothing_is_left_of_one_that_stopped(
    cluster: Cluster, tmp_path: Path
) -> None:
    folder = tmp_path / "second"
    folder.mkdir()
    second = Cluster.start(folder=folder)
    running = [second.processes.find(name) for name in second.processes.names()]
    assert len(running) == 4
    assert second.plane.url != cluster.plane.url
    end(folder)  # by what is on file, as another process would
    assert not folder.exists()
    assert not any(process and psutil.pid_exists(process.pid) for process in running)
    assert cluster.kubectl("get", "--raw", "/readyz") == "ok"


def test_a_cluster_ends_with_the_run_that_started_it(cluster: Cluster, tmp_path: Path) -> None:
    script = (
        "import os, sys, pathlib; from testcluster.cluster import Cluster; "
        "c = Cluster.start(folder=pathlib.Path(sys.argv[1])); print('up', flush=True); input()"
    )
    folder = tmp_path / "killed"
    folder.mkdir()
    starter = subprocess.Popen(
        [sys.executable, "-c", script, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    with starter:
        assert starter.stdout is not None
        assert starter.stdout.readline() == b"up\n"
        processes = Processes(folder)
        running = [process for name in processes.names() if (process := processes.find(name))]
        assert len(running) == 4
        starter.kill()
    assert psutil.wait_procs(running, timeout=20)[1] == []


def test_one_command_starts_a_cluster_that_stays_and_one_ends_it(
    cluster: Cluster, tmp_path: Path
) -> None:
    folder = tmp_path / "mine"

    def type_(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "testcluster", "--folder", str(folder), *words], text=True, check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, capture_output=True, timeout=200,
        )  # fmt: skip

    assert type_("status").returncode == 1
    up = type_("up", "--control-plane-only")
    assert up.returncode == 0, up.stderr
    assert type_("up", "--control-plane-only").stdout == up.stdout  # it runs already
    ready = subprocess.run(
        ["bash", "-c", f"{up.stdout}\nkubectl get --raw /readyz"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ready.stdout == "ok"
    assert type_("down").returncode == 0
    assert not folder.exists()
    folder.mkdir()
    (folder / "thesis.txt").touch()
    assert type_("down").returncode == 1
    assert (folder / "thesis.txt").exists()
