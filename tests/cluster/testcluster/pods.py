"""Small pods for tests, under the restricted policy of pod security."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import yaml

from testcluster.node import BUSYBOX

RESTRICTED = {
    "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True,
    "runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"},
}  # fmt: skip


def shell(name: str, script: str, **spec: Any) -> str:
    """A pod that runs this script, under the restricted policy."""
    container = {
        "name": "shell", "image": BUSYBOX, "imagePullPolicy": "IfNotPresent", "securityContext": RESTRICTED,
        "command": ["/bin/sh", "-c", script],
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}},
        **spec.pop("container", {}),
    }  # fmt: skip
    body = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 1,
        "containers": [container],
        **spec,
    }
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "labels": {"app": name}},
            "spec": body,
        }
    )


def until(what: str, check: Callable[[], bool], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.5)
