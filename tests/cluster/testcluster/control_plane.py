"""A control plane of one machine: etcd, API server, controllers, scheduler; no root needed."""

from __future__ import annotations

import base64
import json
import socket
import ssl
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import yaml

from testcluster.certificates import DAYS, Authority, signing_pair
from testcluster.programs import program
from testcluster.worlds import World

NODE = "node-1"
SERVICES = "10.96.0.0/16"
FIRST_SERVICE = "10.96.0.1"
PODS = "10.244.0.0/16"
PORTS = {"api": 6443, "etcd": 2379, "etcd-peer": 2380, "controllers": 10257, "scheduler": 10259}
COMPONENTS = {
    "admin": ("kubernetes-admin", "system:masters"),
    "controllers": ("system:kube-controller-manager", ""),
    "scheduler": ("system:kube-scheduler", ""),
    "kube-proxy": ("system:kube-proxy", ""),
}


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """The certificates, ports and processes of one control plane in ``world``."""

    world: World
    authority: Authority
    ports: dict[str, int]

    @classmethod
    def create(cls, world: World) -> ControlPlane:
        """Write its certificates and kubeconfigs; nothing runs yet."""
        pki = world.folder / "pki"
        pki.mkdir()
        authority, address = Authority.create(pki, "ca"), world.address
        names = (
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            "localhost",
            "127.0.0.1",
            address,
            FIRST_SERVICE,
        )
        authority.issue("apiserver", "kube-apiserver", names=names)
        authority.issue(
            "kubelet", f"system:node:{NODE}", "system:nodes", (NODE, "localhost", address)
        )
        Authority.create(pki, "front-proxy-ca").issue("front-proxy", "front-proxy-client")
        signing_pair(pki, "accounts")
        # in namespaces of its own a cluster has all ports to itself
        ports = PORTS if world.slot is not None else _free_ports()
        (world.folder / "ports.json").write_text(json.dumps(ports), encoding="utf-8")
        plane = cls(world, authority, ports)
        for file, (user, group) in COMPONENTS.items():
            authority.issue(file, user, group)
            plane.write_kubeconfig(world.folder / f"{file}.kubeconfig", file)
        plane.write_kubeconfig(world.folder / "kubelet.kubeconfig", "kubelet")
        return plane

    @property
    def url(self) -> str:
        return f"https://{self.world.address}:{self.ports['api']}"

    @property
    def kubeconfig(self) -> Path:
        return self.world.folder / "admin.kubeconfig"

    def user(self, name: str, group: str = "", *, life: timedelta = timedelta(days=DAYS)) -> Path:
        """A kubeconfig for somebody else, who has no rights until some are given."""
        file = f"user-{name}"
        self.authority.issue(file, name, group, life=life)
        path = self.world.folder / f"{file}.kubeconfig"
        self.write_kubeconfig(path, file)
        return path

    def write_kubeconfig(self, path: Path, file: str) -> None:
        """A kubeconfig with the certificate ``pki/<file>`` in it; its one context is ``barberpro-test``."""
        pki = self.world.folder / "pki"
        cluster = {"server": self.url, "certificate-authority-data": _text(pki / "ca.crt")}
        user = {
            "client-certificate-data": _text(pki / f"{file}.crt"),
            "client-key-data": _text(pki / f"{file}.key"),
        }
        context = {"cluster": "barberpro-test", "user": file}
        path.touch(mode=0o600)
        document: dict[str, Any] = {
            "apiVersion": "v1", "kind": "Config", "current-context": "barberpro-test",
            "clusters": [{"name": "barberpro-test", "cluster": cluster}],
            "users": [{"name": file, "user": user}],
            "contexts": [{"name": "barberpro-test", "context": context}],
        }  # fmt: skip
        path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")

    def start(self) -> None:
        """Start all four and wait until the API server is ready."""
        self._etcd()
        self.start_api_server()
        self.start_controllers()

    def _etcd(self) -> None:
        client, peer = (f"http://127.0.0.1:{self.ports[name]}" for name in ("etcd", "etcd-peer"))
        self.world.processes.start("etcd", [
            program("etcd"), "--data-dir", self.world.folder / "etcd", "--unsafe-no-fsync", "--log-level", "warn",
            "--listen-client-urls", client, "--advertise-client-urls", client,
            "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}",
        ])  # fmt: skip

    def start_api_server(self) -> None:
        """Start the API server, the first time or again, and wait until it is ready."""
        pki, address = self.world.folder / "pki", self.world.address
        # pods find the API server by its address; on loopback there are none
        endpoints = "none" if self.world.slot is None else "lease"
        options = {
            "etcd-servers": f"http://127.0.0.1:{self.ports['etcd']}",
            "bind-address": address, "advertise-address": address, "secure-port": self.ports["api"],
            "endpoint-reconciler-type": endpoints, "kubelet-preferred-address-types": "InternalIP",
            "tls-cert-file": pki / "apiserver.crt", "tls-private-key-file": pki / "apiserver.key",
            "client-ca-file": pki / "ca.crt",
            "kubelet-client-certificate": pki / "admin.crt", "kubelet-client-key": pki / "admin.key",
            "service-account-key-file": pki / "accounts.pub", "service-account-signing-key-file": pki / "accounts.key",
            "service-account-issuer": "https://kubernetes.default.svc", "service-cluster-ip-range": SERVICES,
            "authorization-mode": "Node,RBAC", "enable-admission-plugins": "NodeRestriction",
            "requestheader-client-ca-file": pki / "front-proxy-ca.crt",
            "requestheader-allowed-names": "front-proxy-client",
            "requestheader-extra-headers-prefix": "X-Remote-Extra-", "requestheader-group-headers": "X-Remote-Group",
            "requestheader-username-headers": "X-Remote-User",
            "proxy-client-cert-file": pki / "front-proxy.crt", "proxy-client-key-file": pki / "front-proxy.key",
            "enable-aggregator-routing": "true", "allow-privileged": "false",
        }  # fmt: skip
        processes = self.world.processes
        processes.start("kube-apiserver", [program("kube-apiserver"), *_flags(options)])
        processes.wait("kube-apiserver", "ready", self.is_ready)

    def start_controllers(self) -> None:
        """They need the API server's own roles, which it makes before it says that it is ready."""
        folder = self.world.folder
        manager, scheduler = folder / "controllers.kubeconfig", folder / "scheduler.kubeconfig"
        options = {
            "kubeconfig": manager, "authentication-kubeconfig": manager, "authorization-kubeconfig": manager,
            "bind-address": "127.0.0.1", "secure-port": self.ports["controllers"], "leader-elect": "false",
            "use-service-account-credentials": "true",
            "service-account-private-key-file": folder / "pki/accounts.key", "root-ca-file": folder / "pki/ca.crt",
            "cluster-signing-cert-file": folder / "pki/ca.crt", "cluster-signing-key-file": folder / "pki/ca.key",
            "allocate-node-cidrs": "true", "cluster-cidr": PODS, "cert-dir": folder / "certs",
        }  # fmt: skip
        processes = self.world.processes
        processes.start(
            "kube-controller-manager", [program("kube-controller-manager"), *_flags(options)]
        )
        options = {
            "kubeconfig": scheduler, "authentication-kubeconfig": scheduler, "authorization-kubeconfig": scheduler,
            "bind-address": "127.0.0.1", "secure-port": self.ports["scheduler"], "leader-elect": "false",
            "cert-dir": folder / "certs",
        }  # fmt: skip
        processes.start("kube-scheduler", [program("kube-scheduler"), *_flags(options)])

    def is_ready(self) -> bool:
        """What ``/readyz`` says."""
        pki = self.world.folder / "pki"
        context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
        context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
        try:
            return (
                httpx.get(f"{self.url}/readyz", verify=context, timeout=5).status_code
                == httpx.codes.OK
            )
        except httpx.TransportError:
            return False


def _flags(options: dict[str, Any]) -> list[str]:
    return [f"--{name}={value}" for name, value in options.items()]


def _text(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode("ascii")


def _free_ports() -> dict[str, int]:
    held = {name: socket.create_server(("127.0.0.1", 0)) for name in PORTS}
    ports = {name: server.getsockname()[1] for name, server in held.items()}
    for server in held.values():
        server.close()
    return ports
