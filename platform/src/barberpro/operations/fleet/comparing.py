"""Many deployments against what their clusters have: few lists to find whom to look at, then a look."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from barberpro.errors import BarberProError
from barberpro.kube.contexts import choose
from barberpro.kube.kubectl import Kubectl
from barberpro.kube.reader import Reader, ReadError
from barberpro.targets.kubernetes.drift import Drift, find_drift, moved_by_hand
from barberpro.targets.kubernetes.records import Record
from barberpro.targets.kubernetes.suspects import Suspect, find_suspects
from barberpro.targets.kubernetes.target import KubernetesTarget

AT_ONCE = 4
State = Literal["as-deployed", "changed", "gone", "unknown"]


@dataclass(frozen=True, slots=True)
class Compared:
    """``gone``: the release is not there any more; ``unknown``: it could not be looked at, and ``problem``
    says why."""

    id: str
    context: str
    state: State
    drift: tuple[Drift, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Cost:
    """What the lists took: requests to the clusters, and how many deployments were compared in full."""

    requests: int = 0
    closely: int = 0


def compare_all(
    target: KubernetesTarget, records: Collection[Record]
) -> tuple[list[Compared], Cost]:
    """Every one of ``records``, cluster by cluster; one that does not answer leaves the others as they are."""
    found: list[Compared] = []
    requests = closely = 0
    for context in sorted({record.context for record in records}):
        here = [record for record in records if record.context == context]
        try:
            reader = Reader(choose(context or None))
            try:
                suspects = _suspects(reader, here)
            finally:
                reader.close()
        except BarberProError as error:
            found += [Compared(one.id, context, "unknown", problem=error.what) for one in here]
            continue
        requests += reader.requests
        doubtful = [one for one in here if _doubtful(one, suspects[one.id])]
        closely += len(doubtful)
        looked = dict(_look_at(target, doubtful, suspects))
        found += [looked.get(one.id, Compared(one.id, context, "as-deployed")) for one in here]
    return sorted(found, key=lambda one: one.id), Cost(requests, closely)


def _suspects(reader: Reader, here: Collection[Record]) -> dict[str, Suspect]:
    try:
        return find_suspects(reader, here)
    except ReadError as error:
        Kubectl(reader.context).raw(f"{error}?limit=1")  # says what is wrong, where it still is
        raise BarberProError(f"the cluster did not give {error}") from error


def _expected(record: Record) -> int:
    """Helm's number of what we released last; 0 where nothing is live."""
    return record.helm.get(record.live or 0, 0)


def _doubtful(record: Record, suspect: Suspect) -> bool:
    moved = _expected(record) not in (0, suspect.number)
    return moved or suspect.unread or suspect.number == 0 or bool(suspect.objects)


def _look_at(
    target: KubernetesTarget, doubtful: Collection[Record], suspects: dict[str, Suspect]
) -> Iterator[tuple[str, Compared]]:
    def look(record: Record) -> Compared:
        try:
            return _look(target, record, suspects[record.id])
        except BarberProError as error:
            return Compared(record.id, record.context, "unknown", problem=error.what)

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="compare") as pool:
        for one in pool.map(look, doubtful):
            yield one.id, one


def _look(target: KubernetesTarget, record: Record, suspect: Suspect) -> Compared:
    helm = target.helm(record)
    expected = _expected(record)
    drift: list[Drift] = []
    if suspect.number != expected or suspect.unread:
        history = helm.history()
        if not history:
            return Compared(record.id, record.context, "gone", problem="helm uninstall by hand")
        moved = moved_by_hand(history, expected)
        drift += [moved] if moved is not None else []
    whole = suspect.unread or suspect.number == 0
    drift += find_drift(target.site(record), helm, None if whole else suspect.objects)
    state: State = "changed" if drift else "as-deployed"
    return Compared(record.id, record.context, state, tuple(drift))
