"""What an upgrade of the fleet would do: each deployment's own request planned anew with the catalog
of today, against the plan that it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from barberpro.catalog.model import Catalog
from barberpro.errors import BarberProError
from barberpro.operations.fleet.upgrading import UPGRADE
from barberpro.operations.fleet.waves import Candidate
from barberpro.planning.differences import Change, difference
from barberpro.planning.findings import Severity
from barberpro.planning.inventory import Inventory, Known, TargetFacts
from barberpro.planning.model import Plan
from barberpro.planning.plans import checksum, make_plan
from barberpro.runs.outcomes import Json
from barberpro.runs.rows import canonical

KUBERNETES = "kubernetes"


@dataclass(frozen=True, slots=True)
class Standing:
    """One deployment as it is: the plan that serves, and its image (on a cluster) or the hash of the
    app's release (on this machine). ``plan`` None: nothing of it is live."""

    id: str
    target: str
    live: int | None
    plan: Plan | None
    runs: str = ""
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What would change. ``left_out`` says why it is not upgraded; without it and without changes
    it is up to date. ``payload`` is the run's, as canonical JSON."""

    id: str
    target: str
    candidate: Candidate | None
    changes: tuple[Change, ...] = ()
    software: str = ""  # "1.0 -> 1.1" where what runs is replaced
    left_out: str = ""
    kind: str = ""
    payload: str = field(default="", repr=False)

    @property
    def wanted(self) -> bool:
        return bool(self.payload)


@dataclass(frozen=True, slots=True)
class Wish:
    """``image`` for clusters, empty for what each runs; ``release`` is the hash of the app that this
    machine would deploy; ``again`` takes those in that are up to date."""

    rollout: str
    image: str = ""
    release: str = ""
    again: bool = False
    facts: Callable[[str | None], TargetFacts] = lambda _domain: TargetFacts()


def plan_upgrades(fleet: Sequence[Standing], catalog: Catalog, wish: Wish) -> Iterator[Upgrade]:
    """One after the other, so that a thousand plans need not be held at once."""
    inventory = Inventory(
        deployments={
            one.id: Known(one.plan.request.name, one.plan.request.vertical, one.plan)
            for one in fleet
            if one.plan is not None
        }
    )
    sizes = {name: place for place, name in enumerate(catalog.markets)}
    for one in fleet:
        yield _upgrade(one, catalog, inventory, sizes, wish)


def _upgrade(
    one: Standing, catalog: Catalog, inventory: Inventory, sizes: Mapping[str, int], wish: Wish
) -> Upgrade:
    if one.plan is None or one.live is None:
        return Upgrade(one.id, one.target, None, left_out="nothing of it is live")
    request = one.plan.request
    candidate = Candidate(
        one.id, request.vertical, request.environment, sizes.get(request.market, len(sizes))
    )
    if one.stopped:
        return Upgrade(one.id, one.target, candidate, left_out="it is stopped")
    try:
        facts = wish.facts(request.domain) if one.target != KUBERNETES else TargetFacts()
        around = inventory if facts == inventory.facts else replace(inventory, facts=facts)
        plan = make_plan(request, catalog, around)
    except (BarberProError, KeyError) as error:
        return Upgrade(one.id, one.target, candidate, left_out=f"it cannot be planned: {error}")
    blocking = [found.what for found in plan.findings if found.severity is Severity.BLOCKING]
    if blocking:
        return Upgrade(one.id, one.target, candidate, left_out=blocking[0])
    changes = difference(one.plan, plan)
    replaced = [change.path for change in changes if change.impact == "replace"]
    if replaced:
        why = f"it would replace {', '.join(replaced)}: deploy it by itself"
        return Upgrade(one.id, one.target, candidate, changes, left_out=why)
    wanted = (wish.image or one.runs) if one.target == KUBERNETES else (wish.release or one.runs)
    software = f"{one.runs} -> {wanted}" if wanted != one.runs else ""
    if not changes and not software and not wish.again:
        return Upgrade(one.id, one.target, candidate)
    options: dict[str, Json] = {"previous_revision": one.live, "rollout": wish.rollout}
    kind = "deploy"
    if one.target == KUBERNETES:
        kind = UPGRADE
        options |= {"image": wanted, "image_before": one.runs}
    payload: dict[str, Json] = {
        "plan": plan.model_dump(mode="json"), "checksum": checksum(plan), "options": options,
    }  # fmt: skip
    return Upgrade(one.id, one.target, candidate, changes, software, "", kind, canonical(payload))
