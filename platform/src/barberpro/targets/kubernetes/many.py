"""The services of many deployments of one cluster by few calls: pages of a list, not one by one."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from barberpro.errors import BarberProError
from barberpro.kube.contexts import choose
from barberpro.kube.kubectl import Kubectl
from barberpro.targets.kubernetes import cnpg
from barberpro.targets.kubernetes.life import state_of
from barberpro.targets.kubernetes.records import Record
from barberpro.targets.kubernetes.site import Object
from barberpro.targets.protocol import ServiceState

OURS = "app.kubernetes.io/instance=barberpro"
KINDS: dict[str, Callable[[Object], ServiceState]] = {
    "/apis/apps/v1/deployments": state_of,
    "/apis/apps/v1/statefulsets": state_of,
}


def services_of_all(records: Collection[Record]) -> dict[str, list[ServiceState]]:
    """By deployment; none for those whose cluster does not answer."""
    found: dict[str, list[ServiceState]] = {record.id: [] for record in records}
    for context in sorted({record.context for record in records}):
        here = {record.id for record in records if record.context == context}
        try:
            kubectl = Kubectl(choose(context or None))
            paths = dict(KINDS)
            if any(r.database_mode == "cnpg" for r in records if r.context == context):
                paths[cnpg.PATH] = cnpg.state_of
            for path, state in paths.items():
                for one in kubectl.each(path, OURS):
                    about: Any = one["metadata"]
                    namespace = str(about.get("namespace"))
                    if namespace in here:
                        found[namespace].append(state(one))
        except BarberProError:
            continue  # they are shown as not running, as one of them alone would be
    return found
