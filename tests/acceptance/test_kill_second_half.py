"""``kill -9`` at ten random moments; the first ten are in the first half, so that two workers share them."""

from __future__ import annotations

import pytest
from support_kills import falls, left_behind
from support_operator import Operator

SEED, KILLS = 20261125, 10


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_at_any_moment_it_converges_and_leaves_nothing(operator: Operator) -> None:
    ended = list(falls(operator, SEED, KILLS))
    assert len(ended) == KILLS
    assert [fall for fall in ended if fall.trouble] == []
    assert left_behind(operator) == []
