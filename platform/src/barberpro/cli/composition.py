"""The composition root of the command line: the platform, the target and the registry at work."""

from __future__ import annotations

import getpass
import platform
import statistics
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from barberpro.cli import preload
from barberpro.cli.known import KUBERNETES, LOCAL, chart_folder
from barberpro.cli.planned import documents_of
from barberpro.cli.preload import RunEngine
from barberpro.deployment.documents import latest
from barberpro.errors import BarberProError
from barberpro.runs.events import Listener
from barberpro.runs.registry import Registry
from barberpro.targets.either import either
from barberpro.targets.kubernetes.target import KubernetesTarget
from barberpro.targets.local.platform import LocalPlatform
from barberpro.targets.local.target import LocalTarget
from barberpro.targets.protocol import Target


@dataclass(frozen=True, slots=True)
class Operator:
    """The local platform at work, and who is asking."""

    platform: LocalPlatform
    target: Target
    name: str
    catalogs: tuple[Path, ...] = ()

    @contextmanager
    def registry(self) -> Iterator[Registry]:
        with Registry.open(self.platform.registry_url()) as registry:
            yield registry

    @contextmanager
    def engine(self, send: Listener) -> Iterator[RunEngine]:
        """The engine of runs; ``preload.begin`` earlier makes this quick."""
        layout, url = self.platform.layout, self.platform.registry_url()
        with preload.open_engine(
            url, self.target, lambda id_: documents_of(layout, id_), self.catalogs, send
        ) as engine:
            yield engine

    def runbook(self, deployment: str) -> Path:
        """The newest runbook in HTML."""
        path = latest(documents_of(self.platform.layout, deployment))
        if path is None:
            raise BarberProError(f"{deployment} has no runbook yet", mend="every deploy writes one")
        return path

    def usual_seconds(self, deployment: str, kind: str = "deploy") -> float | None:
        """The median duration of the last undisturbed runs; None where there is none."""
        with self.registry() as registry:
            spent = [
                (run.ended_at - run.started_at).total_seconds()
                for run in registry.runs(deployment, limit=20)
                if run.kind == kind and run.status == "done" and not run.resumed and run.ended_at
            ]
        return statistics.median(spent) if spent else None


@contextmanager
def open_operator(
    catalogs: tuple[Path, ...] = (), *, remove: bool = False, many: bool = False
) -> Iterator[Operator]:
    """Brings the shared services up, and leaves them as the deployments need them. With ``remove``
    nothing but backups is left at the end where no deployment is. ``many``: many deployments are
    changed by this command."""
    local = LocalPlatform.open()
    local.ensure_running()
    here = LocalTarget(local)
    there = KubernetesTarget(local.layout.home, chart_folder(), local.layout.backups, _say)
    there.releases.many = many
    target = either(
        {LOCAL: here, KUBERNETES: there},
        lambda id_: KUBERNETES if there.records.find(id_) is not None else LOCAL,
    )
    try:
        yield Operator(local, target, f"{getpass.getuser()}@{platform.node()}", catalogs)
    finally:
        there.close()
        here.close()
        local.settle(remove=remove and not there.records.all())


def _say(line: str) -> None:
    """How a wait on a cluster stands, beside the view of the run."""
    if not sys.stderr.isatty():
        click.echo(f"  {line}", err=True)
