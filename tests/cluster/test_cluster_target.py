"""The Kubernetes target on a real control plane, where pods run in name only: what is made, what is
seen when it goes wrong, what is left when it is taken away."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import yaml
from support_app import free_port
from support_chart import CHART, plan_for
from support_planning import plan_of

from barberpro.deployment.context import DeployContext, Surroundings
from barberpro.deployment.outside import look_at_cluster
from barberpro.errors import BarberProError, RefusedError
from barberpro.kube.reader import Reader
from barberpro.operations.fleet.upgrading import UPGRADE, upgrade_factory
from barberpro.operations.publishing import left_on_cluster
from barberpro.planning.findings import Severity
from barberpro.planning.plans import checksum
from barberpro.runs.engine import Engine
from barberpro.runs.outcomes import Json
from barberpro.targets.kubernetes.drift import find_drift
from barberpro.targets.kubernetes.helm import Helm
from barberpro.targets.kubernetes.manifests import objects_of
from barberpro.targets.kubernetes.many import look_at_all
from barberpro.targets.kubernetes.records import Record
from barberpro.targets.kubernetes.suspects import find_suspects
from barberpro.targets.kubernetes.target import KubernetesTarget
from barberpro.targets.protocol import PassingFaultError, Publishing
from testcluster.cluster import Cluster

pytest_plugins = ["support_runs"]

PLAN = plan_for("barbershop", "small")
ID = PLAN.deployment_id
OUTSIDE = {"mode": "external", "external": {"appSecret": "app-url", "ownerSecret": "owner-url"}}
ROOM = {"ephemeral-storage": "500Gi"}


@pytest.fixture(scope="module")
def said() -> list[str]:
    """What the waits said."""
    return []


@pytest.fixture(scope="module")
def target(
    cluster: Cluster, said: list[str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[KubernetesTarget]:
    """A target whose programs see this cluster."""
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


@pytest.fixture(scope="module")
def record(target: KubernetesTarget, cluster: Cluster) -> Record:
    context = cluster.kubectl("config", "current-context").strip()
    made = Record(
        id=ID, context=context, image="registry.example/app:1", database_mode="external",
        values={"database": OUTSIDE},
    )  # fmt: skip
    target.records.save(made)
    return made


@pytest.fixture(scope="module")
def deployed(target: KubernetesTarget, record: Record) -> Helm:
    """Stages 2 and 3, as far as pods in name only take them."""
    target.provision_resources(PLAN)
    target.start_base(PLAN, 1)
    target.start_specialized(PLAN, 1)
    return target.helm(target.records.required(ID))


def test_the_operators_own_helm_and_kubectl_see_what_was_made(
    deployed: Helm, target: KubernetesTarget, cluster: Cluster
) -> None:
    history = json.loads(cluster.helm("history", "barberpro", "-n", ID, "-o", "json"))
    assert [entry["description"] for entry in history] == [
        "what the processes stand on", "barberpro revision 1",
    ]  # fmt: skip
    names = {load.name for load in PLAN.workloads}
    assert {
        one["metadata"]["name"] for one in cluster.get("deployments", "-n", ID)["items"]
    } == names
    assert {state.name for state in target.services(ID) if state.state == "running"} == names
    labels = cluster.get("namespace", ID)["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert "default-deny" in str(target.configure_isolation(PLAN).facts["policies"])
    assert target.apply_configuration(PLAN, 1).detail == "in force already"


def test_a_repetition_changes_nothing(deployed: Helm, target: KubernetesTarget) -> None:
    before = len(deployed.history())
    target.provision_resources(PLAN)
    assert len(deployed.history()) == before
    assert target.configure_mesh(PLAN, 1).not_applicable


def test_keys_stay_the_same_from_revision_to_revision(
    deployed: Helm, target: KubernetesTarget, cluster: Cluster
) -> None:
    first = cluster.get("secret", "app-keys", "-n", ID)["data"]
    cluster.kubectl(
        "patch", "secret", "integration-secrets", "-n", ID, "-p", '{"stringData":{"whatsapp-token":"t"}}'
    )  # fmt: skip
    target.write_configuration(PLAN, 1, "policies", {"hold_minutes": 7})
    assert target.apply_configuration(PLAN, 1).detail == "rolled out with it"
    assert cluster.get("secret", "app-keys", "-n", ID)["data"] == first
    kept = cluster.get("secret", "integration-secrets", "-n", ID)["data"]
    assert "whatsapp-token" in kept
    told = json.loads(cluster.get("configmap", "integration-config", "-n", ID)["data"]["app.json"])
    assert told["policies"] == {**PLAN.application["policies"], "hold_minutes": 7}  # type: ignore[dict-item]


def test_what_was_changed_by_hand_is_seen(
    deployed: Helm, target: KubernetesTarget, cluster: Cluster, record: Record
) -> None:
    site = target.site(record)
    assert find_drift(site, deployed) == []
    manifest = deployed.manifest()
    named = {(one["kind"], one["metadata"]["name"]) for one in yaml.safe_load_all(manifest) if one}
    assert {name for _, name in objects_of(manifest)} == named
    harmless = ("Secret", "integration-secrets")  # a key was added beside ours
    assert suspects(target, record) == {harmless}
    limits = {"containers": [{"name": "booking", "resources": {"limits": {"memory": "2Gi"}}}]}
    patch = json.dumps({"spec": {"template": {"spec": limits}}})
    cluster.kubectl("patch", "deployment", "booking", "-n", ID, "-p", patch)
    cluster.kubectl("delete", "pdb", "client", "-n", ID)
    found = {one.object: " ".join(one.lines) for one in find_drift(site, deployed)}
    assert found.keys() == {"Deployment/booking", "PodDisruptionBudget/client"}
    assert "2Gi" in found["Deployment/booking"]
    touched = {("Deployment", "booking"), ("PodDisruptionBudget", "client")}
    assert suspects(target, record) == {harmless, *touched}


def suspects(target: KubernetesTarget, record: Record) -> frozenset[tuple[str, str]]:
    """What the lists say that has to be compared."""
    reader = Reader(target.releases.context(record))
    try:
        return find_suspects(reader, [record])[ID].objects
    finally:
        reader.close()


def test_a_killed_helm_is_healed(
    deployed: Helm, target: KubernetesTarget, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `kill -9` leaves it: a release that is pending blocks the next one, until it is healed."""
    values = target.releases.values(target.records.required(ID), PLAN, 1)

    def killed() -> None:
        if deployed.history()[-1].status.startswith("pending"):
            raise KeyboardInterrupt

    monkeypatch.setattr(subprocess.Popen, "terminate", subprocess.Popen.kill)
    with pytest.raises(KeyboardInterrupt):
        deployed.upgrade({**values, "logLevel": "debug"}, "cut short", killed)
    assert deployed.history()[-1].status == "pending-upgrade"
    with pytest.raises(PassingFaultError, match="another helm may be at work"):
        deployed.heal()
    monkeypatch.setattr("barberpro.targets.kubernetes.helm.SOMEBODY_AT_WORK", 0.0)
    target.releases.release(target.records.required(ID), PLAN, 1)
    assert "back to Helm revision" in "".join(said)
    assert deployed.history()[-1].status == "deployed"
    assert deployed.heal() == ""


