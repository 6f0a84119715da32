"""One real node: containerd, kubelet, kube-proxy and a bridge for the pods; needs root.

Debian: containerd runc containernetworking-plugins iptables conntrack busybox-static
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from textwrap import dedent

import yaml

from testcluster.control_plane import NODE, PODS, ControlPlane
from testcluster.errors import ClusterError, MissingError
from testcluster.images import Image
from testcluster.programs import program
from testcluster.worlds import World

TOOLS = {
    "containerd": "containerd", "ctr": "containerd", "runc": "runc", "iptables": "iptables",
    "conntrack": "conntrack", "busybox": "busybox-static",
}  # fmt: skip
PLUGINS = Path("/usr/lib/cni")
POD_RANGE = "10.244.0.0/24"
PAUSE = "localhost/pause:1"
BUSYBOX = "localhost/busybox:1"
APPLETS = (
    "sh",
    "mkdir",
    "rm",
    "cat",
    "ls",
    "sleep",
    "wget",
    "nc",
    "env",
    "id",
    "touch",
    "chmod",
    "nslookup",
)


def require() -> None:
    """Say what this machine lacks.

    Raises:
        MissingError: not root, or Debian packages are missing.
    """
    if os.geteuid() != 0:
        raise MissingError("a node needs root: run as root, or use the control plane alone")
    packages = {package for tool, package in TOOLS.items() if shutil.which(tool) is None}
    if not (PLUGINS / "bridge").exists():
        packages.add("containernetworking-plugins")
    if packages:
        raise MissingError(f"a node needs: apt-get install {' '.join(sorted(packages))}")


def start(plane: ControlPlane) -> None:
    """Start all of the node and wait until it is Ready."""
    world, folder = plane.world, plane.world.folder
    _network(folder)
    _containerd(world)
    pause = Image(PAUSE, {"pause": program("pause")}, ("/pause",), user="65535:65535")
    import_image(world, pause.write(folder / "pause.tar"))
    busybox = Path(str(shutil.which("busybox")))
    links = {f"bin/{applet}": "busybox" for applet in APPLETS}
    shell = Image(BUSYBOX, {"bin/busybox": busybox}, ("/bin/sh",), links)
    import_image(world, shell.write(folder / "busybox.tar"))
    (folder / "kubelet").mkdir()
    (folder / "kubelet.yaml").write_text(yaml.safe_dump(_kubelet(world)), encoding="utf-8")
    processes = world.processes
    processes.start("kubelet", [
        program("kubelet"), f"--config={folder}/kubelet.yaml", f"--kubeconfig={folder}/kubelet.kubeconfig",
        f"--root-dir={folder}/kubelet", f"--cert-dir={folder}/certs",
        f"--hostname-override={NODE}", f"--node-ip={world.address}",
    ])  # fmt: skip
    processes.start("kube-proxy", [
        program("kube-proxy"), f"--kubeconfig={folder}/kube-proxy.kubeconfig", f"--hostname-override={NODE}",
        f"--cluster-cidr={PODS}", "--bind-address=127.0.0.1", "--conntrack-max-per-core=0",
        "--conntrack-tcp-timeout-established=0s", "--conntrack-tcp-timeout-close-wait=0s",
    ])  # fmt: skip
    processes.wait("kubelet", f"{NODE} Ready", lambda: _is_ready(plane))


def import_image(world: World, archive: Path) -> None:
    """Put a docker or OCI archive into the node's store."""
    finished = _ctr(world, "images", "import", str(archive))
    if finished.returncode != 0:
        raise ClusterError(f"{archive} could not be imported: {finished.stderr.strip()}")


def _ctr(world: World, *words: str) -> subprocess.CompletedProcess[str]:
    command = [
        *world.processes.prefix,
        "ctr",
        "--address",
        f"{world.folder}/containerd.sock",
        "-n",
        "k8s.io",
        *words,
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _network(folder: Path) -> None:
    bridge = {
        "type": "bridge", "bridge": "pods", "isGateway": True, "ipMasq": True, "hairpinMode": True,
        "ipam": {"type": "host-local", "ranges": [[{"subnet": POD_RANGE}]], "routes": [{"dst": "0.0.0.0/0"}]},
    }  # fmt: skip
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    (folder / "cni").mkdir()
    document = {"cniVersion": "0.4.0", "name": "pods", "plugins": [bridge, ports]}
    (folder / "cni" / "10-pods.conflist").write_text(json.dumps(document), encoding="utf-8")


def _containerd(world: World) -> None:
    folder = world.folder
    config = folder / "containerd.toml"
    # restrict_oom_score_adj: in a sandbox without CAP_SYS_RESOURCE no pod starts otherwise
    config.write_text(
        dedent(f"""\
        version = 2
        root = "{folder}/containerd/root"
        state = "{folder}/containerd/state"
        [grpc]
          address = "{folder}/containerd.sock"
        [plugins."io.containerd.internal.v1.opt"]
          path = "{folder}/containerd/opt"
        [plugins."io.containerd.grpc.v1.cri"]
          sandbox_image = "{PAUSE}"
          enable_selinux = false
          restrict_oom_score_adj = true
          [plugins."io.containerd.grpc.v1.cri".cni]
            bin_dir = "{PLUGINS}"
            conf_dir = "{folder}/cni"
          [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
            runtime_type = "io.containerd.runc.v2"
            [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
              SystemdCgroup = false
        """),
        encoding="utf-8",
    )
    world.processes.start("containerd", ["containerd", "--config", config])
    world.processes.wait(
        "containerd", "answers", lambda: _ctr(world, "version").returncode == 0, 30
    )


def _kubelet(world: World) -> dict[str, object]:
    pki, folder = world.folder / "pki", world.folder
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False}, "webhook": {"enabled": True}, "x509": {"clientCAFile": f"{pki}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "address": world.address, "healthzBindAddress": "127.0.0.1",
        "tlsCertFile": f"{pki}/kubelet.crt", "tlsPrivateKeyFile": f"{pki}/kubelet.key",
        "containerRuntimeEndpoint": f"unix://{folder}/containerd.sock",
        "cgroupDriver": "cgroupfs", "cgroupRoot": f"/{world.cgroup}", "failSwapOn": False,
        "clusterDNS": [world.address], "clusterDomain": "cluster.local", "resolvConf": "",
        "imageGCHighThresholdPercent": 100, "volumePluginDir": f"{folder}/kubelet-plugins",
        "evictionHard": {"nodefs.available": "1%", "imagefs.available": "1%", "memory.available": "100Mi"},
    }  # fmt: skip


def _is_ready(plane: ControlPlane) -> bool:
    jsonpath = '{.status.conditions[?(@.type=="Ready")].status}'
    finished = subprocess.run(
        [program("kubectl"), f"--kubeconfig={plane.kubeconfig}", "get", f"node/{NODE}", "-o", f"jsonpath={jsonpath}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return finished.stdout == "True"
