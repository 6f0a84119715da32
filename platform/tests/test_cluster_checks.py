"""What a cluster says of itself becomes findings; versions, room and quantities, without a cluster."""

from __future__ import annotations

import os
import stat
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barberpro.errors import BarberProError, InvalidInputError
from barberpro.kube.contexts import Context, NoContextError, choose
from barberpro.kube.helm import helm_version
from barberpro.kube.programs import ProgramMissingError
from barberpro.kube.quantities import quantity
from barberpro.operations.cluster.checks import Wanted, check_cluster, check_helm
from barberpro.operations.cluster.facts import Facts, Node, StorageClass
from barberpro.operations.cluster.preparation import missing, plan_installations, prerequisites
from barberpro.planning.findings import Finding, Severity
from barberpro.planning.model import Sizes

GIB = Decimal(2**30)
SMALL = Sizes(cpu_cores=2, memory_gb=4, storage_gb=100, concurrent_users=50, daily_bookings=100)
NODE = Node("a", True, "sur", "sur-1", Decimal(4), 8 * GIB, Decimal(1), GIB)
READY = Facts(
    version="1.34.4", groups=frozenset({"cert-manager.io", "postgresql.cnpg.io", "monitoring.coreos.com"}),
    nodes=(NODE, Node("b", True, "sur", "sur-2", Decimal(4), 8 * GIB, Decimal(0), Decimal(0))),
    storage=(StorageClass("gp3", "ebs.csi.aws.com", True, True),), ingress_classes=("traefik",),
    issuers=("letsencrypt",), metrics=True, parts=frozenset({"calico-node", "external-dns"}),
)  # fmt: skip


def changed(**fields: object) -> Facts:
    return Facts(**{name: fields.get(name, getattr(READY, name)) for name in Facts.__slots__})  # type: ignore[arg-type]


def found(facts: Facts, market: str = "small", sizes: Sizes = SMALL) -> dict[str, Finding]:
    return {one.id: one for one in check_cluster(facts, Wanted(sizes, market, {}))}


def blocking(facts: Facts, market: str = "small") -> set[str]:
    return {id_ for id_, one in found(facts, market).items() if one.severity is Severity.BLOCKING}


def test_a_cluster_that_has_all_blocks_nothing_and_doubts_nothing() -> None:
    severities = {one.severity for one in found(READY, "medium").values()}
    assert severities == {Severity.INFO}


@pytest.mark.parametrize(
    ("version", "severity"),
    [
        ("1.24.17", Severity.BLOCKING), ("1.25.0", Severity.INFO), ("1.29.6-gke.1326000", Severity.INFO),
        ("1.30+", Severity.INFO), ("1.37.1", Severity.INFO), ("1.38.0", Severity.WARNING), ("2.0.0", Severity.WARNING),
    ],
)  # fmt: skip
def test_kubernetes_must_be_1_25_or_newer(version: str, severity: Severity) -> None:
    assert found(changed(version=version))["cluster-kubernetes"].severity is severity


@pytest.mark.parametrize(
    ("version", "blocks"), [((3, 11, 9), True), ((3, 12, 0), False), ((4, 3, 1), False)]
)
def test_helm_must_be_3_12_or_newer(version: tuple[int, int, int], blocks: bool) -> None:
    finding = check_helm(version, "x")
    assert (finding.severity is Severity.BLOCKING) == blocks


@pytest.mark.parametrize(
    ("fields", "id_"),
    [
        ({"nodes": ()}, "cluster-nodes"),
        ({"nodes": (Node("a", False, "", "", Decimal(9), 99 * GIB, Decimal(0), Decimal(0)),)}, "cluster-nodes"),
        ({"nodes": (NODE,), "version": "1.30.0"}, ""),
        ({"nodes": (Node("a", True, "s", "z", Decimal(2), 9 * GIB, Decimal("0.001"), GIB),)}, "cluster-capacity"),
        ({"storage": ()}, "cluster-storage"),
        ({"storage": (StorageClass("gp3", "x", False, True),)}, "cluster-storage"),
        ({"metrics": False}, "cluster-metrics-server"),
        ({"ingress_classes": ()}, "cluster-ingress"),
        ({"denied": ("create secrets",)}, "cluster-rights"),
    ],
)  # fmt: skip
def test_what_is_missing_blocks_and_says_how_to_mend_it(
    fields: dict[str, object], id_: str
) -> None:
    facts = changed(**fields)
    assert blocking(facts) == ({id_} if id_ else set())
    for one in found(facts).values():
        if one.severity is not Severity.INFO:
            assert one.mend


