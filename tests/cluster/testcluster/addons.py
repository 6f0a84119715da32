"""What a cluster is expected to have beside its node: names, metrics, volumes.

They run as processes beside the node with a Service and an endpoint where one is needed, so that
no image has to be built for them.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from testcluster.control_plane import ControlPlane
from testcluster.errors import ClusterError
from testcluster.node import BUSYBOX
from testcluster.programs import program

MANIFESTS = Path(__file__).with_name("manifests")
METRICS_PORT = 14443


def start(plane: ControlPlane) -> None:
    """Start DNS, the metrics API and a default storage class whose volumes are folders."""
    apply(plane, _text("kube-proxy.yaml"))
    _names(plane)
    _metrics(plane)
    _volumes(plane)


def apply(plane: ControlPlane, manifests: str) -> None:
    finished = subprocess.run(
        [program("kubectl"), f"--kubeconfig={plane.kubeconfig}", "apply", "-f", "-"],
        input=manifests, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if finished.returncode != 0:
        raise ClusterError(f"could not be applied: {finished.stderr.strip()}")


def _text(name: str, **values: str) -> str:
    text = (MANIFESTS / name).read_text(encoding="utf-8")
    for key, value in values.items():
        text = text.replace(f"@{key}@", value)
    return text


def _names(plane: ControlPlane) -> None:
    world = plane.world
    path = world.folder / "Corefile"
    values = {"address": world.address, "kubeconfig": str(plane.kubeconfig)}
    path.write_text(_text("Corefile", **values), encoding="utf-8")
    world.processes.start("coredns", [program("coredns"), "-conf", path])


def _metrics(plane: ControlPlane) -> None:
    world, kubeconfig = plane.world, plane.kubeconfig
    world.processes.start("metrics-server", [
        program("metrics-server"), f"--kubeconfig={kubeconfig}", f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}", f"--bind-address={world.address}",
        f"--secure-port={METRICS_PORT}", f"--cert-dir={world.folder}/metrics-server",
        f"--kubelet-certificate-authority={world.folder}/pki/ca.crt",
        "--kubelet-preferred-address-types=InternalIP",
        # the resolution has to be longer than the time a kubelet is given to answer
        "--metric-resolution=10s", "--kubelet-request-timeout=5s",
    ])  # fmt: skip
    apply(plane, _text("metrics.yaml", address=world.address, port=str(METRICS_PORT)))


def _volumes(plane: ControlPlane) -> None:
    folder = plane.world.folder
    apply(plane, _text("storage.yaml"))
    paths = {
        "nodePathMap": [
            {"node": "DEFAULT_PATH_FOR_NON_LISTED_NODES", "paths": [f"{folder}/volumes"]}
        ]
    }
    (folder / "volumes.json").write_text(json.dumps(paths), encoding="utf-8")
    (folder / "volume-pod.yaml").write_text(
        _text("volume-pod.yaml", image=BUSYBOX), encoding="utf-8"
    )
    plane.world.processes.start("local-path-provisioner", [
        program("local-path-provisioner"), "start", f"--kubeconfig={plane.kubeconfig}",
        f"--config={folder}/volumes.json", f"--helper-image={BUSYBOX}", f"--helper-pod-file={folder}/volume-pod.yaml",
    ])  # fmt: skip
