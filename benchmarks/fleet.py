"""A fleet: planning an upgrade of 1,000 deployments, the durable runs of one, and real releases.

1. What would change for each of 1,000 brands, their own requests planned anew.
2. The machinery alone: an upgrade of 1,000 in waves, each a durable run of two steps that do nothing.
3. Whole brands on a real control plane (kwok runs their pods in name only), released by Helm, rolled
   out and switched. The processor's seconds are told apart: ours and helm's, and the cluster's.

    benchmarks/fleet.py [--count 1000] [--brands 8]
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [
    str(ROOT / path) for path in ("platform/src", "tests/support", "tests/cluster", "scripts")
]

import psutil  # noqa: E402
import support_postgres  # noqa: E402
from figures import Figure, emit  # noqa: E402
from planning import load_catalog, requests  # noqa: E402
from support_fleet import begin, carry  # noqa: E402
from support_planning import plan_of  # noqa: E402

from barberpro.cli.known import chart_folder  # noqa: E402
from barberpro.deployment.context import Surroundings  # noqa: E402
from barberpro.operations.fleet.carrying import Carrying, Options  # noqa: E402
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


def whole_brands(url: str, cluster: Cluster, home: Path, count: int) -> None:
    cluster.simulate(4)
    room = json.dumps({"status": {"allocatable": ROOM, "capacity": ROOM}})
    for number in range(4):
        cluster.kubectl("patch", "node", f"simulated-{number}", "--subresource=status", "-p", room)
    os.environ.update(cluster.environment)
    target = KubernetesTarget(home, chart_folder(), home / "backups")
    context = cluster.kubectl("config", "current-context").strip()
    plans = [
        plan_of(
            {"vertical": "barbershop", "name": f"Marca {number}", "market": "small", "region": "argentina-central"},
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
    upgrade_brands(url, cluster, target, plans)
    started = time.perf_counter()
    found = look_at_all(target.records.all()).services
    spent = time.perf_counter() - started
    states = sum(len(one) for one in found.values())
    emit(Figure(f"services of all of {count} brands read", spent, "s", note=f"{states} by 2 calls"))


def upgrade_brands(url: str, cluster: Cluster, target: KubernetesTarget, plans: list[Plan]) -> None:
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
    parser.add_argument("--brands", type=int, default=8)
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
                whole_brands(server.url("brands"), cluster, Path(home), arguments.brands)
        finally:
            cluster.stop()
    finally:
        server.stop()


if __name__ == "__main__":
    main()
