"""Features compose: any three of them, on or off, work together, and the books balance after each step."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest
from support_combinations import FEATURES, REFUSED, Story, covering, live, open_all_days
from support_desk import Desk, open_desk
from support_shop import Shop


@pytest.fixture
def desk(shop: Shop, tmp_path: Path) -> Iterator[Desk]:
    open_all_days(shop)
    with open_desk(shop, tmp_path) as opened:
        yield opened


ROWS = covering(3)


def test_every_pair_comes_in_every_way() -> None:
    for pair in combinations(FEATURES, 2):
        seen = {tuple(feature in row for feature in pair) for row in ROWS}
        assert len(seen) == 4, pair


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_any_three_features_work_together(desk: Desk, part: int) -> None:
    for row in ROWS[part::4]:
        live(desk, row)


@pytest.mark.parametrize("pair", REFUSED, ids=lambda pair: "+".join(sorted(pair)))
def test_what_cannot_be_had_together_is_refused_in_words(desk: Desk, pair: frozenset[str]) -> None:
    story = Story(desk, pair)
    story.arrange()
    story.refuse(pair)
