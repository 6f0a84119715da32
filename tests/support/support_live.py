"""Brands on real pods: an operator of a cluster with a node, and the database beside it on this machine."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from support_operator import Operator
from support_postgres import TestServer

from testcluster.app_image import AppImage
from testcluster.cluster import Cluster

PLACE = ("--market", "small", "--region", "argentina-central")
SECONDS = 700
# the scheme of the chart's own database: docs/explanation/kubernetes-target.md
SCHEME = """
CREATE ROLE {owner} LOGIN;
CREATE ROLE {app} LOGIN;
CREATE DATABASE {name} OWNER {owner};
"""
GRANTS = """
CREATE EXTENSION IF NOT EXISTS btree_gist;
GRANT USAGE ON SCHEMA public TO {app};
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {app};
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT USAGE, SELECT ON SEQUENCES TO {app};
"""


@dataclass(frozen=True)
class Ground:
    """A cluster whose node has the app's image, an operator who sees it, and a database server that
    its pods reach."""

    cluster: Cluster
    operator: Operator
    image: AppImage
    server: TestServer
    address: str

    def values(self, deployment: str, **more: object) -> Path:
        """A file for ``--kube-values``; the database is made where it is not there."""
        name = f"live_{deployment.replace('-', '_')}"
        words = {"name": name, "owner": f"{name}_owner", "app": f"{name}_app"}
        file = self.operator.home / f"{deployment}.json"
        if not file.exists():
            for statement in SCHEME.format(**words).strip().splitlines():
                self.server.execute(statement)
            psql(self.server, name, GRANTS.format(**words))
        place = f"{self.address}:5432/{name}?sslmode=disable"
        database = {
            "mode": "external",
            "external": {
                "appUrl": f"postgresql://{words['app']}@{place}",
                "ownerUrl": f"postgresql://{words['owner']}@{place}",
                "allowPlaintext": True,  # the same machine as the cluster
            },
        }
        file.write_text(json.dumps({"database": database, **more}), encoding="utf-8")
        return file

    @property
    def chart(self) -> Path:
        return self.operator.repository / "chart" / "barberpro"

    def empty(self, deployment: str) -> None:
        """The deployment's database as it was made, for another first deployment."""
        name = f"live_{deployment.replace('-', '_')}"
        self.server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        self.server.execute(f"CREATE DATABASE {name} OWNER {name}_owner")
        psql(self.server, name, GRANTS.format(owner=f"{name}_owner", app=f"{name}_app"))

    def words(self, vertical: str, name: str, values: Path | None = None) -> list[str]:
        """A deploy to this cluster; without ``values`` with those of before."""
        given = ["--kube-values", str(values)] if values else []
        return [
            "deploy", "--vertical", vertical, "--name", name, *PLACE, "--target", "kubernetes",
            "--provider", "on-premises", "--image", self.image.tag, *given, "--yes",
        ]  # fmt: skip

    def deploy(
        self, vertical: str, name: str, deployment: str, *flags: str, **more: object
    ) -> subprocess.CompletedProcess[str]:
        """One command, which must succeed; ``flags`` are added to it, ``more`` to its values."""
        words = self.words(vertical, name, self.values(deployment, **more))
        finished = self.operator.run(*words, *flags, timeout=SECONDS)
        assert finished.returncode == 0, f"{words}\n{finished.stdout}\n{finished.stderr}"
        return finished

    def in_namespace(self, deployment: str) -> dict[str, str]:
        """For commands that name no namespace, as an operator who has chosen one."""
        file = self.operator.home / f"{deployment}.kubeconfig"
        shutil.copy(self.cluster.kubeconfig, file)
        environment = {**self.cluster.environment, "KUBECONFIG": str(file)}
        command = ["kubectl", "config", "set-context", "--current", f"--namespace={deployment}"]
        subprocess.run(command, env=environment, check=True, capture_output=True)
        return environment

    def kubectl(self, *words: str) -> str:
        return self.cluster.kubectl(*words)


def psql(server: TestServer, database: str, statements: str) -> None:
    with psycopg.connect(server.url(database), autocommit=True) as connection:
        connection.execute(statements.encode())


@contextmanager
def ground(cluster: Cluster, image: AppImage) -> Iterator[Ground]:
    """The cluster goes on living; operator and database end."""
    slot = cluster.plane.world.slot
    address = f"10.213.{slot}.1"
    server = TestServer.start(listen_addresses=address, max_connections="600")
    operator = Operator.create("home")
    try:
        rules = server.memory / "data" / "pg_hba.conf"
        rules.write_text(f"{rules.read_text()}\nhost all all 10.213.{slot}.0/30 trust\n")
        server.execute("SELECT pg_reload_conf()")
        operator.environment.update(
            {name: cluster.environment[name] for name in ("KUBECONFIG", "PATH")}
            | {name: v for name, v in cluster.environment.items() if name.startswith("HELM_")}
        )
        cluster.import_image(image.archive)
        yield Ground(cluster, operator, image, server, address)
    finally:
        operator.leave()
        server.stop()
