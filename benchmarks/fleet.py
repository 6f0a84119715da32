"""A fleet: planning an upgrade of 1,000 deployments, the durable runs of one, and real releases.

1. What would change for each of 1,000 brands, their own requests planned anew.
2. The machinery alone: an upgrade of 1,000 in waves, each a durable run of two steps that do nothing.
3. Whole brands on a real control plane (kwok runs their pods in name only), released by Helm, rolled
   out and switched, against a bare loop of ``helm upgrade --wait`` over the same brands. The processor's
   seconds are told apart: ours and helm's, and the cluster's.
4. One of these brands copied until there are 1,000, in the cluster's store: all of them compared and
   looked at, with three that somebody changed by hand. The controllers rest meanwhile.

    benchmarks/fleet.py [--count 1000] [--brands 6] [--looked-at 1000]
"""

from __future__ import annotations

import argparse
import base64
import gzip
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [
    str(ROOT / path) for path in ("platform/src", "tests/support", "tests/cluster", "scripts")
]

import httpx  # noqa: E402
import psutil  # noqa: E402
import support_postgres  # noqa: E402
from figures import Figure, emit  # noqa: E402
from planning import load_catalog, requests  # noqa: E402
from support_fleet import begin, carry  # noqa: E402
from support_planning import plan_of  # noqa: E402

from barberpro.cli.known import chart_folder  # noqa: E402
from barberpro.deployment.context import Surroundings  # noqa: E402
from barberpro.operations.fleet.carrying import Carrying, Options  # noqa: E402
from barberpro.operations.fleet.comparing import compare_all  # noqa: E402
from barberpro.operations.fleet.planning import Standing, Wish, plan_upgrades  # noqa: E402
from barberpro.operations.fleet.upgrading import UPGRADE, upgrade_factory  # noqa: E402
from barberpro.operations.fleet.waves import in_waves  # noqa: E402
from barberpro.planning.inventory import Inventory  # noqa: E402
from barberpro.planning.model import Plan  # noqa: E402
from barberpro.planning.plans import make_plan  # noqa: E402
from barberpro.runs.engine import Engine  # noqa: E402
from barberpro.runs.rollouts import Member, Rollouts  # noqa: E402
from barberpro.targets.kubernetes.many import look_at_all  # noqa: E402
from barberpro.targets.kubernetes.records import Record  # noqa: E402
from barberpro.targets.kubernetes.target import KubernetesTarget  # noqa: E402
from testcluster.cluster import Cluster  # noqa: E402

EACH_SECOND = 17.0
ROOM = {"ephemeral-storage": "500Gi"}
OUTSIDE = {"mode": "external", "external": {"appSecret": "app-url", "ownerSecret": "owner-url"}}


def plan_many(count: int) -> None:
    catalog = load_catalog()
    plans = [make_plan(one, catalog, Inventory()) for one in requests(catalog, count, 0)]
    fleet = [Standing(plan.deployment_id, "local", 1, plan, "old") for plan in plans]
    started = time.perf_counter()
    bytes_ = sum(
        len(one.payload) for one in plan_upgrades(fleet, catalog, Wish("r", release="new"))
    )
    spent = time.perf_counter() - started
    note = f"with the payload of each run, {bytes_ / 2**20:.0f} MiB in all"
    emit(Figure(f"plan and diff of an upgrade of {count:,} deployments", spent, "s", 10, note=note))


