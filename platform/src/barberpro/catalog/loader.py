"""Texts of files to a valid catalog, or to all that is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel

from barberpro.catalog.controls import Control
from barberpro.catalog.documents import Value, read_document
from barberpro.catalog.entries import KEYED_POLICIES, Entries, Kind
from barberpro.catalog.model import Catalog
from barberpro.catalog.places import Market, Provider, Region
from barberpro.catalog.policies import Policies
from barberpro.catalog.problems import CatalogError, Mark, Path, Problem
from barberpro.catalog.references import check_references
from barberpro.catalog.validation import validate
from barberpro.catalog.verticals import Seed, Vertical, Words

M = TypeVar("M", bound=BaseModel)


def parse_catalog(documents: Mapping[str, str]) -> Catalog:
    """The catalog that the documents (path to text, earlier layers first) define together.

    The end of a path says what it defines (``entries.LAYOUT``). Raises ``CatalogError`` with every
    problem: file, line, key, what was found and what was expected.
    """
    problems: list[Problem] = []
    entries = Entries()
    whole = True
    for file, text in documents.items():
        document, found = read_document(file, text)
        problems += found
        if document is None:
            whole = False
        else:
            entries.add(document)
    problems += entries.problems
    builder = _Builder(entries, problems)
    verticals = builder.models("vertical", Vertical)
    words = builder.models("words", Words)
    seeds = builder.models("seed", Seed)
    markets = builder.models("market", Market)
    regions = builder.models("region", Region)
    providers = builder.models("provider", Provider)
    controls = builder.models("control", Control)
    policies = builder.policies() if whole else None  # what an unread file holds is not missing
    if policies is None or problems:
        raise CatalogError(problems)
    catalog = Catalog(
        verticals=verticals,
        words=words,
        seeds=seeds,
        markets=markets,
        regions=regions,
        providers=providers,
        policies=policies,
        controls=controls,
    )
    problems += check_references(catalog, entries)
    if problems:
        raise CatalogError(problems)
    return catalog


class _Builder:
    """Entries to models; what is wrong is added to ``problems``."""

    def __init__(self, entries: Entries, problems: list[Problem]) -> None:
        self.entries, self.problems = entries, problems

    def models(self, kind: Kind, model: type[M]) -> dict[str, M]:
        built: dict[str, M] = {}
        identified = kind in ("market", "region", "control")
        for key, entry in self.entries.of(kind).items():
            value = entry.value
            if identified and isinstance(value, dict):
                value = {**value, "id": key}
            made, found = validate(model, value, entry.locate)
            self.problems += found
            if made is not None:
                built[key] = made
        return built

    def policies(self) -> Policies | None:
        """All sections together; sections with keys (``cost_targets``) are gathered from all files."""
        value: dict[str, Value] = {
            name: entry.value for name, entry in self.entries.of("policy").items()
        }
        for kind in KEYED_POLICIES:
            if keyed := self.entries.of(kind):
                value[kind] = {name: entry.value for name, entry in keyed.items()}
        made, found = validate(Policies, value, self._locate_policy)
        self.problems += found
        return made

    def _locate_policy(self, path: Path) -> Mark:
        if not path:
            return Mark("policies")
        section = str(path[0])
        if len(path) > 1 and section in KEYED_POLICIES:
            kind = KEYED_POLICIES[0] if section == KEYED_POLICIES[0] else KEYED_POLICIES[1]
            return self.entries.of(kind)[str(path[1])].locate(path[2:])
        entry = self.entries.of("policy").get(section)
        return entry.locate(path[1:]) if entry else Mark("policies")
