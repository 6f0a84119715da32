"""Terraform configuration of a plan: known arguments alone, no variable without a value, no secret."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from support_planning import plan_of, shipped_catalog

from barberpro.errors import InvalidInputError
from barberpro.operations.infrastructure.export import MAIN, VALUES, export

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "infrastructure"
KNOWN = json.loads((ROOT / "tests/support/terraform_arguments.json").read_text())["resources"]
META = {"count", "for_each", "depends_on", "lifecycle", "provider"}
PLACES = {"aws": "sa-east-1", "gcp": None, "azure": None, "huawei": None}
PRODUCERS = {"aws": "aws", "gcp": "google", "azure": "azurerm", "huawei": "huaweicloud"}


def made(provider: str, market: str = "medium", place: str | None = None) -> Mapping[str, str]:
    plan = plan_of(
        {"vertical": "barbershop", "name": "Palermo", "market": market, "region": "argentina-central"},
        target="kubernetes", provider=provider, provider_location=place or PLACES.get(provider),
    )  # fmt: skip
    return export(plan, shipped_catalog().providers[provider], TEMPLATES).files


def problems(body: Mapping[str, Any], known: Mapping[str, Any], where: str) -> Iterator[str]:
    blocks = body.get("dynamic", {})
    for name in {*body, *blocks} - META - {"dynamic"}:
        if name not in known:
            yield f"{where}: there is no argument {name}"
            continue
        inner = known[name].get("block")
        value = body[name] if name in body else blocks[name]["content"]
        for one in value if isinstance(value, list) else [value]:
            if inner is not None and isinstance(one, dict):
                yield from problems(one, inner, f"{where}.{name}")
    for name, argument in known.items():
        if argument["required"] and name not in body and name not in blocks:
            yield f"{where}: {name} is required"


@pytest.mark.parametrize("provider", PLACES)
def test_only_arguments_that_the_provider_knows_and_all_that_it_asks_for(provider: str) -> None:
    document = json.loads(made(provider)[MAIN])
    assert list(document["terraform"]["required_providers"]) == [PRODUCERS[provider]]
    found = [
        problem
        for kind, ones in document["resource"].items()
        for name, body in ones.items()
        for problem in problems(body, KNOWN[kind], f"{kind}.{name}")
    ]
    assert found == []
    wrong = {"nonsense": 1}
    kind = next(iter(document["resource"]))
    assert next(iter(problems(wrong, KNOWN[kind], "it"))) == "it: there is no argument nonsense"


@pytest.mark.parametrize("provider", PLACES)
def test_every_reference_leads_somewhere_and_no_secret_is_written(provider: str) -> None:
    text = made(provider)[MAIN]
    document, values = json.loads(text), json.loads(made(provider)[VALUES])
    for kind, name in re.findall(r"\b((?:aws|google|azurerm|huaweicloud)_\w+)\.(\w+)", text):
        assert name in document["resource"][kind], f"{kind}.{name}"
    variables = document["variable"]
    assert set(re.findall(r"\bvar\.(\w+)", text)) == set(variables)
    shapes = json.loads((TEMPLATES / provider / "shapes.json").read_text())
    assert set(variables) - set(values) == set(shapes["needs"])
    assert not set(values) - set(variables)
    for name, variable in variables.items():
        assert variable.get("sensitive", False) == ("password" in name)


@pytest.mark.parametrize("provider", PLACES)
def test_a_larger_market_has_more_of_it(provider: str) -> None:
    small, large = (
        json.loads(made(provider, market)[VALUES]) for market in ("small", "enterprise")
    )
    assert large["node_min"] >= small["node_min"] >= len(small["zones"])
    assert large["database_storage_gb"] > small["database_storage_gb"]
    assert (small["database_standby"], large["database_standby"]) == (False, True)


def test_where_nothing_can_be_written_it_is_said_what_to_do() -> None:
    with pytest.raises(InvalidInputError) as refused:
        made("on-premises")
    assert "barberpro cluster check" in refused.value.mend
    with pytest.raises(InvalidInputError, match="Local Zone") as refused:
        made("aws", place="us-east-1-bue-1a")
    assert "sa-east-1" in refused.value.mend


def test_the_command_writes_the_files_and_leaves_strange_ones_alone(tmp_path: Path) -> None:
    words = [
        "scripts/barberpro", "infrastructure", "export", "--vertical", "barbershop", "--name", "Palermo",
        "--market", "small", "--region", "argentina-central", "--provider", "gcp",
        "--transfer-instrument", "CL=scc-60e-annex-ii", "--folder", str(tmp_path / "out"),
    ]  # fmt: skip
    home = {**os.environ, "BARBERPRO_HOME": str(tmp_path / "home")}

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words, capture_output=True, text=True, check=False, cwd=ROOT, env=home
        )

    done = run()
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "out").iterdir()} == {MAIN, VALUES}
    (tmp_path / "out" / MAIN).write_text("{}")
    again = run()
    assert again.returncode == 2
    assert "--force" in again.stderr
    assert (tmp_path / "out" / MAIN).read_text() == "{}"
