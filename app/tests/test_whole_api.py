"""Every operation of the API of every vertical: no server error, no answer outside its document."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from support_shop import Shop
from support_whole_api import of_tags, operations, parts, whole_world

from barberpro_app.health.services import CONTAINED
from barberpro_app.openapi import released

VERTICALS = sorted((Path(__file__).resolve().parents[2] / "catalog/verticals").iterdir())
#: Groups of tags, so that several workers share them.
PARTS = parts(released(), 6)
EXAMPLES = 4


@pytest.mark.slow
@pytest.mark.parametrize("tags", PARTS, ids=lambda tags: "+".join(sorted(tags)[:3]))
def test_every_operation_keeps_to_its_document(shop: Shop, tmp_path: Path, tags: set[str]) -> None:
    wanted = of_tags(released(), tags)
    with whole_world(shop, tmp_path) as world:
        for operation in wanted:
            world.ask(operation, EXAMPLES)
    assert set(world.answers) == set(wanted)
    assert shop.rows("SELECT coalesce(sum(amount), 0) FROM ledger_line") == [(0,)]


def test_no_operation_is_left_out() -> None:
    """The groups have each operation of the release once, and the release all verticals' services."""
    asked = [operation for tags in PARTS for operation in of_tags(released(), tags)]
    assert sorted(asked) == sorted(operations(released()))
    for vertical in VERTICALS:
        facts = yaml.safe_load((vertical / "vertical.yaml").read_text("utf-8"))
        named = {name.replace("_", "-") for name in facts["specialized_services"]}
        assert named <= set(CONTAINED), vertical.name
