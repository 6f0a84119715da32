"""Real pods for a benchmark: a cluster with a node, an operator of it, and what a figure is measured on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from homes import ROOT

sys.path[:0] = [str(ROOT / "tests" / "cluster"), str(ROOT / "scripts")]

from support_live import Ground, ground  # noqa: E402 - after the path above

from testcluster.app_image import app_image  # noqa: E402
from testcluster.cluster import Cluster, programs_of  # noqa: E402
from testcluster.errors import MissingError  # noqa: E402
from testcluster.programs import build  # noqa: E402

VERTICAL, NAME, ID = "barbershop", "BarberShop Palermo", "barbershop-palermo"
SMALL = {"resources": {"cpuRequestPercent": 20}}  # all of it on one node of two cores


@contextmanager
def real_pods() -> Iterator[Ground | None]:
    """None where this machine cannot have a node: then nothing is measured, and it says why."""
    try:
        build(programs_of(with_node=True))
        image = app_image()
    except MissingError as missing:
        print(f"  not measured: {missing}", flush=True)
        yield None
        return
    cluster = Cluster.start(with_node=True)
    try:
        with ground(cluster, image) as live:
            yield live
    finally:
        cluster.stop()
