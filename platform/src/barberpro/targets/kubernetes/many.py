"""The services of many deployments of one cluster by few calls: pages of a list, not one by one."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from urllib.parse import quote

from barberpro.errors import BarberProError
from barberpro.kube.contexts import choose
from barberpro.kube.kubectl import Kubectl
from barberpro.targets.kubernetes.life import state_of
from barberpro.targets.kubernetes.records import Record
from barberpro.targets.kubernetes.site import Object
from barberpro.targets.protocol import ServiceState

PAGE = 500
OURS = "app.kubernetes.io/instance=barberpro"
KINDS = ("deployments", "statefulsets")


def services_of_all(records: Collection[Record]) -> dict[str, list[ServiceState]]:
    """By deployment; none for those whose cluster does not answer."""
    found: dict[str, list[ServiceState]] = {record.id: [] for record in records}
    for context in sorted({record.context for record in records}):
        here = {record.id for record in records if record.context == context}
        try:
            kubectl = Kubectl(choose(context or None))
            for kind in KINDS:
                for one in pages(kubectl, f"/apis/apps/v1/{kind}", OURS):
                    namespace = str(one["metadata"].get("namespace"))
                    if namespace in here:
                        found[namespace].append(state_of(one))
        except BarberProError:
            continue  # they are shown as not running, as one of them alone would be
    return found


def pages(kubectl: Kubectl, path: str, selector: str) -> Iterator[Object]:
    """The objects of a list, at most ``PAGE`` of them in memory. Raises as ``Kubectl.call``."""
    following = ""
    while True:
        query = f"?limit={PAGE}&labelSelector={quote(selector)}"
        if following:
            query += f"&continue={quote(following)}"
        answer = json.loads(kubectl.call("get", "--raw", path + query))
        yield from answer.get("items") or []
        following = str(answer.get("metadata", {}).get("continue") or "")
        if not following:
            return