def machinery(url: str, count: int) -> None:
    ids = [f"brand-{number:04d}" for number in range(count)]
    begin(url, "machinery", {id_: wave for wave, id_ in in_waves(ids, 10, count // 10)})
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        status, _ = carry(url, Path(folder), Options(at_once=4))
        spent = time.perf_counter() - started
    assert status == "done"
    emit(
        Figure(
            f"fleet upgrade, the machinery alone, {count:,} durable runs in 11 waves", count / spent,
            "deployments/s", EACH_SECOND, at_least=True, note="each a run of two steps that do nothing",
        )
    )  # fmt: skip
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    emit(Figure("client memory while it does so", peak, "MiB", 500, note="peak of the process"))


def whole_brands(url: str, cluster: Cluster, home: Path, count: int) -> KubernetesTarget:
    cluster.simulate(4)
    room = json.dumps({"status": {"allocatable": ROOM, "capacity": ROOM}})
    for number in range(4):
        cluster.kubectl("patch", "node", f"simulated-{number}", "--subresource=status", "-p", room)
    os.environ.update(cluster.environment)
    target = KubernetesTarget(home, chart_folder(), home / "backups")
    context = cluster.kubectl("config", "current-context").strip()
    plans = [
        plan_of(
            {"vertical": "barbershop", "name": f"Marca {number:04d}", "market": "small", "region": "argentina-central"},
            target="kubernetes", provider="on-premises",
        )
        for number in range(count)
    ]  # fmt: skip
    for plan in plans:
        target.records.save(
            Record(id=plan.deployment_id, context=context, image="registry.example/app:1",
                   database_mode="external", values={"database": OUTSIDE})
        )  # fmt: skip
        target.provision_resources(plan)
        target.start_base(plan, 1)
        target.start_specialized(plan, 1)
        target.activate(plan, 1)
    target.releases.many = True
    ours = upgrade_brands(url, cluster, target, plans)
    peer = bare_helm(cluster, target, plans)
    emit(
        Figure(
            "fleet upgrade of whole brands ÷ a bare loop of helm upgrade --wait", ours.seconds / peer.seconds,
            "", 1.0, note=f"seconds of a brand: {ours.seconds:.1f} ÷ {peer.seconds:.1f}; processor seconds of a "
            f"brand, cluster's included: {ours.processor:.1f} ÷ {peer.processor:.1f}",
        )
    )  # fmt: skip
    return target


@dataclass(frozen=True)
class Spent:
    """Of one brand."""

    seconds: float
    processor: float


def bare_helm(cluster: Cluster, target: KubernetesTarget, plans: list[Plan]) -> Spent:
    """What an operator would type without us, one brand after the other."""
    before, started = cpu(cluster), time.perf_counter()
    for plan in plans:
        record = target.records.required(plan.deployment_id)
        record.image = "registry.example/app:3"
        values = target.records.folder(plan.deployment_id) / "values.json"
        values.write_text(json.dumps(target.releases.values(record, plan, record.live or 1)))
        words = ["helm", "upgrade", "barberpro", str(chart_folder()), "--namespace", record.id, "--values",
                 str(values), "--wait", "--timeout", "10m", "--server-side=true", "--force-conflicts"]  # fmt: skip
        subprocess.run(words, check=True, capture_output=True)
        values.unlink()
    spent = time.perf_counter() - started
    used = sum(now - then for now, then in zip(cpu(cluster), before, strict=True))
    return Spent(spent / len(plans), used / len(plans))


#: What a namespace has beside the release, which the copies do without.
NOT_COPIED = ("events", "pods", "replicasets", "endpointslices", "endpoints", "jobs", "leases")


def look_at_many(cluster: Cluster, target: KubernetesTarget, count: int) -> None:
    for name in ("kwok", "kube-scheduler", "kube-controller-manager"):
        cluster.processes.stop(name)
    first = target.records.all()[0]
    ids = [f"copia-{number:04d}" for number in range(count)]
    objects = copy_brand(cluster, first.id, ids)
    number = newest(cluster, first.id)
    for id_ in ids:
        target.records.save(first.model_copy(update={"id": id_, "helm": {first.live or 1: number}}))
    for id_ in ids[:3]:
        rewrite_release(cluster, first.id, id_)
        patch = (
            '{"spec":{"template":{"spec":{"containers":[{"name":"booking","image":"mine:2"}]}}}}'
        )
        cluster.kubectl("patch", "deployment", "booking", "-n", id_, "-p", patch)
    records = [target.records.required(id_) for id_ in ids]
    started = time.perf_counter()
    found, cost = compare_all(target, records)
    spent = time.perf_counter() - started
    states = Counter(one.state for one in found)
    problems = [one.problem for one in found if one.problem]
    assert states == {"as-deployed": count - 3, "changed": 3}, problems[:1] or states
    note = f"{objects * count:,} objects, by {cost.requests} requests; {cost.closely} compared in full, 3 had been changed"
    emit(Figure(f"barberpro diff --all of {count:,} brands on a cluster", spent, "s", note=note))
    started = time.perf_counter()
    seen = look_at_all(records)
    spent = time.perf_counter() - started
    services = sum(len(one) for one in seen.services.values())
    note = f"{services:,} services, by {seen.requests} requests"
    emit(Figure(f"services of all of {count:,} brands read", spent, "s", 10, note=note))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    emit(Figure("client memory of all that", peak, "MiB", 500, note="peak of the process"))


def rewrite_release(cluster: Cluster, first: str, id_: str) -> None:
    """The manifest in a copied release names the namespace that it was copied from: where it is compared
    in full it has to name its own."""
    secrets = ("secrets", "-n", id_, "-l", "owner=helm,status=deployed")
    [secret] = cluster.get(*secrets)["items"]
    packed = base64.b64decode(base64.b64decode(secret["data"]["release"]))
    release = gzip.decompress(packed).replace(first.encode(), id_.encode())
    packed = base64.b64encode(base64.b64encode(gzip.compress(release)))
    secret["data"]["release"] = packed.decode()
    cluster.kubectl("replace", "-f", "-", stdin=json.dumps(secret))


def newest(cluster: Cluster, id_: str) -> int:
    history = json.loads(cluster.helm("history", "barberpro", "-n", id_, "-o", "json"))
    return int(history[-1]["revision"])


def copy_brand(cluster: Cluster, first: str, ids: list[str]) -> int:
    """The objects of ``first`` as the store has them, under other names of the same length: that keeps
    the lengths which they are written with. Returns how many objects one brand is."""
    store = f"http://127.0.0.1:{cluster.plane.ports['etcd']}/v3/kv"
    assert {len(id_) for id_ in ids} == {len(first)}

    def text(raw: bytes) -> str:
        return base64.b64encode(raw).decode()

    with httpx.Client(timeout=60) as client:
        asked = {"key": text(b"/registry/"), "range_end": text(b"/registry0")}
        every = client.post(f"{store}/range", json=asked).json()["kvs"]
        pairs = [(base64.b64decode(one["key"]), base64.b64decode(one["value"])) for one in every]
        name = first.encode()
        brand = [
            (key, value)
            for key, value in pairs
            if name in key.split(b"/") and not {*key.decode().split("/")} & {*NOT_COPIED}
        ]
        for id_ in ids:
            puts = [
                {"requestPut": {"key": text(key.replace(name, id_.encode())),
                                "value": text(value.replace(name, id_.encode()))}}
                for key, value in brand
            ]  # fmt: skip
            client.post(f"{store}/txn", json={"success": puts}).raise_for_status()
    return len(brand)


def upgrade_brands(
    url: str, cluster: Cluster, target: KubernetesTarget, plans: list[Plan]
) -> Spent:
    fleet = [
        Standing(plan.deployment_id, "kubernetes", 1, plan, "registry.example/app:1")
        for plan in plans
    ]
    wish = Wish("brands", "registry.example/app:2")
    members = [
        (Member(one.id, 0 if at == 0 else 1, one.kind, "waiting"), one.payload)
        for at, one in enumerate(plan_upgrades(fleet, load_catalog(), wish))
    ]
    folder = target.records.folder("documents")
    around = Surroundings(target, lambda id_: folder / id_)
    before, asked = cpu(cluster), calls(cluster)
    with (
        Rollouts(url) as kept,
        Engine(
            url, {UPGRADE: upgrade_factory(around, target.records)}, lambda _event: None
        ) as engine,
    ):
        kept.begin("brands", "benchmark", {}, members)
        rollout = kept.unfinished()
        assert rollout is not None
        started = time.perf_counter()
        status = Carrying(
            engine, engine.registry, kept, rollout, Options(at_once=2), lambda _id: "", print_none
        ).carry_out()
        spent = time.perf_counter() - started
    assert status == "done", kept_message(url)
    ours, theirs = (now - then for now, then in zip(cpu(cluster), before, strict=True))
    count = len(plans)
    note = (
        f"{count} brands of {len(plans[0].workloads)} services each; processor seconds of each: "
        f"{ours / count:.1f} ours and helm's, {theirs / count:.1f} the cluster's own; "
        f"{(calls(cluster) - asked) / count:.0f} API calls of it, all parties together"
    )
    emit(
        Figure(
            "fleet upgrade of whole brands by Helm on kwok", count / spent, "deployments/s",
            EACH_SECOND, at_least=True, note=note,
        )
    )  # fmt: skip
    return Spent(spent / count, (ours + theirs) / count)


def print_none(_progress: object) -> None:
    """The figures say enough."""


def kept_message(url: str) -> str:
    with Rollouts(url) as kept:
        return " ".join(member.message for member in kept.members("brands"))


def cpu(cluster: Cluster) -> tuple[float, float]:
    """Processor seconds of us with our children, and of the cluster's processes."""
    own = sum(
        sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    theirs = 0.0
    for process in psutil.process_iter(["cmdline", "cpu_times"]):
        words = " ".join(process.info["cmdline"] or ())
        if str(cluster.folder) in words:
            theirs += process.info["cpu_times"].user + process.info["cpu_times"].system
    return own, theirs


def calls(cluster: Cluster) -> int:
    """Requests that the API server has answered."""
    text = cluster.kubectl("get", "--raw", "/metrics")
    return sum(
        int(float(n)) for n in re.findall(r"^apiserver_request_total\{.*\} (\S+)$", text, re.M)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--brands", type=int, default=6)
    parser.add_argument("--looked-at", type=int, default=1000)
    arguments = parser.parse_args()
    plan_many(arguments.count)
    server = support_postgres.TestServer.start()
    try:
        for name in ("machinery", "brands"):
            server.execute(f"CREATE DATABASE {name}")
        machinery(server.url("machinery"), arguments.count)
        cluster = Cluster.start()
        try:
            with tempfile.TemporaryDirectory() as home:
                target = whole_brands(server.url("brands"), cluster, Path(home), arguments.brands)
                look_at_many(cluster, target, arguments.looked_at)
                target.close()
        finally:
            cluster.stop()
    finally:
        server.stop()


if __name__ == "__main__":
    main()
