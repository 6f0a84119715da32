"""One cluster from start to end, and how to talk to it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from testcluster import addons, node, worlds
from testcluster.certificates import DAYS
from testcluster.control_plane import ControlPlane
from testcluster.errors import ClusterError
from testcluster.processes import Processes
from testcluster.programs import CONTROL_PLANE, NODE, build, program, recipes
from testcluster.simulation import start_kwok

COMMAND_SECONDS = 120
ORDER = (
    "kwok", "local-path-provisioner", "metrics-server", "coredns", "kube-proxy", "kubelet", "containerd",
    "kube-scheduler", "kube-controller-manager", "kube-apiserver", "etcd",
)  # fmt: skip


@dataclass
class Cluster:
    """A running cluster; ``folder`` holds all that it is."""

    folder: Path
    plane: ControlPlane
    seconds_to_start: float

    @classmethod
    def start(
        cls, *, with_node: bool = False, folder: Path | None = None, lasting: bool = False
    ) -> Cluster:
        """Build what is missing, then start a control plane and, with root, a node. It ends with the
        process that started it, unless it shall be ``lasting``.

        Raises:
            MissingError: this machine lacks something.
            ClusterError: a part did not start; with the end of its log.
        """
        build(programs_of(with_node=with_node))
        started = time.monotonic()
        if folder is None:
            folder = Path(tempfile.mkdtemp(prefix="bp-cluster-"))
        make = worlds.apart if with_node else worlds.as_it_is
        world = make(folder, lasting=lasting)
        try:
            plane = ControlPlane.create(world)
            plane.start()
            # without it no pod is admitted to the namespace; the controllers make it a moment later
            account = ("get", "serviceaccount/default", "-n", "default")
            world.processes.wait(
                "kube-controller-manager", "service accounts", lambda: _answers(plane, *account)
            )
            if with_node:
                node.start(plane)
                addons.start(plane)
        except BaseException:
            _end(world)
            raise
        return cls(folder, plane, time.monotonic() - started)

    @property
    def kubeconfig(self) -> Path:
        return self.plane.kubeconfig

    @property
    def processes(self) -> Processes:
        return self.plane.world.processes

    @property
    def environment(self) -> dict[str, str]:
        """For a program that shall work on this cluster, with ``kubectl`` and ``helm`` on PATH."""
        return environment_for(self.kubeconfig)

    def user(self, name: str, group: str = "", *, life: timedelta = timedelta(days=DAYS)) -> Path:
        """A kubeconfig for another user."""
        return self.plane.user(name, group, life=life)

    def run(
        self, command: str, *words: str, stdin: str = "", extra: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """``kubectl`` or ``helm`` with these words, whatever its exit code."""
        return subprocess.run(
            [program(command), *words], input=stdin, env={**self.environment, **(extra or {})},
            capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False,
        )  # fmt: skip

    def kubectl(self, *words: str, stdin: str = "") -> str:
        """What ``kubectl`` writes; it must succeed."""
        finished = self.run("kubectl", *words, stdin=stdin)
        if finished.returncode != 0:
            raise ClusterError(f"kubectl {' '.join(words)}: {finished.stderr.strip()}")
        return finished.stdout

    def get(self, *words: str) -> Any:
        """``kubectl get … -o json``, parsed."""
        return json.loads(self.kubectl("get", *words, "-o", "json"))

    def apply(self, manifests: str) -> None:
        self.kubectl("apply", "-f", "-", stdin=manifests)

    def helm(self, *words: str) -> str:
        """What ``helm`` writes; it must succeed."""
        finished = self.run("helm", *words)
        if finished.returncode != 0:
            raise ClusterError(f"helm {' '.join(words)}: {finished.stderr.strip()}")
        return finished.stdout

    def simulate(self, nodes: int) -> None:
        """Add nodes whose pods run in name only, by kwok."""
        start_kwok(self.plane, nodes, self.apply)

    def restart_api_server(self) -> None:
        """As an upgrade of the control plane does."""
        self.processes.stop("kube-apiserver")
        self.plane.start_api_server()

    def import_image(self, archive: Path) -> None:
        """Put a docker or OCI archive into the node's own store, so that pods can run it."""
        node.import_image(self.plane.world, archive)

    def stop(self) -> None:
        """End every process, and remove the folder and all that was made for it."""
        _end(self.plane.world)


def _answers(plane: ControlPlane, *words: str) -> bool:
    command: list[str | Path] = [program("kubectl"), f"--kubeconfig={plane.kubeconfig}", *words]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def programs_of(*, with_node: bool) -> tuple[str, ...]:
    """What has to be built for a cluster of this kind, kwok included.

    Raises:
        MissingError: this machine cannot have a node.
    """
    if with_node:
        node.require()
    return (*(NODE if with_node else CONTROL_PLANE), "helm", "kwok")


def environment_for(kubeconfig: Path) -> dict[str, str]:
    folders = {
        str(recipe.folder)
        for recipe in recipes().values()
        if {"kubectl", "helm"} & {*recipe.programs}
    }
    own = Path(kubeconfig).parent / "helm"  # its cache and settings: not the user's
    return {
        **os.environ, "KUBECONFIG": str(kubeconfig), "HELM_CACHE_HOME": f"{own}/cache",
        "HELM_CONFIG_HOME": f"{own}/config", "HELM_DATA_HOME": f"{own}/data",
        "PATH": os.pathsep.join([*sorted(folders), os.environ.get("PATH", "")]),
    }  # fmt: skip


def end(folder: Path) -> None:
    """Stop the cluster in this folder, whoever started it."""
    _end(worlds.found(folder))


def _end(world: worlds.World) -> None:
    if world.slot is not None:
        worlds.leave(world)  # the kernel ends what is inside
    for name in sorted(
        world.processes.names(), key=lambda name: ORDER.index(name) if name in ORDER else -1
    ):
        world.processes.stop(name)
    shutil.rmtree(world.folder)
