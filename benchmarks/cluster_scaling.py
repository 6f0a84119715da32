"""Load in, replicas out, load off, replicas back: the real autoscaler on real pods, by the figures of a
real metrics-server.

The chart waits 120 s before it scales out and 300 s before it scales back, as the plan says; here both
windows are 15 s, so that the whole takes minutes. Nothing else differs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable

from figures import Figure, emit
from grounds import ID, NAME, VERTICAL, Ground, real_pods
from homes import ROOT

LOAD = ROOT / "tests" / "support" / "support_load.py"
SERVICE = "api-gateway"
WINDOW = 15
QUIET_PERCENT = 35
ROOM = {"resources": {"cpuRequestPercent": 40}}  # so that a pod at rest is far from its target
CLIENTS, EVERY = 24, 0.01
SECONDS = float(os.environ.get("BARBERPRO_SCALING_SECONDS", "200"))  # for each way


def replicas(live: Ground) -> int:
    """Those that are ready."""
    status = live.cluster.get("deployment", SERVICE, "-n", ID)["status"]
    return int(status.get("readyReplicas", 0))


def at_rest(live: Ground, least: int) -> bool:
    """The burst in which every pod starts has passed: as few as there may be, and far from the target."""
    found = live.cluster.get("hpa", SERVICE, "-n", ID)
    used = [
        one["resource"]["current"].get("averageUtilization", 100)
        for one in found["status"].get("currentMetrics") or ()
        if one.get("resource", {}).get("name") == "cpu"
    ]
    calm = bool(used) and used[0] < QUIET_PERCENT
    return calm and replicas(live) == found["status"].get("desiredReplicas") == least


def until(what: str, reached: Callable[[], bool], live: Ground) -> float:
    """Seconds until then. What the autoscaler says is printed as it changes."""
    begun, said = time.monotonic(), ""
    while not reached():
        columns = live.kubectl("get", "hpa", SERVICE, "-n", ID, "--no-headers").split()
        now = " ".join(columns[:-1])  # without its age
        if now != said:
            said = now
            print(f"  {time.monotonic() - begun:5.0f} s  {now}", flush=True)
        if time.monotonic() - begun > SECONDS:
            raise SystemExit(f"{what}: not within {SECONDS:.0f} s; {now}")
        time.sleep(2)
    return time.monotonic() - begun


def load(live: Ground) -> subprocess.Popen[str]:
    address = live.cluster.get("service", SERVICE, "-n", ID)["spec"]["clusterIP"]
    given = {
        "address": address, "port": 8080, "hostname": f"{ID}.localhost", "paths": ["/"],
        "every": EVERY, "clients": CLIENTS,
    }  # fmt: skip
    inside = live.cluster.processes.prefix
    return subprocess.Popen(
        [*inside, sys.executable, str(LOAD), json.dumps(given)], text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip


def main() -> None:
    with real_pods() as live:
        if live is None:
            return
        print("  deploying ...", flush=True)
        live.deploy(VERTICAL, NAME, ID, **ROOM)
        window = {"stabilizationWindowSeconds": WINDOW}
        patch = {"spec": {"behavior": {"scaleUp": window, "scaleDown": window}}}
        live.kubectl("patch", "hpa", SERVICE, "-n", ID, "-p", json.dumps(patch))
        least = int(live.cluster.get("hpa", SERVICE, "-n", ID)["spec"]["minReplicas"])
        until("at rest", lambda: at_rest(live, least), live)
        with load(live) as process:
            out = until("replicas out", lambda: replicas(live) > least, live)
            most = replicas(live)
            said, _ = process.communicate(timeout=60)
        answered = json.loads(said.splitlines()[-1])
        back = until("replicas back", lambda: replicas(live) == least, live)
        failed = sum(answered["failures"].values())
        note = (
            f"ready {out:.0f} s after the load began ({answered['answered']} answered, {failed} failed), back to "
            f"{least} {back:.0f} s after it ended; windows of {WINDOW} s in place of 120 and 300"
        )
        title = f"replicas of {SERVICE} under load, by the real autoscaler"
        emit(Figure(title, most, "", least + 1, at_least=True, note=note))


if __name__ == "__main__":
    main()
