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
from grounds import ID, NAME, SMALL, VERTICAL, Ground, real_pods
from homes import ROOT

LOAD = ROOT / "tests" / "support" / "support_load.py"
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
    title = f"failed requests during a {what} under a steady load"
    emit(Figure(title, sum(failures.values()), "", 0, note=note))


def main() -> None:
    with real_pods() as live:
        if live is None:
            return
        print("  deploying ...", flush=True)
        live.deploy(VERTICAL, NAME, ID, **SMALL)
        history = json.loads(live.cluster.helm("history", "barberpro", "-n", ID, "-o", "json"))
        number = str(history[-1]["revision"])
        print("  upgrading ...", flush=True)
        changed = {**SMALL, "logLevel": "debug"}
        told(
            "rolling upgrade", under_load(live, lambda: live.deploy(VERTICAL, NAME, ID, **changed))
        )
        print("  rolling back ...", flush=True)
        back = ("rollback", "barberpro", number, "-n", ID, "--no-hooks")
        told("rollback", under_load(live, lambda: live.cluster.helm(*back)))


if __name__ == "__main__":
    main()
