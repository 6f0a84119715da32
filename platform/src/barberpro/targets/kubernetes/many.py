"""The services of many deployments of one cluster by few calls: pages of a list, not one by one."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from barberpro.errors import BarberProError
from barberpro.kube.contexts import choose
from barberpro.kube.kubectl import Kubectl
from barberpro.kube.reader import Reader, ReadError
from barberpro.targets.kubernetes import cnpg
from barberpro.targets.kubernetes.life import state_of
from barberpro.targets.kubernetes.records import Record
from barberpro.targets.kubernetes.site import Object
from barberpro.targets.protocol import ServiceState

OURS = "app.kubernetes.io/instance=barberpro"
Lists = dict[tuple[str, str], Callable[[Object], ServiceState]]
DEPLOYMENTS = "/apis/apps/v1/deployments"
#: Path and labels of each list, and what is said of one in it.
KINDS: Lists = {(DEPLOYMENTS, OURS): state_of, ("/apis/apps/v1/statefulsets", OURS): state_of}
OF_OPERATOR: Lists = {(DEPLOYMENTS, cnpg.POOLED): state_of, (cnpg.PATH, OURS): cnpg.state_of}


@dataclass
class Seen:
    """By deployment: its services, or why its cluster could not be asked. ``requests`` counts what it took."""

    services: dict[str, list[ServiceState]] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    requests: int = 0


def look_at_all(records: Collection[Record]) -> Seen:
    """Cluster by cluster; one that does not answer leaves the others as they are."""
    seen = Seen({record.id: [] for record in records})
    for context in sorted({record.context for record in records}):
        ours = [record for record in records if record.context == context]
        here = {record.id for record in ours}
        lists = dict(KINDS)
        if any(record.database_mode == "cnpg" for record in ours):
            lists |= OF_OPERATOR
        try:
            reader = Reader(choose(context or None))
            try:
                _read(reader, lists, here, seen)
            finally:
                seen.requests += reader.requests
                reader.close()
        except BarberProError as error:
            seen.problems |= dict.fromkeys(here, error.what)
    return seen


def _read(reader: Reader, lists: Lists, here: Collection[str], seen: Seen) -> None:
    try:
        for (path, selector), state in lists.items():
            for page in reader.pages(path, selector=selector):
                for one in page:
                    about: dict[str, Any] = one["metadata"]
                    if about.get("namespace") in here:
                        seen.services[about["namespace"]].append(state(one))
    except ReadError as error:
        Kubectl(reader.context).raw(f"{error}?limit=1")  # says what is wrong, where it still is
        raise BarberProError(f"the cluster did not give {error}") from error
