"""A plan as Terraform configuration of the cluster and the managed database that it needs.

What differs between providers is data: ``infrastructure/<provider>/main.tf.json`` (Terraform's JSON
syntax, https://developer.hashicorp.com/terraform/language/syntax/json) and ``shapes.json``. Only the
variables are made here; no secret is among them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from barberpro.catalog.places import Provider
from barberpro.errors import InvalidInputError
from barberpro.planning.cost import machines
from barberpro.planning.model import Plan

MAIN, VALUES = "main.tf.json", "terraform.tfvars.json"
SPARE = 2  # the autoscaler may go up to so many times the nodes that there always are


@dataclass(frozen=True, slots=True)
class Exported:
    """Files by name, and the variables that the operator gives himself."""

    files: Mapping[str, str]
    needs: tuple[str, ...]


def export(plan: Plan, provider: Provider, templates: Path) -> Exported:
    """Raises ``InvalidInputError`` for a provider or location that nothing can be written for."""
    folder = templates / provider.id
    if not (folder / MAIN).is_file():
        able = ", ".join(sorted(path.parent.name for path in templates.glob(f"*/{MAIN}")))
        raise InvalidInputError(
            f"for {provider.name} there is no configuration to write",
            where=f"--provider {provider.id}",
            mend=f"there is one for {able}; elsewhere make a cluster of Kubernetes 1.25 or newer and a "
            "PostgreSQL with btree_gist by the provider's own means, then: barberpro cluster check",
        )
    shapes = json.loads((folder / "shapes.json").read_text(encoding="utf-8"))
    name = plan.request.provider_location or provider.default_location
    if name in shapes["refused"]:
        able = ", ".join(key for key in provider.locations if key not in shapes["refused"])
        raise InvalidInputError(
            f"{name} cannot hold it: {shapes['refused'][name]}",
            where="--provider-location",
            mend=f"choose another: --provider-location {able}",
        )
    location = provider.locations[name]
    node, count = machines(location, plan.sizes)
    least = max(count, len(location.zones))
    standby = plan.request.market != "small"
    values = {
        "name": plan.deployment_id,
        "location": name,
        "zones": list(location.zones),
        "node_shape": node.name,
        "node_min": least,
        "node_max": least * SPARE,
        "database_shape": _database_shape(plan, shapes["databases"], standby=standby),
        "database_storage_gb": math.ceil(plan.database.storage_gb),
        "database_name": plan.database.name,
        "database_standby": standby,
    }
    return Exported(
        {
            MAIN: (folder / MAIN).read_text(encoding="utf-8"),
            VALUES: json.dumps(values, indent=2, ensure_ascii=False) + "\n",
        },
        tuple(shapes["needs"]),
    )


def _database_shape(plan: Plan, shapes: Sequence[Mapping[str, Any]], *, standby: bool) -> str:
    """The smallest that holds the plan's database; the largest where none does."""
    able = [one for one in shapes if one.get("standby", True) or not standby]
    for one in able:
        enough = one["vcpus"] * 1000 >= plan.database.cpu_millicores
        if enough and one["memory_gib"] * 1024 >= plan.database.memory_mib:
            return str(one["name"])
    return str(able[-1]["name"])