def test_a_quota_that_is_full_is_told_at_once(
    deployed: Helm, target: KubernetesTarget, cluster: Cluster, record: Record
) -> None:
    quota = ["create", "quota", "full", "--hard=pods=1", "-n", ID]
    cluster.kubectl(*quota)
    try:
        cluster.kubectl("rollout", "restart", "deployment/catalog", "-n", ID)
        with pytest.raises(BarberProError, match="exceeded quota") as told:
            target.site(record).wait_for(
                "deployments",
                lambda one: one["metadata"]["name"] == "catalog",
                seconds=60,
                say=print,
            )
        assert "quota" in told.value.mend
    finally:
        cluster.kubectl("delete", "quota", "full", "-n", ID)


def test_an_api_server_that_restarts_is_waited_for(
    deployed: Helm, target: KubernetesTarget, cluster: Cluster, record: Record
) -> None:
    cluster.kubectl("rollout", "restart", "deployment/provider", "-n", ID)
    cluster.restart_api_server()
    done = target.site(record).wait_for(
        "deployments", lambda one: one["metadata"]["name"] == "provider", seconds=120, say=print
    )
    assert len(done) == 1


def test_somebody_elses_namespace_is_refused(
    target: KubernetesTarget, cluster: Cluster, record: Record
) -> None:
    cluster.kubectl("create", "namespace", "taken")
    cluster.kubectl("create", "service", "clusterip", "shop", "--tcp=80", "-n", "taken")
    other = target.site(record.model_copy(update={"id": "taken"}))
    with pytest.raises(RefusedError, match="somebody else's: it holds service/shop") as told:
        other.ensure_namespace()
    assert "--id" in told.value.mend
    with pytest.raises(RefusedError, match="not marked"):
        other.remove_namespace()
    assert cluster.get("service", "shop", "-n", "taken")


