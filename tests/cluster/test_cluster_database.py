"""`database.mode: bundled` on a real node: PostgreSQL comes up from nothing, lets nobody in without TLS,
and has the same data and passwords after an upgrade and after its pod was killed."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support_chart import CHART, plan_for

from barberpro.targets.kubernetes.values import Image, Installation, Values, make_values
from testcluster.app_image import AppImage
from testcluster.cluster import Cluster
from testcluster.pods import until

pytestmark = pytest.mark.timeout(600)

PLAN = plan_for("barbershop", "small")
NAMESPACE = "database-bundled"
APP, OWNER = PLAN.database.app_role, PLAN.database.owner_role


class Server:
    """The database's release in a namespace of its own, without the app."""

    def __init__(self, cluster: Cluster, image: AppImage, folder: Path) -> None:
        self.cluster, self._image, self._folder = cluster, image, folder

    def release(self, **changes: object) -> None:
        values: Values = make_values(
            PLAN, 1, Installation(image=Image("unused", "1"), database_mode="bundled"), processes=False
        )  # fmt: skip
        known = values["database"]
        assert isinstance(known, dict)
        small = {"cpuMillicores": 100, "memoryMib": 256, "storageGb": 1, "maxConnections": 50}
        values["database"] = {**known, **small, "bundled": {"image": self._image.tag}, **changes}
        path = self._folder / "values.json"
        path.write_text(json.dumps(values))
        self.cluster.helm(
            "upgrade", "barberpro", str(CHART), "--install", "-n", NAMESPACE, "-f", str(path), "--wait",
            "--timeout", "110s",
        )  # fmt: skip

    def ask(
        self, statement: str, *, role: str = APP, tls: str = "verify-full", host: str = "database"
    ) -> tuple[int, str]:
        """As a client that comes by the network: exit code and answer."""
        secret = "owner" if role == OWNER else "app"
        script = (
            f"PGPASSWORD=$(cat /run/secrets/{secret}/password) exec psql -XqtA -v ON_ERROR_STOP=1 "
            f"'host={host} user={role} dbname={PLAN.database.name} sslmode={tls} "
            'sslrootcert=/run/secrets/tls/ca.crt\' -c "$0"'
        )
        done = self.cluster.run(
            "kubectl", "exec", "database-0", "-n", NAMESPACE, "--", "sh", "-c", script, statement
        )
        return done.returncode, (done.stdout + done.stderr).strip()

    def pod(self) -> str:
        """Which it is; empty while there is none."""
        words = ("get", "pod", "database-0", "-n", NAMESPACE, "--ignore-not-found")
        return self.cluster.kubectl(*words, "-o", "jsonpath={.metadata.uid}")

    def secrets(self) -> dict[str, dict[str, str]]:
        found = self.cluster.get("secrets", "-n", NAMESPACE)["items"]
        return {
            one["metadata"]["name"]: one["data"]
            for one in found
            if one["metadata"]["name"].startswith("database-")
        }


@pytest.fixture(scope="module")
def server(
    node_cluster: Cluster, database_image: AppImage, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    node_cluster.import_image(database_image.archive)
    node_cluster.kubectl("create", "namespace", NAMESPACE)
    enforce = "pod-security.kubernetes.io/enforce=restricted"
    node_cluster.kubectl("label", "namespace", NAMESPACE, enforce)
    made = Server(node_cluster, database_image, tmp_path_factory.mktemp("values"))
    made.release()
    yield made
    node_cluster.kubectl("delete", "namespace", NAMESPACE, "--wait=false")


def test_it_is_reached_by_tls_with_its_own_certificate_alone(server: Server) -> None:
    connection = "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
    assert server.ask(connection) == (0, "TLSv1.3")
    code, said = server.ask("SELECT 1", tls="disable")
    assert code != 0
    assert "no encryption" in said
    code, said = server.ask("SELECT 1", host="127.0.0.1")
    assert code != 0
    assert "does not match host name" in said
    code, said = server.ask("SELECT 1", role="postgres")
    assert code != 0
    assert "pg_hba.conf" in said
    noon = "SELECT extract(hour FROM timestamptz '2026-01-01 12:00Z' AT TIME ZONE 'America/Argentina/Cordoba')"
    assert server.ask(noon) == (0, "9")
    assert server.ask("CREATE TABLE mine (a int)")[0] != 0  # the app may not change the schema


def test_data_and_passwords_survive_an_upgrade_and_a_killed_pod(server: Server) -> None:
    made = "CREATE TABLE kept (a int); INSERT INTO kept VALUES (41)"
    assert server.ask(made, role=OWNER) == (0, "")
    secrets, pod = server.secrets(), server.pod()
    assert secrets.keys() == {"database-app", "database-owner", "database-tls"}
    server.release(maxConnections=60, storageGb=9)  # the claim stays as it was made
    assert server.pod() != pod
    assert server.ask("UPDATE kept SET a = a + 1 RETURNING a") == (0, "42")
    assert server.ask("SHOW max_connections") == (0, "60")
    pod = server.pod()
    cluster = server.cluster
    cluster.kubectl("delete", "pod", "database-0", "-n", NAMESPACE, "--wait=false")
    until("another pod is there", lambda: server.pod() not in ("", pod), 120)
    until("it answers", lambda: server.ask("SELECT a FROM kept") == (0, "42"), 120)
    assert server.secrets() == secrets
    said = cluster.kubectl("logs", "database-0", "-n", NAMESPACE)
    values = cluster.helm("get", "values", "barberpro", "-n", NAMESPACE, "--all")
    for role in ("app", "owner"):
        password = base64.b64decode(secrets[f"database-{role}"]["password"]).decode()
        assert len(password) == 40
        assert password not in said
        assert password not in values
