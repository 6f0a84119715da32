"""What the chart renders, for all verticals and markets: names, sizes, hardening, and refusals."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support_chart import (
    COMBINATIONS,
    IMAGE,
    Object,
    containers,
    helm,
    installation,
    objects,
    of_kind,
    plan_for,
    pod_specs,
    render,
    rendered,
    rendered_with,
)

from barberpro.targets.kubernetes.values import application, make_values

pytestmark = pytest.mark.skipif(helm() is None, reason="Helm is neither on PATH nor built")
every = pytest.mark.parametrize(("vertical", "market"), COMBINATIONS)


@every
def test_one_workload_each_with_the_names_that_commands_rely_on(vertical: str, market: str) -> None:
    plan, found = plan_for(vertical, market), rendered(vertical, market)
    names = {load.name for load in plan.workloads}
    assert {"api-gateway", "whatsapp-webhook", "calendar-sync", "integration-processor"} < names
    for kind in ("Deployment", "PodDisruptionBudget"):
        assert names <= of_kind(found, kind).keys()
    assert of_kind(found, "Deployment").keys() == names
    assert names <= of_kind(found, "Service").keys()
    assert json.loads(of_kind(found, "ConfigMap")["integration-config"]["data"]["app.json"]) == (
        application(plan, installation())
    )
    assert "integration-secrets" in of_kind(found, "Secret")
    for name, deployment in of_kind(found, "Deployment").items():
        (only,) = deployment["spec"]["template"]["spec"]["containers"]
        assert only["name"] == name  # as in `kubectl patch ... "containers":[{"name":...`
        assert only["image"] == f"{IMAGE.repository}@{IMAGE.digest}"
        assert f"--services={name}" in only["args"]


@every
def test_scaling_follows_the_plan(vertical: str, market: str) -> None:
    plan, found = plan_for(vertical, market), rendered(vertical, market)
    scalers = of_kind(found, "HorizontalPodAutoscaler")
    assert scalers
    for load in plan.workloads:
        if load.replicas_max == load.replicas_min:
            assert load.name not in scalers
            continue
        spec = scalers[load.name]["spec"]
        assert (spec["minReplicas"], spec["maxReplicas"]) == (load.replicas_min, load.replicas_max)
        targets = {
            m["resource"]["name"]: m["resource"]["target"]["averageUtilization"]
            for m in spec["metrics"]
        }
        assert targets == {"cpu": 70, "memory": 80}
        assert spec["behavior"]["scaleUp"]["stabilizationWindowSeconds"] == 120
        assert spec["behavior"]["scaleDown"]["stabilizationWindowSeconds"] == 300
        assert "replicas" not in of_kind(found, "Deployment")[load.name]["spec"]


@every
def test_the_quota_holds_all_replicas_and_an_upgrade_beside_them(
    vertical: str, market: str
) -> None:
    found = rendered(vertical, market)
    hard = of_kind(found, "ResourceQuota")["plan"]["spec"]["hard"]
    cpu = memory = pods = 0
    for name, deployment in of_kind(found, "Deployment").items():
        scaler = of_kind(found, "HorizontalPodAutoscaler").get(name)
        most = scaler["spec"]["maxReplicas"] if scaler else deployment["spec"]["replicas"]
        wants = deployment["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]
        cpu += most * int(wants["cpu"].removesuffix("m"))
        memory += most * int(wants["memory"].removesuffix("Mi"))
        pods += most + 1
    assert int(hard["requests.cpu"].removesuffix("m")) > cpu
    assert int(hard["requests.memory"].removesuffix("Mi")) > memory
    assert int(hard["pods"]) > pods


@every
def test_every_pod_is_restricted(vertical: str, market: str) -> None:
    """Pod Security, profile ``restricted``, and what it does not ask for: read-only, no token."""
    count = 0
    for name, _, spec in pod_specs(rendered(vertical, market)):
        security = spec["securityContext"]
        assert security["runAsNonRoot"] is True, name
        assert security["runAsUser"] > 0
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
        allowed = {"configMap", "projected", "secret", "emptyDir", "persistentVolumeClaim"}
        for volume in spec.get("volumes", []):
            assert volume.keys() - {"name"} <= allowed
        for one in containers(spec):
            count += 1
            inner = one["securityContext"]
            assert inner["allowPrivilegeEscalation"] is False
            assert inner["readOnlyRootFilesystem"] is True
            assert inner["capabilities"] == {"drop": ["ALL"]}
            for kind in ("requests", "limits"):
                assert {"cpu", "memory", "ephemeral-storage"} <= one["resources"][kind].keys()
    assert count > 14


@every
def test_pods_find_what_they_mount(vertical: str, market: str) -> None:
    found = rendered(vertical, market)
    there = {
        "configMap": of_kind(found, "ConfigMap").keys(),
        # what CloudNativePG makes itself
        "secret": of_kind(found, "Secret").keys() | {"database-ca"},
    }
    for name, _, spec in pod_specs(found):
        accounts = of_kind(found, "ServiceAccount").keys() | {"default"}
        assert spec["serviceAccountName"] in accounts
        volumes = {volume["name"]: volume for volume in spec.get("volumes", [])}
        for one in containers(spec):
            mounted = {mount["name"] for mount in one.get("volumeMounts", [])}
            assert mounted <= {*volumes, "data"}, name
        for volume in volumes.values():
            if "configMap" in volume:
                assert volume["configMap"]["name"] in there["configMap"]
            for source in volume.get("projected", {}).get("sources", []):
                assert source["secret"]["name"] in there["secret"]


def test_keys_are_32_random_bytes_and_new_ones_each_time() -> None:
    plan = plan_for("psychology", "small")
    first, second = (of_kind(rendered_with(plan), "Secret")["app-keys"]["data"] for _ in range(2))
    assert first.keys() == {"session-key", "token-key", "notes-key"}
    for name, text in first.items():
        assert len(base64.b64decode(base64.b64decode(text))) == 32
        assert second[name] != text


def test_only_the_migration_sees_the_owner_of_the_database() -> None:
    for vertical, market in COMBINATIONS:
        who = {
            name
            for name, _, spec in pod_specs(rendered(vertical, market))
            for volume in spec.get("volumes", [])
            if "database-owner" in json.dumps(volume)
        }
        assert who <= {"Job/migrate-1", "StatefulSet/database"}
        assert "Job/migrate-1" in who


def test_the_migration_is_a_hook_on_an_upgrade_and_beside_the_pods_at_first() -> None:
    plan = plan_for("barbershop", "small")
    first = of_kind(rendered_with(plan), "Job")["migrate-1"]["metadata"]["annotations"]
    assert not [name for name in first if name.startswith("helm.sh/hook")]
    job = of_kind(rendered_with(plan, upgrade=True), "Job")["migrate-1-hook"]
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-upgrade"
    assert job["spec"]["template"]["spec"]["initContainers"][0]["args"] == ["migrate"]


def test_what_processes_stand_on_comes_without_them() -> None:
    plan = plan_for("fitness", "small")
    values = make_values(plan, 1, installation(), processes=False)
    found = objects(render(values, plan.deployment_id))
    kinds = {one["kind"] for one in found}
    assert {"StatefulSet", "Secret", "NetworkPolicy", "ResourceQuota", "LimitRange"} <= kinds
    assert not {"Deployment", "Job", "Ingress", "HorizontalPodAutoscaler", "Pod"} & kinds


@pytest.mark.parametrize(
    ("market", "operator", "kind"),
    [("small", True, "StatefulSet"), ("medium", True, "Cluster"), ("medium", False, "StatefulSet")],
)
def test_the_database_follows_market_and_operator(market: str, operator: bool, kind: str) -> None:
    found = rendered_with(plan_for("dental", market), has_cnpg=operator)
    databases = [o for o in found if o["kind"] in ("StatefulSet", "Cluster")]
    assert [o["kind"] for o in databases] == [kind]


def test_an_object_store_archives_where_backups_are_asked_for() -> None:
    backup = {"enabled": True, "destination": "s3://copias/dental", "credentialsSecret": "s3"}
    found = rendered_with(
        plan_for("dental", "large"), extra={"database": {"cnpg": {"backup": backup}}}
    )
    cluster = of_kind(found, "Cluster")["database"]["spec"]
    assert cluster["plugins"] == [
        {
            "name": "barman-cloud.cloudnative-pg.io",
            "isWALArchiver": True,
            "parameters": {"barmanObjectName": "database"},
        }
    ]
    assert cluster["instances"] == 2
    store = of_kind(found, "ObjectStore")["database"]["spec"]
    assert store["configuration"]["destinationPath"] == "s3://copias/dental"
    assert of_kind(found, "ScheduledBackup")["database"]["spec"]["method"] == "plugin"


#: Below these, keys are names of somebody else's: settings of PostgreSQL, labels, parts of a pod.
FREE = {
    "parameters",
    "labels",
    "annotations",
    "requests",
    "limits",
    "containers",
    "topologySpreadConstraints",
}


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, below in value.items():
            yield key
            if key not in FREE:
                yield from _keys(below)
    elif isinstance(value, list):
        for one in value:
            yield from _keys(one)


def test_every_field_that_cloudnativepg_is_asked_for_has_its_page() -> None:
    backup = {"enabled": True, "destination": "s3://a/b", "endpoint": "https://s3.example"}
    given: Object = {"cnpg": {"pooler": {"image": "p:1"}}, "storageClass": "fast"}
    page = (Path(__file__).parents[2] / "docs/reference/cloudnativepg.md").read_text(
        encoding="utf-8"
    )
    named = set(re.findall(r"[A-Za-z_]\w+", " ".join(re.findall(r"`([^`]+)`", page))))
    for keys in ({"credentialsSecret": ""}, {"credentialsSecret": "s3"}):
        given["cnpg"]["backup"] = {**backup, **keys}
        found = rendered_with(plan_for("dental", "large"), extra={"database": given})
        asked = [one for one in found if "cnpg.io" in one["apiVersion"]]
        assert {one["kind"] for one in asked} == {
            "Cluster",
            "Pooler",
            "ScheduledBackup",
            "ObjectStore",
        }
        missing = {key for one in asked for key in _keys(one["spec"])} - named - {"key"}
        assert not missing


def test_a_pooler_stands_between_where_servers_lack_connections_and_both_ways_are_told() -> None:
    without: Object = {"database": {"cnpg": {"pooler": {"enabled": False}}}}
    for extra, pooled in (({}, True), (without, False)):
        found = rendered_with(plan_for("barbershop", "large"), extra=extra)
        cluster = of_kind(found, "Cluster")["database"]["spec"]
        secret = of_kind(found, "Secret")["database-app"]["stringData"]
        assert ("Pooler" in {one["kind"] for one in found}) == pooled
        assert ("database-direct-url" in secret) == pooled
        assert ("@database-pooler:5432/" in secret["database-url"]) == pooled
        assert "@database-ro:5432/" in secret["database-replica-url"]
        if pooled:
            assert "@database-rw:5432/" in secret["database-direct-url"]
            assert cluster["certificates"]["serverAltDNSNames"] == ["database-pooler"]
            assert int(cluster["postgresql"]["parameters"]["max_connections"]) <= 1000


@pytest.mark.parametrize("kind", ["ingress", "gateway"])
def test_the_public_way_leads_to_the_gateway_alone(kind: str) -> None:
    plan = plan_for("barbershop", "medium")
    public = {
        "kind": kind,
        "className": "c",
        "controller": "envoy-gateway" if kind == "gateway" else "traefik",
    }
    found = rendered_with(plan, public=public)
    text = json.dumps([o for o in found if o["kind"] in ("Ingress", "HTTPRoute")])
    assert '"api-gateway"' in text
    assert plan.network.hostname in text
    options = of_kind(found, "TLSOption", "ClientTrafficPolicy")
    assert [name for name in ("VersionTLS13", '"1.3"') if name in json.dumps(options)]


@pytest.mark.parametrize("mesh", ["linkerd", "istio"])
def test_a_mesh_is_asked_for_where_there_is_one(mesh: str) -> None:
    found = rendered_with(plan_for("barbershop", "small"), mesh={"kind": mesh, "namespace": mesh})
    gateway = of_kind(found, "Deployment")["api-gateway"]["spec"]["template"]["metadata"]
    assert mesh in json.dumps(gateway)
    assert ("PeerAuthentication" in {o["kind"] for o in found}) is (mesh == "istio")


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("unknown key", {"wrokloads": []}, "wrokloads"),
    ("no replicas", {"workloads": []}, "workloads"),
    ("mode", {"database": {"mode": "sqlite"}}, "database"),
    ("digest", {"image": {"digest": "sha256:abc"}}, "image"),
    ("root", {"image": {"user": 0}}, "image"),
    ("no urls", {"database": {"mode": "external"}}, "appSecret and ownerSecret"),
    (
        "plain text",
        {"database": {"mode": "external", "external": {"appUrl": "postgresql://h/d", "ownerUrl": "postgresql://h/d"}}},
        "sslmode=verify-full",
    ),
    ("one secret", {"database": {"mode": "external", "external": {"appSecret": "a"}}}, "ownerSecret"),
    ("mesh", {"mesh": {"kind": "linkerd"}}, "mesh.namespace"),
    ("too many replicas", {"database": {"cnpg": {"readReplicas": 9}}}, "readReplicas"),
]  # fmt: skip


@pytest.mark.parametrize(("extra", "said"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
def test_wrong_values_are_refused_by_name(extra: Object, said: str) -> None:
    plan = plan_for("barbershop", "small")
    with pytest.raises(subprocess.CalledProcessError) as refused:
        rendered_with(plan, extra=extra)
    assert said in refused.value.stderr
