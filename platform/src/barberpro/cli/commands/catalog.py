"""``barberpro catalog``: what can be deployed, from the built-in catalog and folders of your own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from barberpro.adapters.catalog_files import load_catalog
from barberpro.catalog.model import Catalog
from barberpro.cli.output import emit, output_option, table
from barberpro.errors import InvalidInputError

KINDS = ("verticals", "markets", "regions", "providers", "controls")

catalogs_option = click.option(
    "--catalog", "catalogs", type=click.Path(path_type=Path), multiple=True, metavar="PATH",
    help="Folder with verticals of your own; may be given several times.",
)  # fmt: skip


@click.group()
def catalog() -> None:
    """What can be deployed, and the rules for it.

    \b
    Examples:
      barberpro catalog list verticals
      barberpro catalog show verticals psychology
      barberpro catalog validate --catalog ./my-catalog
    """


@catalog.command("list")
@click.argument("kind", type=click.Choice(KINDS), default="verticals")
@catalogs_option
@output_option
def list_(kind: str, catalogs: tuple[Path, ...], output: str) -> None:
    """List the entries of KIND (verticals unless said otherwise)."""
    entries = _entries(load_catalog(catalogs), kind)
    rows = [(name, _title(entry)) for name, entry in entries.items()]
    data = [{"id": name, "title": title} for name, title in rows]
    emit(data, output, lambda: table(["id", "what"], rows))


@catalog.command()
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("name")
@catalogs_option
@click.option(
    "-o", "--output", type=click.Choice(["yaml", "json"]), default="yaml", show_default=True
)
def show(kind: str, name: str, catalogs: tuple[Path, ...], output: str) -> None:
    """Show one entry whole."""
    entries = _entries(load_catalog(catalogs), kind)
    if name not in entries:
        raise InvalidInputError(
            f"there is no {kind[:-1]} '{name}'", mend=f"there are: {', '.join(entries)}"
        )
    emit(entries[name].model_dump(mode="json"), output, lambda: None)


@catalog.command()
@catalogs_option
def validate(catalogs: tuple[Path, ...]) -> None:
    """Check the catalog; every problem with its file, line and key."""
    loaded = load_catalog(catalogs)
    counts = ", ".join(f"{len(_entries(loaded, kind))} {kind}" for kind in KINDS)
    click.echo(f"valid: {counts}")


def _entries(loaded: Catalog, kind: str) -> Mapping[str, Any]:
    entries: Mapping[str, Any] = getattr(loaded, kind)
    return entries


def _title(entry: Any) -> str:
    for field in ("description", "name", "text", "title", "location"):
        value = getattr(entry, field, None)
        if isinstance(value, Mapping):
            value = value.get("en")
        if isinstance(value, str):
            return value
    return ""
