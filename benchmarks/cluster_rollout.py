"""A rolling upgrade and a rollback on real pods under a steady load: requests that failed.

The load asks the gateway's Service from inside the node's network, as an ingress controller would; only
2xx counts as an answer. A machine that cannot have a node measures nothing, and says why.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

from figures import Figure, emit
from homes import ROOT

sys.path[:0] = [str(ROOT / "tests" / "cluster"), str(ROOT / "scripts")]

from support_live import Ground, ground  # noqa: E402 - after the path above

from testcluster.app_image import app_image  # noqa: E402
from testcluster.cluster import Cluster, programs_of  # noqa: E402
from testcluster.errors import MissingError  # noqa: E402
from testcluster.programs import build  # noqa: E402

NAME, ID = "BarberShop Palermo", "barbershop-palermo"
LOAD = ROOT / "tests" / "support" / "support_load.py"
SMALL = {"resources": {"cpuRequestPercent": 20}}
CLIENTS, EVERY = 4, 0.25


def under_load(live: Ground, change: Callable[[], object]) -> dict[str, object]:
    """What became of the requests from before the change until all pods are of the new one."""
    service = live.cluster.get("service", "api-gateway", "-n", ID)
    given = {
        "address": service["spec"]["clusterIP"], "port": 8080, "hostname": f"{ID}.localhost",
        "paths": ["/", "/ready"], "every": EVERY, "clients": CLIENTS,
    }  # fmt: skip
    inside = live.cluster.processes.prefix
    with subprocess.Popen(
        [*inside, sys.executable, str(LOAD), json.dumps(given)], text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        process.stdout.readline()
        change()
        for one in live.cluster.get("deployments", "-n", ID)["items"]:
            name = one["metadata"]["name"]
            live.kubectl("rollout", "status", f"deployment/{name}", "-n", ID, "--timeout=110s")
        said, _ = process.communicate(timeout=60)
    found: dict[str, object] = json.loads(said.splitlines()[-1])
    return found


def told(what: str, found: dict[str, object]) -> None:
    failures = found["failures"]
    assert isinstance(failures, dict)
    for trouble, times in failures.items():
        print(f"  {times} x {trouble}", flush=True)
    note = f"{found['answered']} answered; {CLIENTS} clients, every {EVERY} s, a connection each"
    emit(
        Figure(
            f"failed requests during a {what} under a steady load",
            sum(failures.values()),
            "",
            0,
            note=note,
        )
    )


def main() -> None:
    try:
        build(programs_of(with_node=True))
        image = app_image()
    except MissingError as missing:
        print(f"  not measured: {missing}", flush=True)
        return
    cluster = Cluster.start(with_node=True)
    try:
        with ground(cluster, image) as live:
            print("  deploying ...", flush=True)
            live.deploy("barbershop", NAME, ID, **SMALL)
            number = json.loads(cluster.helm("history", "barberpro", "-n", ID, "-o", "json"))[-1][
                "revision"
            ]
            print("  upgrading ...", flush=True)
            told(
                "rolling upgrade",
                under_load(
                    live, lambda: live.deploy("barbershop", NAME, ID, **SMALL, logLevel="debug")
                ),
            )
            print("  rolling back ...", flush=True)
            told(
                "rollback",
                under_load(
                    live,
                    lambda: cluster.helm(
                        "rollback", "barberpro", str(number), "-n", ID, "--no-hooks"
                    ),
                ),
            )
    finally:
        cluster.stop()


if __name__ == "__main__":
    main()