def test_what_may_not_be_seen_is_said_and_not_taken_for_missing() -> None:
    hidden = {"/api/v1/nodes": "nodes is forbidden"}
    finding = found(changed(nodes=(), hidden=hidden))["cluster-nodes"]
    assert finding.severity is Severity.WARNING
    assert "cannot be seen" in finding.what


def test_the_operator_for_the_database_is_a_hint_for_the_small_market_only() -> None:
    without = changed(groups=frozenset({"cert-manager.io"}))
    assert found(without, "small")["cluster-cloudnative-pg"].severity is Severity.INFO
    assert found(without, "medium")["cluster-cloudnative-pg"].severity is Severity.WARNING
    assert missing(found(without, "small").values()) == []
    assert missing(found(without, "medium").values()) == ["cloudnative-pg"]


def test_only_a_person_vouches_for_cdn_and_vpn() -> None:
    wanted = Wanted(SMALL, "small", {"vpn": "wiki/vpn"})
    findings = {one.id: one for one in check_cluster(READY, wanted)}
    assert findings["cluster-vpn"].evidence == "wiki/vpn"
    assert "--attest cdn" in findings["cluster-cdn"].mend


def test_preparing_names_its_cluster_and_takes_archives_where_there_is_no_internet(
    tmp_path: Path,
) -> None:
    context = Context("taller", "https://10.0.0.1", "ana")
    (online,) = plan_installations(context, ["metrics-server"])
    assert "--kube-context taller" in online.command
    assert "--repo https://kubernetes-sigs.github.io/metrics-server" in online.command
    (tmp_path / "metrics-server-3.13.0.tgz").touch()
    (offline,) = plan_installations(context, ["metrics-server"], tmp_path)
    assert "--repo" not in offline.command
    with pytest.raises(InvalidInputError, match="no archive of cert-manager"):
        plan_installations(context, ["cert-manager"], tmp_path)
    with pytest.raises(InvalidInputError, match="cannot be installed"):
        plan_installations(context, ["kafka"])
    assert all(one.version[0] in "^>" for one in prerequisites().values())


@given(st.integers(0, 10**9), st.sampled_from(["", "m", "k", "Ki", "Mi", "Gi", "M", "G"]))
def test_quantities_are_exact(number: int, suffix: str) -> None:
    factor = {
        "": 1,
        "m": Decimal("0.001"),
        "k": 10**3,
        "Ki": 2**10,
        "Mi": 2**20,
        "Gi": 2**30,
        "M": 10**6,
        "G": 10**9,
    }
    assert quantity(f"{number}{suffix}") == number * factor[suffix]


@pytest.mark.parametrize("text", ["", "1KiB", "0x10", "1 Gi", "--1", "1e", "Mi"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a quantity"):
        quantity(text)


def test_quantities_with_exponents() -> None:
    assert (quantity("1e3"), quantity("129M"), quantity(".5"), quantity("2.")) == (
        1000,
        129_000_000,
        Decimal("0.5"),
        2,
    )


def program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_helm_tells_its_version_or_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin:/usr/bin")
    for said, version in (
        ("v3.12.0+gc9f554d", (3, 12, 0)),
        ("v4.3.1", (4, 3, 1)),
        ("v3.9", (3, 9, 0)),
    ):
        program(tmp_path, "helm", f"echo {said}")
        assert helm_version()[0] == version
    program(tmp_path, "helm", "echo broken >&2; exit 3")
    with pytest.raises(BarberProError, match="does not tell its version"):
        helm_version()
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ProgramMissingError) as caught:
        helm_version()
    assert "helm.sh" in caught.value.mend


def test_the_context_is_chosen_by_name_and_never_guessed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = '{"clusters":[{"name":"c","cluster":{"server":"https://c"}}],"current-context":"CURRENT","contexts":[{"name":"prod","context":{"cluster":"c","user":"u"}}]}'
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin:/usr/bin")
    program(tmp_path, "kubectl", f"echo '{view.replace('CURRENT', 'prod')}'")
    assert choose(None).server == "https://c"
    with pytest.raises(InvalidInputError, match="Did you mean 'prod'"):
        choose("prd")
    program(tmp_path, "kubectl", f"echo '{view.replace('CURRENT', '')}'")
    with pytest.raises(NoContextError) as caught:
        choose(None)
    assert "--kube-context: prod" in caught.value.mend
    program(tmp_path, "kubectl", "echo 'error: yaml: line 3' >&2; exit 1")
    with pytest.raises(BarberProError, match="the kubeconfig cannot be read"):
        choose(None)
