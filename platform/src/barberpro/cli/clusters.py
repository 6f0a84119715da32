"""Deploying to a cluster from the command line: which one, with which image and values."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import yaml

from barberpro.errors import InvalidInputError
from barberpro.kube.contexts import choose
from barberpro.planning.model import Plan
from barberpro.targets.kubernetes.reading import image_of
from barberpro.targets.kubernetes.records import Record, Records
from barberpro.targets.local.layout import Layout

#: Made from the plan; whoever wants other ones wants another plan.
OURS = ("deployment", "image", "processes", "workloads", "seed")

cluster_options = (
    click.option("--kube-context", metavar="CONTEXT", help="With --target kubernetes: which cluster; the current context otherwise."),
    click.option("--image", metavar="IMAGE", help="With --target kubernetes: the app's image with tag or digest (or BARBERPRO_IMAGE)."),
    click.option(
        "--kube-values", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
        help="With --target kubernetes: values of the chart laid over the plan's (YAML).",
    ),
)  # fmt: skip
NAMES = ("kube_context", "image", "kube_values")


def prepare_record(plan: Plan, options: Mapping[str, Any]) -> Record:
    """Remembers where this deployment goes, before anything is done there.

    Raises ``InvalidInputError`` for a wrong context, image or file, and where the deployment stands on
    another cluster already.
    """
    layout = Layout.of()
    records = Records(layout.home)
    known = records.find(plan.deployment_id)
    context = choose(options.get("kube_context") or (known.context if known else None) or None)
    if known is not None and known.context != context.name:
        raise InvalidInputError(
            f"{plan.deployment_id} stands on the cluster of context '{known.context}'",
            where=f"--kube-context {context.name}",
            mend=f"leave --kube-context out; to move it, destroy it there first: barberpro destroy {known.id}",
        )
    image = (
        options.get("image") or os.environ.get("BARBERPRO_IMAGE") or (known.image if known else "")
    )
    if not image:
        raise InvalidInputError(
            "the cluster needs to know which image to run",
            where="--image",
            mend="--image registry.example/barberpro/app@sha256:..., or set BARBERPRO_IMAGE; "
            "scripts/image.sh builds one",
        )
    image_of(image)
    file = options.get("kube_values")
    values = read_values(file) if file is not None else (known.values if known else {})
    layout.prepare_home()
    record = known or Record(id=plan.deployment_id, context=context.name, image=image)
    record.image, record.values, record.destroying = image, values, False
    database = values.get("database")
    if isinstance(database, dict) and database.get("mode"):
        record.database_mode = str(database["mode"])
    records.save(record)
    click.echo(f"cluster: {context.title}, namespace {record.id}", err=True)
    return record


def read_values(file: Path) -> dict[str, Any]:
    """The operator's own values. What the plan decides cannot be set there."""
    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InvalidInputError(
            f"the values cannot be read: {' '.join(str(error).split())[:200]}", where=str(file)
        ) from error
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise InvalidInputError("the values are not a mapping of keys", where=str(file))
    taken = sorted(set(found) & set(OURS))
    if taken:
        raise InvalidInputError(
            f"the plan decides these: {', '.join(taken)}",
            where=str(file),
            mend="leave them out; --vertical, --market and --image change them",
        )
    return found
