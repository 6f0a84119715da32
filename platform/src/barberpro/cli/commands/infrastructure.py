"""``barberpro infrastructure``: configuration for who makes the cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from barberpro.adapters.catalog_files import builtin_folder, load_catalog
from barberpro.cli.known import KUBERNETES
from barberpro.cli.options import request_options
from barberpro.cli.output import emit, output_option
from barberpro.cli.planned import make_planned
from barberpro.errors import BarberProError, ExitCode, InvalidInputError, RefusedError
from barberpro.operations.infrastructure.export import export as make_files


@click.group()
def infrastructure() -> None:
    """The cluster and database that a deployment needs at a cloud provider."""


@infrastructure.command()
@request_options
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    metavar="FOLDER",
    help="Where the files are written.",
)
@click.option("--force", is_flag=True, help="Write over files that are there and differ.")
@output_option
def export(folder: Path, force: bool, output: str, **fields: Any) -> int:
    """Write Terraform (or OpenTofu) configuration of the cluster and managed database of a plan.

    Nothing is created, and no secret is in the files.

    \b
    Example:
      barberpro infrastructure export --vertical barbershop --name "BarberShop Palermo" \\
          --market medium --region argentina-central --provider aws \\
          --provider-location sa-east-1 --transfer-instrument BR=scc-60e-annex-ii --folder cluster
    """
    planned = make_planned({**fields, "target": KUBERNETES})
    if planned.blocking:
        first = planned.blocking[0]
        raise RefusedError(f"{first.what} ({first.why})", where=first.where, mend=first.mend)
    request = planned.plan.request
    provider = load_catalog(fields.get("catalogs") or ()).providers[request.provider]
    made = make_files(planned.plan, provider, builtin_folder().parent / "infrastructure")
    for name, text in made.files.items():
        path = folder / name
        if path.exists() and not force and path.read_bytes() != text.encode():
            raise InvalidInputError(
                "a file that is there differs",
                where=str(path),
                mend="add --force, or another --folder",
            )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in made.files.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise BarberProError(f"the files cannot be written: {error}", where=str(folder)) from error
    written = [str(folder / name) for name in made.files]
    emit({"files": written, "needs": list(made.needs)}, output, lambda: _show(written, made.needs))
    return ExitCode.DONE


def _show(written: list[str], needs: tuple[str, ...]) -> None:
    for path in written:
        click.echo(path)
    for name in needs:
        click.echo(f"to be given by you: export TF_VAR_{name}=...", err=True)
    click.echo("then: terraform init && terraform plan (or tofu)", err=True)
