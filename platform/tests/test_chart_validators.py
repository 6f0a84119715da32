"""What others' judges say of the chart: Helm's lint, the schemas of all supported versions of
Kubernetes, kube-score and checkov. Exceptions stand in the chart, beside what they are about."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from support_chart import (
    CHART,
    COMBINATIONS,
    Object,
    helm,
    installation,
    objects,
    plan_for,
    program,
    render,
    text_of,
)
from support_validators import validators

from barberpro.targets.kubernetes.values import make_values

pytestmark = pytest.mark.skipif(helm() is None, reason="Helm is neither on PATH nor built")

VERSIONS = tuple(f"1.{minor}" for minor in range(25, 38))
#: Kinds of operators, whose schemas no Kubernetes has.
FOREIGN = {"Cluster", "Pooler", "Middleware", "TLSOption"}

#: In the validators' environment: judges (version, object) pairs, a line of JSON for each fault.
JUDGE = """
import json, sys, kubernetes_validate
for version, one in json.load(sys.stdin):
    try:
        kubernetes_validate.validate(one, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        print(json.dumps([version, one["kind"], one["metadata"]["name"], str(error)[:300]]))
"""


@cache
def of_version(old: bool) -> tuple[Object, ...]:
    """All combinations, as the chart renders them for old or new Kubernetes."""
    if not old:
        return tuple(o for c in COMBINATIONS for o in objects(text_of(*c)))
    found: list[Object] = []
    for vertical, market in COMBINATIONS:
        plan = plan_for(vertical, market)
        values = make_values(plan, 1, installation())
        found += objects(render(values, plan.deployment_id, kubernetes="1.25.0"))
    return tuple(found)


def shape(value: Any) -> Any:
    """Schemas of Kubernetes look at structure and type: two objects of one shape are judged alike."""
    if isinstance(value, dict):
        return {key: shape(part) for key, part in sorted(value.items())}
    if isinstance(value, list):
        return sorted({json.dumps(shape(part)) for part in value})
    return type(value).__name__


def distinct(found: tuple[Object, ...]) -> Iterator[Object]:
    seen = set()
    for one in found:
        key = json.dumps([one["kind"], one["apiVersion"], shape(one)])
        if key not in seen:
            seen.add(key)
            yield one


@pytest.mark.slow
def test_every_object_fits_the_schema_of_every_version() -> None:
    kept: dict[bool, list[Object]] = {}
    for old in (True, False):
        found = of_version(old)
        assert len(found) > 16 * 80
        kept[old] = [one for one in distinct(found) if one["kind"] not in FOREIGN]
    pairs = [(version, one) for version in VERSIONS for one in kept[version in ("1.25", "1.26")]]
    assert len(pairs) > 13 * 20
    said = subprocess.run(
        [validators() / "python", "-c", JUDGE],
        input=json.dumps(pairs), text=True, capture_output=True, check=True,
    )  # fmt: skip
    assert said.stdout == ""


def test_lint_has_nothing_to_say(tmp_path: Path) -> None:
    plan = plan_for("dental", "medium")
    values = tmp_path / "values.json"
    values.write_text(json.dumps(make_values(plan, 1, installation())))
    said = subprocess.run(
        [str(helm()), "lint", "--strict", "--values", str(values), str(CHART)],
        text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert said.returncode == 0, said.stdout + said.stderr
    assert "0 chart(s) failed" in said.stdout


@pytest.mark.skipif(program("kube-score") is None, reason="kube-score is neither on PATH nor built")
def test_kube_score_finds_nothing() -> None:
    passed = 0
    for vertical, market in COMBINATIONS:
        text = text_of(vertical, market)
        said = subprocess.run(
            [str(program("kube-score")), "score", "--kubernetes-version", "v1.34", "-o", "json", "-"],
            input=text, text=True, capture_output=True, check=False,
        )  # fmt: skip
        for one in json.loads(said.stdout):
            for check in one["checks"]:
                if check["skipped"]:
                    continue
                assert check["grade"] >= 10, (
                    one["object_name"],
                    check["check"]["name"],
                    check["comments"],
                )
                passed += 1
    assert passed > 16 * 100


@pytest.mark.slow
def test_checkov_finds_nothing(tmp_path: Path) -> None:
    for vertical, market in COMBINATIONS:
        (tmp_path / f"{vertical}-{market}.yaml").write_text(text_of(vertical, market))
    said = subprocess.run(
        [validators() / "checkov", "-d", str(tmp_path), "--framework", "kubernetes", "--quiet",
         "--compact", "--soft-fail", "-o", "json"],
        text=True, capture_output=True, check=True, env={**os.environ, "LOG_LEVEL": "ERROR"},
    )  # fmt: skip
    report = json.loads(said.stdout)
    failed = report["results"]["failed_checks"]
    assert [(f["check_id"], f["check_name"], f["resource"]) for f in failed] == []
    assert report["summary"]["passed"] > 16 * 1000
    assert report["summary"]["parsing_errors"] == 0
