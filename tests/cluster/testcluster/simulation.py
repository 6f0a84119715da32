"""Nodes and pods in name only, by kwok: a thousand deployments without their memory."""

from __future__ import annotations

from collections.abc import Callable

import yaml

from testcluster.control_plane import ControlPlane
from testcluster.programs import program

MARK = "kwok.x-k8s.io/node"
LABELS = {"beta.kubernetes.io/os": "linux", "kubernetes.io/os": "linux", "type": "kwok"}
ROOM = {"cpu": "64", "memory": "256Gi", "pods": "500"}


def start_kwok(plane: ControlPlane, nodes: int, apply: Callable[[str], None]) -> None:
    """Start kwok, which does nothing without its stages, and add ``nodes``."""
    binary = program("kwok")
    stages = sorted(binary.parent.glob("*.yaml"))
    processes = plane.world.processes
    if processes.find("kwok") is None:
        processes.start("kwok", [
            binary, f"--kubeconfig={plane.kubeconfig}", f"--manage-nodes-with-annotation-selector={MARK}=fake",
            *(f"--config={stage}" for stage in stages),
        ])  # fmt: skip
    apply(yaml.safe_dump_all(_node(number) for number in range(nodes)))


def _node(number: int) -> dict[str, object]:
    name = f"simulated-{number}"
    labels = {
        **LABELS,
        "kubernetes.io/hostname": name,
        "topology.kubernetes.io/zone": f"zone-{number % 3}",
    }
    return {
        "apiVersion": "v1", "kind": "Node",
        "metadata": {"name": name, "annotations": {MARK: "fake"}, "labels": labels},
        "status": {"allocatable": ROOM, "capacity": ROOM},
    }  # fmt: skip
