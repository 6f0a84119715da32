"""Clusters for tests: one of each kind per test worker, ended with it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support_dns import NameServer, running_bind

from testcluster.app_image import AppImage
from testcluster.app_image import app_image as make_app_image
from testcluster.app_image import database_image as make_database_image
from testcluster.cluster import Cluster, programs_of
from testcluster.errors import MissingError
from testcluster.programs import build
from testcluster.ways_in import RECIPES, WayIn, start_cert_manager, start_ingress

KINDS = {"cluster": False, "node_cluster": True}  # fixture, and whether it has a node


def pytest_collection_finish(session: pytest.Session) -> None:
    """Build programs and image before the first test, whose time limit is too short for that."""
    asked = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    if session.config.option.collectonly:
        return
    try:
        for fixture in sorted(asked & KINDS.keys()):
            build(programs_of(with_node=KINDS[fixture]))
        if asked & {"way_in", "names"}:
            build(RECIPES)
        if "app_image" in asked:
            make_app_image()
        if "database_image" in asked:
            make_database_image()
    except MissingError:
        return  # the fixture says so, and skips


_STARTED: list[Cluster] = []


@pytest.fixture(scope="module", autouse=True)
def _simulated_nodes_go_with_their_file() -> Iterator[None]:
    """The next file finds the shared control plane without nodes, in whatever order files come."""
    yield
    for started in _STARTED:
        if started.processes.find("kwok") is not None:
            started.kubectl("delete", "nodes", "-l", "type=kwok", "--ignore-not-found")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A control plane: every object is real, no pod runs. Needs no root."""
    yield from _started("cluster")


@pytest.fixture(scope="session")
def node_cluster() -> Iterator[Cluster]:
    """A control plane with a node on which pods run. Needs root."""
    yield from _started("node_cluster")


@pytest.fixture(scope="session")
def way_in(node_cluster: Cluster) -> WayIn:
    """An ingress controller at the node's address, for Ingress and Gateway API."""
    build(RECIPES)
    return start_ingress(node_cluster)


@pytest.fixture(scope="session")
def names(way_in: WayIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NameServer]:
    """A name server for what is published on the node, which the cluster's cert-manager asks."""
    with running_bind(tmp_path_factory.mktemp("bind"), way_in.outside) as server:
        start_cert_manager(way_in.cluster, server.address)
        yield server


@pytest.fixture(scope="session")
def app_image() -> AppImage:
    """The app's image as an archive to import into a node; kept while its sources stay the same."""
    try:
        return make_app_image()
    except MissingError as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def database_image() -> AppImage:
    """PostgreSQL's image, for ``database.mode: bundled`` on a node."""
    try:
        return make_database_image()
    except MissingError as missing:
        pytest.skip(str(missing))


def _started(kind: str) -> Iterator[Cluster]:
    try:
        started = Cluster.start(with_node=KINDS[kind])
    except MissingError as missing:
        pytest.skip(str(missing))
    _STARTED.append(started)
    yield started
    _STARTED.remove(started)
    started.stop()
