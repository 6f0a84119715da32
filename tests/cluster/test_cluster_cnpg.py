"""`database.mode: cnpg` through the Kubernetes target on a real control plane, against a double of the operator:
what is asked of it, what its waits and troubles look like, what stays when all is removed."""

from __future__ import annotations

import base64
import json
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest
import yaml
from support_chart import CHART, Object, plan_for, rendered_with

from barberpro.errors import BarberProError
from barberpro.operations.cluster.facts import read_facts
from barberpro.operations.cluster.parts import check_parts
from barberpro.targets.kubernetes import cnpg
from barberpro.targets.kubernetes.drift import find_drift
from barberpro.targets.kubernetes.many import look_at_all
from barberpro.targets.kubernetes.records import Record
from barberpro.targets.kubernetes.target import KubernetesTarget
from barberpro.targets.protocol import PassingFaultError, ServiceState
from testcluster.cluster import Cluster
from testcluster.cnpg import UNRECOVERABLE, Operator, operated

PLAN = plan_for("barbershop", "medium")
ID = PLAN.deployment_id
BACKUP = {"enabled": True, "destination": "s3://copias/caso", "credentialsSecret": "s3"}
GIVEN: dict[str, object] = {
    "database": {"cnpg": {"readReplicas": 2, "backup": BACKUP}},
    # pods in name only: the nodes need no room for them
    "resources": {"cpuRequestPercent": 10},
}
ROOM = {"ephemeral-storage": "900Gi", "cpu": "200", "memory": "900Gi", "pods": "500"}


@pytest.fixture(scope="module")
def said() -> list[str]:
    return []


@pytest.fixture(scope="module")
def operator(cluster: Cluster) -> Iterator[Operator]:
    with operated(cluster) as running:
        yield running


