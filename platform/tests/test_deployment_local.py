"""The whole pipeline on the real local target with the real app: up, replaced, failed, gone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest
from support_local import local_home
from support_planning import plan_of, shipped_catalog

from barberpro.deployment.applied import read_applied
from barberpro.deployment.checks.client import open_client, wait_for
from barberpro.deployment.context import Surroundings
from barberpro.deployment.pipeline import deploy_factory
from barberpro.errors import BarberProError
from barberpro.operations.doctor import Doctor
from barberpro.operations.documents import regenerate_runbook
from barberpro.operations.lifecycle import lifecycle_factories
from barberpro.operations.overview import list_deployments, status
from barberpro.planning.findings import Severity
from barberpro.planning.model import Plan
from barberpro.planning.plans import checksum
from barberpro.runs.engine import Engine
from barberpro.runs.events import Event
from barberpro.runs.outcomes import Json
from barberpro.runs.registry import Registry
from barberpro.runs.results import RunResult
from barberpro.targets.local.platform import LocalPlatform
from barberpro.targets.local.target import LocalTarget
from barberpro.targets.protocol import Report

# one deployment whose tests follow each other, so all of them in one process
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("deployment-local")]

PLAN = plan_of(market="small")
DEPLOYMENT = PLAN.deployment_id
CHANGED = plan_of(market="small", owner_email="duena@example.com")


class Breaking(LocalTarget):
    """Fails at the switch while ``broken`` is set, as a machine might."""

    broken = False

    def activate(self, plan: Plan, revision: int) -> Report:
        report = super().activate(plan, revision)
        if self.broken:
            raise BarberProError("the machine broke")
        return report


@dataclass
class World:
    platform: LocalPlatform
    target: Breaking
    registry: Registry
    documents: Path
    events: list[Event]

    @contextmanager
    def engine(self) -> Iterator[Engine]:
        around = Surroundings(
            self.target, lambda id_: self.documents / id_, self.registry, shipped_catalog().policies
        )
        kinds = {
            "deploy": deploy_factory(around),
            **lifecycle_factories(self.target, self.registry, self.rewrite),
        }
        with Engine(self.platform.registry_url(), kinds, self.events.append) as engine:
            yield engine

    def rewrite(self, deployment: str) -> object:
        folder = self.documents / deployment
        policies = shipped_catalog().policies
        return regenerate_runbook(self.registry, self.target, deployment, folder, policies)

    def deploy(self, plan: Plan, previous: int | None) -> RunResult:
        payload: dict[str, Json] = {
            "plan": plan.model_dump(mode="json"),
            "checksum": checksum(plan),
            "options": {"previous_revision": previous},
        }
        with self.engine() as engine:
            return engine.start("deploy", DEPLOYMENT, payload, reserve_revision=True)

    def run(self, kind: str, options: Mapping[str, Json] | None = None) -> RunResult:
        with self.engine() as engine:
            return engine.start(kind, DEPLOYMENT, {"options": dict(options or {})})

    def rows(self, query: str) -> Sequence[tuple[object, ...]]:
        folder = self.platform.layout.deployment(DEPLOYMENT) / "secrets"
        url = (folder / "database-owner-url").read_text().strip()
        with psycopg.connect(url) as connection:
            return connection.execute(query.encode()).fetchall()

    def live(self) -> object:
        access = self.target.access(PLAN, None)
        with open_client(access, preview=False) as client:
            return wait_for(client, "/health", seconds=60)["revision"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with local_home() as home:
        platform = LocalPlatform.open(home)
        platform.ensure_running()
        with Registry.open(platform.registry_url()) as registry:
            documents = tmp_path_factory.mktemp("documents")
            yield World(platform, Breaking(platform), registry, documents, [])


def test_1_a_first_deployment_goes_through_all_28_steps(world: World) -> None:
    result = world.deploy(PLAN, None)
    assert result.status == "done", result.message
    ended = [event for event in world.events if event.kind == "step-ended"]
    assert len(ended) == 28
    assert {event.status for event in ended} <= {"done", "skipped"}
    assert world.live() == 1
    assert read_applied(world.documents / DEPLOYMENT, 1) == PLAN
    assert (world.documents / DEPLOYMENT / "latest" / "runbook.html").is_file()
    assert world.registry.baselines(DEPLOYMENT)[1]["revision"] == 1
    proved = world.registry.evidence(result.run)
    assert {"BP-NO-OVERLAP", "BP-TLS", "BP-OAUTH", "BP-AUDIT", "AR-954-2025-1"} <= proved.keys()
    assert not [f for f in world.registry.findings(result.run) if f.severity is Severity.BLOCKING]


def test_2_the_verification_leaves_nothing_behind(world: World) -> None:
    (counts,) = world.rows(
        "SELECT (SELECT count(*) FROM booking), (SELECT count(*) FROM client),"
        " (SELECT count(*) FROM message), (SELECT count(*) FROM api_client WHERE removed_at IS NULL)"
    )
    assert counts == (0, 0, 0, 0)


def test_3_a_revision_that_fails_at_the_last_moment_leaves_the_one_before_serving(
    world: World,
) -> None:
    world.target.broken = True
    try:
        result = world.deploy(CHANGED, 1)
    finally:
        world.target.broken = False
    assert (result.status, result.undo_failures) == ("undone", ())
    assert "the machine broke" in result.message
    assert world.live() == 1
    names = [path.name for path in (world.documents / DEPLOYMENT).iterdir()]
    assert sorted(names) == ["latest", "revision-0001"]
    running = {service.name for service in world.target.services(DEPLOYMENT)}
    assert f"{DEPLOYMENT}-r1" in running
    assert f"{DEPLOYMENT}-r2" not in running


def test_4_overview_and_doctor_tell_what_is(world: World) -> None:
    (summary,) = list_deployments(world.registry, world.target)
    assert (summary.state, summary.revision, summary.vertical) == ("live", 1, "barbershop")
    assert summary.memory_bytes > 10 * 2**20
    seen = status(world.registry, world.target, DEPLOYMENT)
    # what it takes is measured at each look and moves by a page or two
    assert seen.summary == replace(summary, memory_bytes=seen.summary.memory_bytes)
    assert seen.summary.memory_bytes > 10 * 2**20
    assert any(finding.id == "compliance-audit-trail" for finding in seen.findings)
    assert all(finding.severity is not Severity.INFO for finding in seen.open_findings)
    examined = Doctor(world.platform, world.registry).examine()
    assert [f.what for f in examined if f.severity is Severity.BLOCKING] == []
    assert "doctor-orphans" in {finding.id for finding in examined}


def test_5_stopped_started_and_destroyed_by_runs(world: World) -> None:
    assert world.run("stop").status == "done"
    (summary,) = list_deployments(world.registry, world.target)
    assert (summary.state, summary.memory_bytes) == ("stopped", 0)
    book = world.documents / DEPLOYMENT / "latest" / "runbook.md"
    assert f"| {DEPLOYMENT} | stopped |" in book.read_text()
    assert world.run("start").status == "done"
    assert world.live() == 1
    assert f"| {DEPLOYMENT}-r1 | running |" in book.read_text()
    assert "mail catcher (SMTP)" in book.read_text()
    result = world.run("destroy", {"keep_backup": True})
    assert result.status == "done", result.message
    assert list_deployments(world.registry, world.target) == []
    assert not world.platform.layout.deployment(DEPLOYMENT).exists()
    assert len(list(world.platform.layout.backups.glob(f"{DEPLOYMENT}-*.dump"))) == 1
    with pytest.raises(BarberProError, match="no deployment"):
        status(world.registry, world.target, DEPLOYMENT)
