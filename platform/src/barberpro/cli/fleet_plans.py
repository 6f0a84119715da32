"""From this operator's files to an upgrade of the fleet that can be shown, approved and kept."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path

from barberpro.adapters.catalog_files import load_catalog
from barberpro.cli.known import KUBERNETES
from barberpro.cli.planned import applied_plans
from barberpro.errors import InvalidInputError
from barberpro.operations.fleet.planning import Standing, Upgrade, Wish, plan_upgrades
from barberpro.operations.fleet.waves import how_many, in_waves, ordered
from barberpro.operations.publishing import target_facts
from barberpro.runs.rollouts import Member
from barberpro.targets.kubernetes.reading import image_of
from barberpro.targets.kubernetes.records import Records
from barberpro.targets.local.layout import Layout
from barberpro.targets.local.releases import app_source, content_hash
from barberpro.targets.local.state import Store


def new_rollout_id() -> str:
    """Sorts by time."""
    return f"fleet-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def standing(layout: Layout) -> list[Standing]:
    """Every deployment of this home, read from files alone."""
    images = {record.id: record.image for record in Records(layout.home).all()}
    releases = {
        record.id: record.revisions[record.live].release
        for record in Store(layout).deployments()
        if record.live in record.revisions
    }
    return [
        Standing(
            known.id, known.target, known.live, plan,
            (images if known.target == KUBERNETES else releases).get(known.id, ""), known.stopped,
        )
        for known, plan in applied_plans(layout).values()
    ]  # fmt: skip


def upgrades(
    rollout: str, image: str, only: Collection[str], catalogs: Sequence[Path], *, again: bool
) -> list[Upgrade]:
    """What would be done to each deployment, or to those named in ``only``."""
    if image:
        image_of(image)
    layout = Layout.of()
    fleet = standing(layout)
    unknown = sorted(set(only) - {one.id for one in fleet})
    if unknown:
        raise InvalidInputError(
            f"there is no deployment {', '.join(unknown)}",
            mend="barberpro list shows those that there are",
        )
    public = Store(layout).platform().public
    here = any(one.target != KUBERNETES for one in fleet)
    wish = Wish(
        rollout, image, content_hash(app_source()) if here else "", again,
        lambda domain: target_facts(public, domain),
    )  # fmt: skip
    found = plan_upgrades(fleet, load_catalog(catalogs), wish)
    return [one for one in found if not only or one.id in only]


def waves_of(found: Sequence[Upgrade], canaries: str, wave: str) -> list[tuple[Member, str]]:
    """Those that change, in their order, each with its wave and its run's payload."""
    wanted = {one.id: one for one in found if one.wanted}
    ids = ordered(one.candidate for one in wanted.values() if one.candidate is not None)
    first = how_many(canaries, len(ids))
    placed = in_waves(ids, first, max(1, how_many(wave, len(ids)))) if ids else []
    return [
        (Member(id_, number, wanted[id_].kind, "waiting"), wanted[id_].payload)
        for number, id_ in placed
    ]