@pytest.fixture(scope="module")
def target(
    cluster: Cluster, operator: Operator, said: list[str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[KubernetesTarget]:
    cluster.simulate(2)
    room = json.dumps({"status": {"allocatable": ROOM, "capacity": ROOM}})
    for number in range(2):
        cluster.kubectl("patch", "node", f"simulated-{number}", "--subresource=status", "-p", room)
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("KUBECONFIG", "PATH", "HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"):
            patch.setenv(name, cluster.environment[name])
        made = KubernetesTarget(home, CHART, home / "backups", said.append)
        yield made
        made.close()
    # a volume of a class that retains them outlives its namespace
    cluster.kubectl("delete", "pv", "--all", "--wait=false")


@pytest.fixture(scope="module")
def deployed(
    target: KubernetesTarget, operator: Operator, cluster: Cluster, said: list[str]
) -> Record:
    """Stages 2 and 3; the second instance finds no node at first."""
    context = cluster.kubectl("config", "current-context").strip()
    record = Record(id=ID, context=context, image="registry.example/app:1", values=GIVEN)
    target.records.save(record)
    operator.mood.crowded = {2}
    target.provision_resources(PLAN)
    target.start_base(PLAN, 1)
    target.start_specialized(PLAN, 1)
    return target.records.required(ID)


def until(what: str, true: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.2)


def database(target: KubernetesTarget) -> ServiceState:
    return next(one for one in target.services(ID) if one.name == "database")


def test_the_api_server_takes_what_the_chart_says_and_nothing_else(
    cluster: Cluster, operator: Operator
) -> None:
    """In strict validation, against definitions of what is documented; all modes of the chart."""
    cluster.kubectl("create", "namespace", "strict")
    try:
        for extra in ({}, GIVEN):
            found = rendered_with(PLAN, extra=extra)
            asked = [one for one in found if "cnpg.io" in one["apiVersion"]]
            for one in asked:
                one["metadata"]["namespace"] = "strict"
            words = ("apply", "--dry-run=server", "--validate=strict", "-f", "-")
            cluster.kubectl(*words, stdin=yaml.safe_dump_all(asked))
            wrong: Object = {**asked[0], "spec": {**asked[0]["spec"], "instance": 3}}
            refused = cluster.run("kubectl", *words, stdin=yaml.safe_dump(wrong))
            assert 'unknown field "spec.instance"' in refused.stderr
    finally:
        cluster.kubectl("delete", "namespace", "strict", "--wait=false")


def test_cluster_check_finds_the_operator(target: KubernetesTarget, deployed: Record) -> None:
    seen = read_facts(target.site(deployed).kubectl, [{"verb": "get", "resource": "pods"}])
    assert "CloudNativePG looks after the database" in {
        one.what for one in check_parts(seen, "medium")
    }


def test_it_is_chosen_from_the_medium_market_on_and_waited_for_in_words(
    deployed: Record, target: KubernetesTarget, operator: Operator, said: list[str]
) -> None:
    assert deployed.database_mode == "cnpg"
    assert any(line.startswith("database: 0 of 3 instances ready") for line in said), said
    # its primary is enough to begin with; what its replicas wait for is told
    until("the second is missed", lambda: "Creating" in database(target).detail)
    assert database(target).detail == "1 of 3 instances ready: Creating a new replica"
    assert database(target).state == "running"


def test_what_the_operator_makes_is_what_the_app_is_told(
    deployed: Record, cluster: Cluster, operator: Operator
) -> None:
    names = {one["metadata"]["name"] for one in cluster.get("services", "-n", ID)["items"]}
    assert {"database-rw", "database-ro", "database-r"} <= names
    secret = cluster.get("secret", "database-app", "-n", ID)["data"]
    ways = {"database-url": "pooler", "database-direct-url": "rw", "database-replica-url": "ro"}
    for key, way in ways.items():
        url = base64.b64decode(secret[key]).decode()
        assert f"@database-{way}:5432/" in url
        assert "sslmode=verify-full" in url
    assert {"database-rw", "database-ro", "database-pooler"} <= names
    pooler = cluster.get("pooler.postgresql.cnpg.io", "database-pooler", "-n", ID)
    assert pooler["status"]["phase"] == "active"
    mounted = cluster.get("deployment", "booking", "-n", ID)["spec"]["template"]["spec"]["volumes"]
    assert "database-ca" in json.dumps(mounted)
    assert "ca.crt" in cluster.get("secret", "database-ca", "-n", ID)["data"]


def test_a_database_that_lost_its_primary_is_told_until_another_serves(
    deployed: Record, target: KubernetesTarget, operator: Operator, cluster: Cluster
) -> None:
    operator.mood.crowded = set()
    cluster.kubectl("delete", "pod", "database-2", "-n", ID, "--wait=false")
    until("all are ready", lambda: database(target).detail == "3 of 3 instances ready")
    site = target.site(deployed)
    before = cluster.get("cluster.postgresql.cnpg.io", "database", "-n", ID)["status"]
    operator.fail_over(ID)

    def primary() -> str:
        found = cluster.get("cluster.postgresql.cnpg.io", "database", "-n", ID)
        return str(found["status"]["currentPrimary"])

    until("another is primary", lambda: primary() != before["currentPrimary"])
    lines: list[str] = []
    cnpg.wait_for(site, seconds=60, say=lines.append)
    until("the lost one is back", lambda: database(target).detail == "3 of 3 instances ready")
    leads = cluster.get("endpoints", "database-rw", "-n", ID)["subsets"][0]["addresses"]
    assert [one["targetRef"]["name"] for one in leads] == [primary()]
    assert look_at_all([deployed]).services[ID] == target.services(ID)


def test_backups_and_archive_that_fail_are_told(
    deployed: Record, target: KubernetesTarget, operator: Operator, cluster: Cluster
) -> None:
    def detail() -> str:
        return database(target).detail

    until("the first backup is taken", lambda: bool(cluster.get("backups", "-n", ID)["items"]))
    operator.mood.backup_error = "no such bucket"
    operator.mood.archive_error = "access denied"
    cluster.apply(yaml.safe_dump({
        "apiVersion": "postgresql.cnpg.io/v1", "kind": "Backup", "metadata": {"name": "by-hand", "namespace": ID},
        "spec": {"cluster": {"name": "database"}, "method": "plugin"},
    }))  # fmt: skip
    until("it is told", lambda: "the last backup failed: no such bucket" in detail(), 20)
    assert "the log is not archived: access denied" in detail()
    operator.mood.backup_error = operator.mood.archive_error = ""
    cluster.kubectl("delete", "backup", "by-hand", "-n", ID)
    until("all is well again", lambda: detail() == "3 of 3 instances ready")


@pytest.mark.parametrize(
    ("phase", "reason", "mend"),
    [
        (UNRECOVERABLE, "all instances lost their volumes", "restore"),
        ("Not enough disk space", "database-1", "storageGb"),
    ],
)
def test_what_waiting_does_not_mend_is_told_at_once(
    phase: str,
    reason: str,
    mend: str,
    deployed: Record,
    target: KubernetesTarget,
    operator: Operator,
) -> None:
    operator.mood.stuck, operator.mood.reason = phase, reason
    try:
        until("it is told", lambda: database(target).state == "failed")
        with pytest.raises(BarberProError, match=reason) as told:
            cnpg.wait_for(target.site(deployed), seconds=60, say=lambda _line: None)
        assert mend in told.value.mend
        assert not isinstance(told.value, PassingFaultError)
        assert "kubectl" in told.value.where
    finally:
        operator.mood.stuck = operator.mood.reason = ""
    until("it is well again", lambda: database(target).state == "running")


def test_an_operator_that_is_away_is_waited_for_and_named(
    cluster: Cluster, target: KubernetesTarget, operator: Operator, deployed: Record
) -> None:
    operator.mood.asleep = True
    other = target.site(deployed.model_copy(update={"id": "unseen"}))
    cluster.kubectl("create", "namespace", "unseen")
    try:
        with pytest.raises(PassingFaultError, match="not looked at by its operator yet"):
            cnpg.wait_for(other, seconds=0, say=lambda _line: None)
    finally:
        operator.mood.asleep = False
        cluster.kubectl("delete", "namespace", "unseen", "--wait=false")


def test_what_was_changed_by_hand_in_it_is_seen(
    deployed: Record, target: KubernetesTarget, cluster: Cluster
) -> None:
    site, helm = target.site(deployed), target.helm(deployed)
    assert find_drift(site, helm) == []
    patch = json.dumps({"spec": {"instances": 4, "enablePDB": False}})
    cluster.kubectl("patch", "cluster.postgresql.cnpg.io", "database", "-n", ID, "--type=merge", "-p", patch)  # fmt: skip
    try:
        found = {one.object: " ".join(one.lines) for one in find_drift(site, helm)}
        assert found.keys() == {"Cluster/database"}
        assert "instances: 4" in found["Cluster/database"]
    finally:
        back = patch.replace("4", "3").replace("false", "true")
        cluster.kubectl("patch", "cluster.postgresql.cnpg.io", "database", "-n", ID, "--type=merge", "-p", back)  # fmt: skip


def test_destroying_says_what_stays(
    deployed: Record, target: KubernetesTarget, cluster: Cluster
) -> None:
    """Last: volumes that their class retains, and backups elsewhere."""
    report = target.destroy(ID, keep_backup=False)
    assert "kept: archive and backups in s3://copias/caso" in report.detail
    for serial in (1, 2, 3):
        assert f"kept: volume {ID}-database-{serial}" in report.detail
    gone = cluster.run("kubectl", "get", "namespace", ID)
    assert isinstance(gone, subprocess.CompletedProcess)
    assert gone.returncode != 0