def test_a_namespace_that_is_going_is_named_with_what_holds_it(
    target: KubernetesTarget, cluster: Cluster, record: Record
) -> None:
    cluster.kubectl("create", "namespace", "going")
    cluster.apply(json.dumps({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "held", "namespace": "going", "finalizers": ["example.com/never"]},
    }))  # fmt: skip
    cluster.kubectl("delete", "namespace", "going", "--wait=false")
    deadline = time.monotonic() + 60
    while True:
        with pytest.raises(PassingFaultError, match="being removed") as told:
            target.site(record.model_copy(update={"id": "going"})).ensure_namespace()
        if "configmaps" in told.value.what or "finalizer" in told.value.what:
            break
        assert time.monotonic() < deadline, told.value.what
    cluster.kubectl(
        "patch", "configmap", "held", "-n", "going", "--type=merge", "-p", '{"metadata":{"finalizers":null}}'
    )  # fmt: skip


def test_a_domain_is_added_told_what_it_lacks_and_taken_away(
    deployed: Helm, target: KubernetesTarget, cluster: Cluster
) -> None:
    """No controller is here: the address that one would give is written by hand."""
    domain = "turnos.example.com.ar"
    asked = {"vertical": "barbershop", "name": PLAN.request.name, "market": "small"}
    published = plan_of(
        {**asked, "region": "argentina-central"}, target="kubernetes", provider="on-premises", domain=domain
    )  # fmt: skip
    record = target.records.required(ID)
    record.values = {"database": OUTSIDE, "public": {"kind": "ingress"}}
    record.live = 1
    target.records.save(record)
    assert "no ingress is made" in target.configure_load_balancer(PLAN, 1).detail
    target.start_base(published, 2)
    ingress = cluster.get("ingress", "public", "-n", ID)
    assert [rule["host"] for rule in ingress["spec"]["rules"]] == [domain]
    given = json.dumps({"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.10"}]}}})
    cluster.kubectl("patch", "ingress", "public", "-n", ID, "--subresource=status", "-p", given)
    report = target.activate(published, 2)
    assert "Ingress at 192.0.2.10" in report.detail
    unreachable = Publishing(resolvers=(f"127.0.0.1:{free_port()}",))
    seen = SimpleNamespace(plan=published, target=SimpleNamespace(publishing=lambda: unreachable))
    (missing,) = look_at_cluster(cast("DeployContext", seen), report)
    assert missing.what == f"record to be made: {domain} A 192.0.2.10"
    assert missing.severity is Severity.WARNING
    assert f"barberpro public check {domain}" in missing.mend
    left = left_on_cluster(target.records, domain, unreachable.resolvers)
    assert left is not None
    assert f"{domain}. A 192.0.2.10" in left[0]
    target.start_base(PLAN, 3)
    assert cluster.run("kubectl", "get", "ingress", "public", "-n", ID).returncode != 0
    (nothing,) = look_at_cluster(cast("DeployContext", seen), target.activate(PLAN, 3))
    assert "no public way is asked for" in nothing.what


