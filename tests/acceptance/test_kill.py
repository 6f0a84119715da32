"""``kill -9`` of the deploying process at twenty random moments."""

from __future__ import annotations

import pytest
from support_kills import falls, left_behind
from support_operator import Operator

SEED, DEPLOYMENTS, KILLS = 20261124, 5, 4


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_killed_at_any_moment_it_converges_and_leaves_nothing(operator: Operator) -> None:
    """Four moments of each deployment: who takes up the run is killed as well."""
    ended = list(falls(operator, SEED, DEPLOYMENTS, kills=KILLS))
    assert len(ended) == DEPLOYMENTS
    assert [fall for fall in ended if fall.trouble] == []
    assert left_behind(operator) == []
