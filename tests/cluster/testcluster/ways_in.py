"""The way in from outside, for the tests that need one: Traefik for Ingress and Gateway API at the node's
own address, and cert-manager. They run beside the node, as the addons do, and start when first asked for."""

from __future__ import annotations

import base64
import socket
from dataclasses import dataclass
from pathlib import Path

from testcluster import addons, node
from testcluster.cluster import Cluster
from testcluster.images import Image
from testcluster.programs import program

RECIPES = ("traefik", "cert-manager")
CLASS = "traefik"  # of Ingress and of Gateway
SOLVER = "localhost/acmesolver:1"
NAMESPACE = "cert-manager"


@dataclass(frozen=True, slots=True)
class WayIn:
    """``address`` answers on ports 80 and 443; ``outside`` is where the node finds this machine."""

    cluster: Cluster
    address: str
    outside: str


def start_ingress(cluster: Cluster) -> WayIn:
    """Traefik at the node's address, with the classes ``traefik``.

    Raises:
        ClusterError: it did not start; with the end of its log.
    """
    world, folder = cluster.plane.world, program("traefik").parent
    for crd in sorted(folder.glob("*.yaml")):
        cluster.kubectl("apply", "--server-side", "-f", str(crd))
    cluster.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
    cluster.apply((addons.MANIFESTS / "ingress.yaml").read_text(encoding="utf-8"))
    world.processes.start("traefik", [
        "env", f"KUBECONFIG={cluster.kubeconfig}", program("traefik"), "--log.level=INFO",
        f"--entrypoints.web.address={world.address}:80", f"--entrypoints.websecure.address={world.address}:443",
        "--providers.kubernetesingress=true", "--providers.kubernetescrd=true", "--providers.kubernetesgateway=true",
        f"--providers.kubernetesingress.ingressendpoint.ip={world.address}",
        f"--providers.kubernetesgateway.statusaddress.ip={world.address}",
        "--global.checknewversion=false", "--global.sendanonymoususage=false",
        # a change is seen at once; the default of two seconds spares busy clusters
        "--providers.providersthrottleduration=200ms",
    ])  # fmt: skip
    world.processes.wait("traefik", "listens", lambda: _listens(world.address, 443))
    return WayIn(cluster, world.address, world.address.rsplit(".", 1)[0] + ".1")


def start_cert_manager(cluster: Cluster, nameserver: str) -> None:
    """cert-manager's controller, which asks ``nameserver`` (host:port) whether a challenge can be seen."""
    world, recipe = cluster.plane.world, program("cert-manager").parent
    for crd in sorted(recipe.glob("*.yaml")):
        cluster.kubectl("apply", "--server-side", "-f", str(crd))
    cluster.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
    solver = Image(
        SOLVER, {"acmesolver": program("acmesolver")}, ("/acmesolver",), user="65532:65532"
    )
    node.import_image(world, solver.write(world.folder / "acmesolver.tar"))
    cluster.kubectl("create", "namespace", NAMESPACE)
    world.processes.start("cert-manager", [
        program("cert-manager"), f"--kubeconfig={cluster.kubeconfig}", f"--acme-http01-solver-image={SOLVER}",
        f"--nameservers={nameserver}",
    ])  # fmt: skip
    world.processes.wait(
        "cert-manager",
        "controllers run",
        lambda: "controllers run" in world.processes.log("cert-manager", 999),
    )


def issuer(name: str, directory: str, roots: Path, solver: dict[str, object]) -> dict[str, object]:
    """A ClusterIssuer by ACME, as an operator writes it."""
    return {
        "apiVersion": "cert-manager.io/v1", "kind": "ClusterIssuer", "metadata": {"name": name},
        "spec": {"acme": {
            "server": directory, "caBundle": base64.b64encode(roots.read_bytes()).decode(),
            "privateKeySecretRef": {"name": f"{name}-account"}, "solvers": [solver],
        }},
    }  # fmt: skip


def _listens(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), 1).close()
    except OSError:
        return False
    return True
