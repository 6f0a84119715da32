"""The services of many deployments of one cluster by few calls: pages of a list, not one by one."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from barberpro.errors import BarberProError
from barberpro.kube.contexts import choose
from barberpro.kube.kubectl import Kubectl
from barberpro.targets.kubernetes.life import state_of
from barberpro.targets.kubernetes.records import Record
from barberpro.targets.protocol import ServiceState

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
                for one in kubectl.each(f"/apis/apps/v1/{kind}", OURS):
                    about: Any = one["metadata"]
                    namespace = str(about.get("namespace"))
                    if namespace in here:
                        found[namespace].append(state_of(one))
        except BarberProError:
            continue  # they are shown as not running, as one of them alone would be
    return found
