"""The chart rendered by Helm: each combination once a session, as plain objects."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from support_planning import plan_of
from support_validators import cache_folder

from barberpro.planning.model import Plan
from barberpro.targets.kubernetes.values import Image, Installation, make_values

CHART = Path(__file__).resolve().parents[2] / "chart" / "barberpro"
VERTICALS = ("barbershop", "psychology", "fitness", "dental")
MARKETS = ("small", "medium", "large", "enterprise")
COMBINATIONS = tuple(itertools.product(VERTICALS, MARKETS))
KUBERNETES = "1.34.0"
IMAGE = Image("registry.example/barberpro/app", digest="sha256:" + "0123456789abcdef" * 4)
Object = dict[str, Any]


def program(name: str) -> str | None:
    """A program from PATH, or as the tests' own cluster builds it; None where there is none."""
    folders = [os.environ.get("BARBERPRO_CLUSTER_PROGRAMS", "")]
    built = sorted((cache_folder() / "cluster").glob(f"*/{name}"), reverse=True)
    candidates = [*(Path(folder) / name for folder in folders if folder), *built]
    here = [str(path) for path in candidates if os.access(path, os.X_OK)]
    return shutil.which(name) or (here[0] if here else None)


def helm() -> str | None:
    return program("helm")


def plan_for(vertical: str, market: str) -> Plan:
    return plan_of(
        {
            "vertical": vertical,
            "name": f"Caso {vertical} {market}",
            "market": market,
            "region": "argentina-central",
        },
        target="kubernetes",
        provider="on-premises",
    )


def installation(**changes: Any) -> Installation:
    """As on a cluster with an ingress controller, CloudNativePG and a mail server."""
    given: dict[str, Any] = {
        "image": IMAGE,
        "has_cnpg": True,
        "public": {"kind": "ingress", "className": "traefik", "controller": "traefik"},
        "mail": {"host": "smtp.example", "port": 587},
        **changes,
    }
    return Installation(**given)


def render(
    values: Mapping[str, object],
    namespace: str,
    *,
    kubernetes: str = KUBERNETES,
    upgrade: bool = False,
) -> str:
    """What `helm template` prints; raises `CalledProcessError` with what it says."""
    found = helm()
    assert found is not None, "helm is neither on PATH nor built"
    command = [
        found, "template", "barberpro", str(CHART), "--namespace", namespace, "--values", "-",
        "--kube-version", kubernetes, *(["--is-upgrade"] if upgrade else []),
    ]  # fmt: skip
    return subprocess.run(
        command, input=json.dumps(values), text=True, capture_output=True, check=True
    ).stdout


def objects(text: str) -> list[Object]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return [found for found in yaml.load_all(text, Loader=loader) if found]


@cache
def text_of(vertical: str, market: str) -> str:
    plan = plan_for(vertical, market)
    return render(make_values(plan, 1, installation()), plan.deployment_id)


@cache
def rendered(vertical: str, market: str) -> tuple[Object, ...]:
    return tuple(objects(text_of(vertical, market)))


def rendered_with(plan: Plan, *, upgrade: bool = False, **changes: Any) -> list[Object]:
    values = make_values(plan, 1, installation(**changes))
    return objects(render(values, plan.deployment_id, upgrade=upgrade))


def of_kind(found: tuple[Object, ...] | list[Object], *kinds: str) -> dict[str, Object]:
    """The objects of these kinds by name."""
    return {o["metadata"]["name"]: o for o in found if o["kind"] in kinds}


def pod_specs(found: tuple[Object, ...] | list[Object]) -> Iterator[tuple[str, Object, Object]]:
    """Name, metadata and spec of everything that becomes a pod."""
    for one in found:
        name = f"{one['kind']}/{one['metadata']['name']}"
        if one["kind"] == "Pod":
            yield name, one["metadata"], one["spec"]
        elif one["kind"] in ("Deployment", "StatefulSet", "Job"):
            template = one["spec"]["template"]
            yield name, template["metadata"], template["spec"]


def containers(spec: Object) -> list[Object]:
    return [*spec.get("initContainers", []), *spec["containers"]]
