"""Upgrades of a fleet: who goes first, what stops it, what a kill leaves and a resume finishes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import support_fleet
from hypothesis import given
from hypothesis import strategies as st
from support_fleet import IDS, begin, carry
from support_planning import changed_catalog, plan_of, shipped_catalog

from barberpro.errors import BarberProError, InvalidInputError
from barberpro.operations.fleet.carrying import Options
from barberpro.operations.fleet.planning import Standing, Wish, plan_upgrades
from barberpro.operations.fleet.waves import Candidate, how_many, in_waves, ordered
from barberpro.runs.registry import Registry
from barberpro.runs.rollouts import Rollouts

pytest_plugins = ["support_runs"]

WAVES = {id_: 0 if at < 2 else 1 + (at - 2) // 6 for at, id_ in enumerate(IDS)}


def journal(folder: Path) -> list[str]:
    return (folder / "journal").read_text().splitlines()


@given(
    st.lists(st.integers(0, 10**6), unique=True, max_size=60), st.integers(0, 70), st.integers(1, 70)
)  # fmt: skip
def test_each_deployment_is_in_one_wave_and_none_is_larger_than_asked(
    numbers: list[int], canaries: int, wave: int
) -> None:
    ids = [str(number) for number in numbers]
    placed = in_waves(ids, canaries, wave)
    assert [id_ for _, id_ in placed] == ids
    assert [number for number, _ in placed] == sorted(number for number, _ in placed)
    sizes = Counter(number for number, _ in placed)
    assert sizes.pop(0, 0) == min(canaries, len(ids))
    assert all(size <= wave for size in sizes.values())


def test_where_a_fault_costs_least_comes_first() -> None:
    given = [
        Candidate("large", "dental", "production", 2),
        Candidate("b", "barbershop", "production", 0),
        Candidate("a", "barbershop", "production", 0),
        Candidate("d", "dental", "production", 0),
        Candidate("trial", "fitness", "staging", 3),
    ]
    assert ordered(given) == ["trial", "a", "d", "b", "large"]
    assert [how_many(text, 250) for text in ("0", "7", "1%", "100%")] == [0, 7, 3, 250]
    for text in ("", "-1", "1.5", "101%", "many"):
        with pytest.raises(InvalidInputError):
            how_many(text, 10)


def test_what_would_change_is_found_from_each_ones_own_request() -> None:
    plan = plan_of(target="local")
    there = plan_of(
        {**plan_fields("Otra"), "vertical": "barbershop"},
        target="kubernetes",
        provider="on-premises",
    )
    asleep = plan_of({**plan_fields("Dormida"), "vertical": "barbershop"}, target="local")
    fleet = [
        Standing(plan.deployment_id, "local", 1, plan, "aaaa"),
        Standing(there.deployment_id, "kubernetes", 3, there, "app:1"),
        Standing("never-live", "local", None, None),
        Standing(asleep.deployment_id, "local", 1, asleep, "aaaa", stopped=True),
    ]
    same = list(plan_upgrades(fleet, shipped_catalog(), Wish("r", release="aaaa")))
    assert [one.wanted for one in same] == [False] * 4
    assert [bool(one.left_out) for one in same] == [False, False, True, True]
    newer = list(plan_upgrades(fleet, shipped_catalog(), Wish("r", "app:2", "bbbb")))
    assert [one.kind for one in newer] == ["deploy", "upgrade", "", ""]
    options = json.loads(newer[1].payload)["options"]
    assert options == {
        "image": "app:2", "image_before": "app:1", "previous_revision": 3, "rollout": "r",
    }  # fmt: skip
    changed = changed_catalog("markets.yaml", "concurrent_users: ", "concurrent_users: 1")
    found = list(plan_upgrades(fleet, changed, Wish("r", release="aaaa")))
    assert found[0].changes
    assert found[0].wanted


def plan_fields(name: str) -> dict[str, object]:
    return {"name": name, "market": "small", "region": "argentina-central"}


def test_waves_go_one_after_the_other_and_every_run_is_kept(
    registry_url: str, tmp_path: Path
) -> None:
    begin(registry_url, "r1", WAVES)
    status, told = carry(registry_url, tmp_path, Options(at_once=3))
    assert status == "done"
    ends = [line.split()[1] for line in journal(tmp_path) if line.startswith("end")]
    assert [WAVES[id_] for id_ in ends] == sorted(WAVES.values())
    assert [one.wave for one in told if one.event == "wave"] == [0, 1, 2, 3]
    assert told[-1].done == told[-1].total == len(IDS)
    with Registry.open(registry_url) as registry:
        assert {run.status for run in registry.runs(limit=99)} == {"done"}


def test_a_bad_signal_stops_it_and_says_what_stands_where(
    registry_url: str, tmp_path: Path
) -> None:
    (tmp_path / f"bad-{IDS[4]}").touch()
    begin(registry_url, "r1", WAVES)
    with pytest.raises(BarberProError, match="unfinished"):
        begin(registry_url, "r2", WAVES)
    status, told = carry(registry_url, tmp_path, Options(at_once=1))
    assert status == "halted"
    assert f"{IDS[4]}: it does not start" in told[-1].message
    assert f"undo {IDS[4]}" in journal(tmp_path)
    with Rollouts(registry_url) as kept:
        states = [member.state for member in kept.members("r1")]
        assert states == ["done"] * 4 + ["failed"] + ["waiting"] * 15
        assert kept.unfinished() is None
    begin(registry_url, "r2", WAVES)  # a canary that is up, and not well
    status, told = carry(registry_url, tmp_path, Options(at_once=2), unwell=IDS[1])
    assert status == "halted"
    assert told[-1].message == f"1 bad: {IDS[1]}: 1 of 2 ready"
    begin(registry_url, "r3", WAVES)  # so many are allowed
    status, told = carry(registry_url, tmp_path, Options(at_once=3, allow_failed=1))
    assert status == "done"
    assert told[-1].message.startswith("1 bad")


def test_a_killed_upgrade_is_finished_by_whoever_comes_next(
    registry_url: str, tmp_path: Path
) -> None:
    begin(registry_url, "r1", WAVES)
    command = [sys.executable, support_fleet.__file__, registry_url, str(tmp_path)]
    with subprocess.Popen(command) as process:
        deadline = time.monotonic() + 60
        while not (tmp_path / "journal").exists() or len(journal(tmp_path)) < 12:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.kill()
    status, _ = carry(registry_url, tmp_path, Options(at_once=3))
    assert status == "done"
    assert {line for line in journal(tmp_path) if line.startswith("end")} == {
        f"end {id_}" for id_ in IDS
    }
    with Registry.open(registry_url) as registry:
        runs = registry.runs(limit=99)
        assert Counter(run.deployment for run in runs) == Counter(IDS)
        assert {run.status for run in runs} == {"done"}
