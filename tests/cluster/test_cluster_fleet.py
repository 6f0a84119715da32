"""Twenty brands on one control plane, looked at by a few lists: who changed what, and how each stands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
import yaml
from support_brands import SMALL, namespace, release_secret
from support_chart import CHART

from barberpro.kube.contexts import choose
from barberpro.kube.reader import METADATA, Reader, ReadError
from barberpro.operations.fleet.comparing import Compared, compare_all
from barberpro.targets.kubernetes.manifests import objects_of, only
from barberpro.targets.kubernetes.many import look_at_all
from barberpro.targets.kubernetes.records import Record
from barberpro.targets.kubernetes.target import KubernetesTarget
from testcluster.cluster import Cluster

IDS = tuple(f"marca-{number:02d}" for number in range(20))
APPLY = ("apply", "--server-side", "--field-manager=helm", "-f", "-")


@pytest.fixture(scope="module")
def brands(
    cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[KubernetesTarget]:
    made = [namespace(id_) for id_ in IDS]
    for id_ in IDS:
        manifest = SMALL.replace("NAMESPACE", id_)
        made += [*yaml.safe_load_all(manifest), release_secret(id_, manifest)]
    cluster.kubectl(*APPLY, stdin="\n---\n".join(json.dumps(one) for one in made if one))
    home = tmp_path_factory.mktemp("home")
    context = cluster.kubectl("config", "current-context").strip()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("KUBECONFIG", "PATH", "HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"):
            patch.setenv(name, cluster.environment[name])
        target = KubernetesTarget(home, CHART, home / "backups")
        for id_ in IDS:
            record = Record(id=id_, context=context, image="app:1", live=1, helm={1: 1})
            target.records.save(record)
        yield target
        target.close()
    cluster.kubectl("delete", "namespace", *IDS, "--wait=false")


def test_nobody_touched_them_and_few_requests_say_so(brands: KubernetesTarget) -> None:
    found, cost = compare_all(brands, brands.records.all())
    assert {one.id: one.state for one in found} == dict.fromkeys(IDS, "as-deployed")
    assert (cost.requests, cost.closely) == (3, 0)  # releases, and the two kinds of their objects
    seen = look_at_all(brands.records.all())
    assert (seen.requests, seen.problems) == (2, {})
    assert [[one.state for one in seen.services[id_]] for id_ in IDS] == [["stopped"]] * len(IDS)


def test_what_was_changed_by_hand_is_found_among_the_many(
    brands: KubernetesTarget, cluster: Cluster
) -> None:
    changed, harmless, gone, uninstalled, upgraded = IDS[3], IDS[5], IDS[7], IDS[11], IDS[13]
    limits = {"template": {"spec": {"containers": [{"name": "booking", "image": "mine:2"}]}}}
    cluster.kubectl(
        "patch", "deployment", "booking", "-n", changed, "-p", json.dumps({"spec": limits})
    )
    cluster.kubectl("annotate", "configmap", "integration-config", "-n", harmless, "seen=yes")
    cluster.kubectl("delete", "configmap", "integration-config", "-n", gone)
    cluster.kubectl("delete", "secret", "-l", "owner=helm", "-n", uninstalled)
    manifest = SMALL.replace("NAMESPACE", upgraded)
    cluster.kubectl(
        "label", "secret", "-l", "owner=helm", "status=superseded", "--overwrite", "-n", upgraded
    )
    cluster.kubectl(*APPLY, stdin=json.dumps(release_secret(upgraded, manifest, 2)))

    found, cost = compare_all(brands, brands.records.all())
    differing = {one.id: one for one in found if one.state != "as-deployed"}
    assert {id_: one.state for id_, one in differing.items()} == {
        changed: "changed", gone: "changed", uninstalled: "gone", upgraded: "changed",
    }  # fmt: skip
    assert shown(differing[changed]) == {"Deployment/booking"}
    assert "mine:2" in str(differing[changed].drift)
    assert shown(differing[gone]) == {"ConfigMap/integration-config"}
    assert shown(differing[upgraded]) == {"Release/barberpro"}
    assert cost.closely == 5


def shown(one: Compared) -> set[str]:
    return {drift.object for drift in one.drift}


def test_a_cluster_that_does_not_answer_leaves_the_others_as_they_are(
    brands: KubernetesTarget, cluster: Cluster
) -> None:
    lost = brands.records.required(IDS[0]).model_copy(update={"context": "nowhere"})
    near = brands.records.required(IDS[1])
    found, _ = compare_all(brands, [lost, near])
    assert [one.state for one in found] == ["unknown", "as-deployed"]
    assert "nowhere" in found[0].problem
    seen = look_at_all([lost, near])
    assert seen.problems.keys() == {IDS[0]}
    assert seen.services[IDS[1]]


def test_a_reader_reads_by_pages_and_only_reads(brands: KubernetesTarget) -> None:
    context = choose(brands.records.required(IDS[0]).context)
    reader = Reader(context)
    try:
        pages = [
            *reader.pages(
                "/api/v1/configmaps", selector="app.kubernetes.io/instance", size=7, accept=METADATA
            )
        ]
        assert {len(page) for page in pages[:-1]} == {7}
        names = {one["metadata"]["namespace"] for page in pages for one in page}
        assert len(names & {*IDS}) >= len(IDS) - 1  # of one it was deleted
        assert all("data" not in one for page in pages for one in page)
        assert reader.get("/api/v1/nothing") is None
        with pytest.raises(ReadError):
            next(reader.pages("/apis/nowhere/v1/things"))
    finally:
        reader.close()
    assert reader.get("/version") is None
    nowhere = Reader(replace(context, name="nowhere"))
    assert nowhere.get("/version") is None
    nowhere.close()


def test_objects_of_a_manifest_are_named_without_its_yaml() -> None:
    found = {name: path for path, name in objects_of(SMALL)}
    assert found == {
        ("ConfigMap", "integration-config"): "/api/v1/configmaps",
        ("Deployment", "booking"): "/apis/apps/v1/deployments",
    }
    [kept] = yaml.safe_load_all(only(SMALL, {("Deployment", "booking")}))
    assert kept["kind"] == "Deployment"
