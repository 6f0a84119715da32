"""``barberpro cluster``: is this Kubernetes ready for a deployment, and what makes it so."""

from __future__ import annotations

from pathlib import Path

import click

from barberpro.adapters.catalog_files import load_catalog
from barberpro.cli.output import emit, marked, output_option
from barberpro.cli.plan_view import MARK_OF
from barberpro.errors import ExitCode, InvalidInputError
from barberpro.operations.cluster.checks import Wanted
from barberpro.operations.cluster.examination import Examined, examine
from barberpro.operations.cluster.parts import ATTESTED
from barberpro.operations.cluster.preparation import (
    Installation,
    install,
    missing,
    plan_installations,
)
from barberpro.planning.findings import Finding, Severity
from barberpro.planning.sizing import total_sizes

context_option = click.option(
    "--kube-context",
    metavar="CONTEXT",
    help="Which cluster; the current context of your kubeconfig otherwise.",
)
catalog_option = click.option(
    "--catalog", "catalogs", type=click.Path(path_type=Path), multiple=True, metavar="PATH",
    help="Folder with verticals of your own; may be given several times.",
)  # fmt: skip
vertical_option = click.option(
    "--vertical",
    metavar="VERTICAL",
    default="barbershop",
    show_default=True,
    help="Whose sizes the cluster must have room for.",
)
market_option = click.option(
    "--market",
    metavar="MARKET",
    default="small",
    show_default=True,
    help="small, medium, large, enterprise.",
)


@click.group()
def cluster() -> None:
    """The Kubernetes cluster that deployments shall run on.

    \b
    Examples:
      barberpro cluster check --kube-context production --market medium
      barberpro cluster prepare --kube-context production
    """


@cluster.command()
@context_option
@vertical_option
@market_option
@catalog_option
@click.option(
    "--image", metavar="IMAGE", help="Let a node pull this image, by a pod that runs for a moment."
)
@click.option(
    "--attest",
    "attested",
    multiple=True,
    metavar="FACT=WHERE",
    help=f"Vouch for what no program can see: {', '.join(ATTESTED)}.",
)
@output_option
def check(
    kube_context: str | None,
    image: str | None,
    attested: tuple[str, ...],
    output: str,
    **sizes: object,
) -> int:
    """What the cluster has, what it lacks, and the command that mends each.

    Reads only, unless --image is given. Exits 0 where nothing is missing, 1 where the cluster
    cannot be reached, 3 where something is missing that a deployment needs.
    """
    examined = examine(kube_context, _wanted(sizes, attested), image)
    emit(_data(examined), output, lambda: _show(examined))
    if not examined.reached:
        return ExitCode.FAILED
    return ExitCode.REFUSED if examined.blocking else ExitCode.DONE


@cluster.command()
@context_option
@vertical_option
@market_option
@catalog_option
@click.option(
    "--only",
    "names",
    multiple=True,
    metavar="NAME",
    help="Only this, missing or not; may be given several times.",
)
@click.option(
    "--charts",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="FOLDER",
    help="Take the charts from archives in this folder.",
)
@click.option("--dry-run", is_flag=True, help="Only show the commands.")
@click.option("-y", "--yes", is_flag=True, help="Answer yes to every question.")
@click.option(
    "--non-interactive", is_flag=True, help="Ask nothing: fail where a question would be needed."
)
@output_option
def prepare(
    kube_context: str | None,
    names: tuple[str, ...],
    charts: Path | None,
    output: str,
    dry_run: bool,
    **options: object,
) -> int:
    """Install what is missing and can be installed, by the charts of its own projects."""
    examined = examine(kube_context, _wanted(options, ()))
    if not examined.reached:
        emit(_data(examined), output, lambda: _show(examined))
        return ExitCode.FAILED
    todo = plan_installations(examined.context, names or missing(examined.findings), charts)
    for one in todo:
        click.echo(f"{one.title}:\n  {one.command}", err=True)
    if not todo:
        click.echo(f"{examined.context.title}: nothing to install", err=True)
    if todo and not dry_run:
        _agree(examined, todo, yes=bool(options["yes"]), silent=bool(options["non_interactive"]))
        for one in todo:
            click.echo(f"installing {one.title} ...", err=True)
            install(one)
    done = [{"name": one.name, "command": one.command, "installed": not dry_run} for one in todo]
    emit(
        {"schema": 1, "context": examined.context.name, "installations": done}, output, lambda: None
    )
    return ExitCode.DONE


def _agree(examined: Examined, todo: tuple[Installation, ...], *, yes: bool, silent: bool) -> None:
    if yes:
        return
    names = ", ".join(one.name for one in todo)
    if silent:
        raise InvalidInputError(
            f"installing {names} on {examined.context.title} needs a yes", mend="add --yes"
        )
    click.confirm(f"Install {names} on {examined.context.title}?", abort=True, err=True)


def _wanted(sizes: dict[str, object], attested: tuple[str, ...]) -> Wanted:
    catalogs = sizes["catalogs"]
    assert isinstance(catalogs, tuple)
    catalog = load_catalog(catalogs)
    market, vertical = (
        catalog.market(str(sizes["market"])),
        catalog.vertical(str(sizes["vertical"])),
    )
    facts = {}
    for text in attested:
        name, separator, where = text.partition("=")
        if name not in ATTESTED or not separator or not where.strip():
            raise InvalidInputError(
                f"'{text}' vouches for nothing",
                where="--attest",
                mend=f"write FACT=WHERE with one of: {', '.join(ATTESTED)}",
            )
        facts[name] = where.strip()
    return Wanted(total_sizes(market, vertical), str(sizes["market"]), facts)


def _data(examined: Examined) -> dict[str, object]:
    return {
        "schema": 1,
        "context": examined.context.name,
        "server": examined.context.server,
        "reached": examined.reached,
        "findings": [one.model_dump(mode="json") for one in examined.findings],
    }


def _show(examined: Examined) -> None:
    click.echo(click.style(examined.context.title, bold=True))
    for one in examined.findings:
        click.echo(marked(_mark(one), one.what))
        if one.mend:
            click.echo(f"    mend: {one.mend}")
    doubts = sum(1 for one in examined.findings if one.severity is Severity.WARNING)
    click.echo(f"\n{len(examined.blocking)} missing, {doubts} to look at", err=True)


def _mark(one: Finding) -> str:
    return "ok" if one.severity is Severity.INFO and not one.mend else MARK_OF[one.severity]
