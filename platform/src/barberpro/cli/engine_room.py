"""What a run needs, gathered in the one module of the command line that imports the pipelines and
the engine, and with it DBOS. Imported in the background: see ``preload``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from barberpro.adapters.catalog_files import load_catalog
from barberpro.deployment.context import Surroundings
from barberpro.deployment.pipeline import deploy_factory
from barberpro.operations.documents import regenerate_runbook
from barberpro.operations.fleet.upgrading import UPGRADE, upgrade_factory
from barberpro.operations.lifecycle import lifecycle_factories
from barberpro.runs.engine import Engine
from barberpro.runs.events import Listener
from barberpro.runs.registry import Registry
from barberpro.targets.kubernetes.records import Records
from barberpro.targets.local.layout import Layout
from barberpro.targets.protocol import Target


@contextmanager
def open_engine(
    url: str,
    target: Target,
    documents: Callable[[str], Path],
    catalogs: tuple[Path, ...],
    send: Listener,
) -> Iterator[Engine]:
    """The engine for the registry at ``url``, knowing every kind of run of this program."""
    with Registry.open(url) as registry:
        policies = load_catalog(catalogs).policies
        around = Surroundings(target, documents, registry, policies)
        kinds = {
            "deploy": deploy_factory(around),
            UPGRADE: upgrade_factory(around, Records(Layout.of().home)),
            **lifecycle_factories(
                target,
                registry,
                lambda id_: regenerate_runbook(registry, target, id_, documents(id_), policies),
            ),
        }
        with Engine(url, kinds, send) as engine:
            yield engine
