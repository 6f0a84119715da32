"""Clients, the team, payers and workers at once, at random: nothing overlaps, is lost or out of balance."""

from __future__ import annotations

from pathlib import Path

import pytest
from support_operations import run_operations
from support_shop import Shop


@pytest.mark.slow
def test_after_many_random_operations_at_once_everything_is_as_it_must_be(
    shop: Shop, tmp_path: Path
) -> None:
    ended = run_operations(shop, tmp_path, operations=600, actors=20, seed=1)
    assert ended.wrong == []
    assert ended.answers[201] > 50