def test_an_upgrade_of_the_fleet_is_one_helm_revision_more_or_taken_back(
    deployed: Helm, target: KubernetesTarget, cluster: Cluster, registry_url: str, tmp_path: Path
) -> None:
    target.activate(PLAN, 1)
    target.releases.many = True
    before = len(deployed.history())
    assert look_at_all(target.records.all()).services[ID] == target.services(ID)
    around = Surroundings(target, lambda id_: tmp_path / id_)
    kinds = {UPGRADE: upgrade_factory(around, target.records)}

    def payload(image: str, now: str, live: int) -> dict[str, Json]:
        options: dict[str, Json] = {
            "image": image, "image_before": now, "previous_revision": live, "rollout": "r",
        }  # fmt: skip
        return {
            "plan": PLAN.model_dump(mode="json"),
            "checksum": checksum(PLAN),
            "options": options,
        }

    with Engine(registry_url, kinds, lambda _event: None) as engine:
        for image, refused in (("registry.example/app:2", False), ("registry.example/app:3", True)):
            record = target.records.required(ID)
            given = payload(image, record.image, record.live or 0)
            if refused:  # by the chart's own schema
                record.values = {**record.values, "nowhere": 1}
                target.records.save(record)
            result = engine.start(UPGRADE, ID, given, reserve_revision=True)
            assert result.status == ("undone" if refused else "done"), result.message
            record = target.records.required(ID)
            assert record.image == "registry.example/app:2"
            pod = cluster.get("deployment", "booking", "-n", ID)["spec"]["template"]["spec"]
            assert pod["containers"][0]["image"] == record.image
            if not refused:
                assert len(deployed.history()) == before + 1
                assert record.live == result.revision
        record.values = {"database": OUTSIDE}
        target.records.save(record)


def test_removing_by_hand_is_noticed_and_destroying_finishes(
    deployed: Helm, target: KubernetesTarget, cluster: Cluster, record: Record
) -> None:
    """Last: nothing is there afterwards."""
    kept = target.records.required(ID)
    kept.live = 1
    target.records.save(kept)
    cluster.helm("uninstall", "barberpro", "-n", ID)
    with pytest.raises(BarberProError, match="helm uninstall by hand"):
        find_drift(target.site(record), deployed)
    assert cluster.get("secret", "app-keys", "-n", ID)  # kept: sealed notes stay readable
    report = target.destroy(ID, keep_backup=True)
    assert "by hand" in report.detail
    assert "the database, which is not ours" in report.detail
    assert cluster.run("kubectl", "get", "namespace", ID).returncode != 0
    assert target.records.find(ID) is None
    assert target.destroy(ID, keep_backup=True).detail.endswith("was not there")


def test_a_deployment_goes_nowhere_by_surprise(cluster: Cluster, tmp_path: Path) -> None:
    """From outside: no image, no such cluster, values that the plan decides."""
    values = tmp_path / "values.yaml"
    values.write_text("workloads: []\n")
    flags = [
        "deploy", "--vertical", "barbershop", "--name", "Otra", "--market", "small", "--region",
        "argentina-central", "--target", "kubernetes", "--provider", "on-premises", "--yes",
    ]  # fmt: skip
    for more, text in (
        ([], "which image"),
        (["--image", "app"], "no version"),
        (["--image", "app:1", "--kube-context", "nowhere"], "nowhere"),
        (["--image", "app:1", "--kube-values", str(values)], "the plan decides these: workloads"),
        (["--image", "app:1", "--kube-values", str(tmp_path / "none")], "cannot be read"),
    ):
        done = subprocess.run(
            ["scripts/barberpro", *flags, *more], capture_output=True, text=True, check=False, timeout=120,
            env={**cluster.environment, "BARBERPRO_HOME": str(tmp_path / "home"),
                 "BARBERPRO_PYTHON": os.environ.get("BARBERPRO_PYTHON", "")},
        )  # fmt: skip
        assert done.returncode == 2, done.stderr
        assert text in done.stderr
        assert "Traceback" not in done.stderr
