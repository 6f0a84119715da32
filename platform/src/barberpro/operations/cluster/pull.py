"""Whether a node can pull an image: seen by letting one do it."""

from __future__ import annotations

import json
import time
from importlib.resources import files
from string import Template
from typing import Any

from barberpro.errors import BarberProError
from barberpro.kube.kubectl import Kubectl
from barberpro.planning.findings import Finding, Severity

SECONDS = 120.0
PAUSE = 1.0
HOPELESS = {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError"}  # fmt: skip
ID = "cluster-registry"


def check_pull(kubectl: Kubectl, image: str, seconds: float = SECONDS) -> Finding:
    """Make a pod of this image in the namespace ``default``, see whether its image arrives, and
    delete the pod. Its command does not exist, so nothing of the image ever runs."""
    manifest = files(__package__).joinpath("pull-probe.yaml").read_text(encoding="utf-8")
    try:
        name = kubectl.call(
            "create", "-n", "default", "-o", "jsonpath={.metadata.name}", "-f", "-",
            stdin=Template(manifest).substitute(image=json.dumps(image)),
        )  # fmt: skip
    except BarberProError as error:
        return _bad(image, error.what, error.mend)
    try:
        return _watch(kubectl, name, image, seconds)
    except BarberProError as error:
        return _bad(image, error.what, error.mend)
    finally:
        kubectl.call(
            "delete", "pod", name, "-n", "default", "--wait=false", "--grace-period=0", "--force"
        )


def _watch(kubectl: Kubectl, name: str, image: str, seconds: float) -> Finding:
    deadline = time.monotonic() + seconds
    said = "no node has taken the pod"
    while time.monotonic() < deadline:
        status: Any = kubectl.raw(f"/api/v1/namespaces/default/pods/{name}").get("status") or {}
        for container in status.get("containerStatuses", ()):
            waiting = container.get("state", {}).get("waiting", {})
            if container.get("imageID"):
                return Finding(
                    id=ID,
                    severity=Severity.INFO,
                    what=f"a node has {image}",
                    evidence=str(container["imageID"]),
                )
            if waiting.get("reason") in HOPELESS:
                return _bad(image, waiting.get("message") or waiting["reason"], "")
            said = waiting.get("reason") or said
        unmet = [c for c in status.get("conditions", ()) if c.get("reason") == "Unschedulable"]
        if unmet:
            said = unmet[0].get("message", said)
        time.sleep(PAUSE)
    return _bad(image, f"not within {seconds:.0f} s: {said}", "kubectl describe nodes")


def _bad(image: str, said: str, mend: str) -> Finding:
    return Finding(
        id=ID, severity=Severity.BLOCKING, what=f"{image} cannot be pulled: {said}",
        why="the manual asks for access to the images of BarberPro",
        mend=mend or "name a registry that the nodes reach, and its pull secret: "
        "kubectl create secret docker-registry barberpro-registry --docker-server=REGISTRY ...",
    )  # fmt: skip
