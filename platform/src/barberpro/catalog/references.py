"""What no single entry can know: names that must exist elsewhere, hours that fit, colours that can be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import get_args

from barberpro.catalog.entries import Entries, Entry, Kind
from barberpro.catalog.model import Catalog
from barberpro.catalog.places import Adequacy
from barberpro.catalog.problems import Path, Problem, dotted
from barberpro.catalog.verticals import Hours, Seed, SeedProvider, Trait, Vertical

CONTRAST = 4.5  # WCAG 2.2, 1.4.3, level AA for normal text


def check_references(catalog: Catalog, entries: Entries) -> list[Problem]:
    """Every broken reference between entries, and within a seed."""
    return [
        *_verticals(catalog, entries),
        *_orphans(catalog, entries),
        *_places(catalog, entries),
        *_controls(catalog, entries),
        *(
            problem
            for key, seed in catalog.seeds.items()
            for problem in _seed(seed, entries.of("seed")[key])
        ),
    ]


def _at(entry: Entry, path: Path, what: str) -> Problem:
    return Problem(entry.locate(path), dotted((*entry.path, *path)), what)


def _verticals(catalog: Catalog, entries: Entries) -> Iterator[Problem]:
    base = {service.name for service in catalog.policies.base_services}
    for key, vertical in catalog.verticals.items():
        entry = entries.of("vertical")[key]
        companions = {
            "words.yaml beside it": catalog.words,
            "seed.yaml beside it": catalog.seeds,
            f"cost_targets.{key} in a file of policies/": catalog.policies.cost_targets,
        }
        for name, present in companions.items():
            if key not in present:
                yield _at(entry, (), f"found no {name}, expected one for each vertical")
        for name in ("primary_color", "accent_color"):
            ratio = contrast_on_white(getattr(vertical.brand, name))
            if ratio < CONTRAST:
                what = f"found a contrast of {ratio:.2f} with white, expected at least {CONTRAST}"
                yield _at(entry, ("brand", name), what)
        yield from _services(vertical, entry, base)
        yield from _traits(vertical, entry)


def _services(vertical: Vertical, entry: Entry, base: set[str]) -> Iterator[Problem]:
    for name in _repeated(vertical.specialized_workloads):
        yield _at(entry, ("specialized_services",), f"found {name!r} twice, expected it once")
    for name in sorted(base.intersection(vertical.specialized_workloads)):
        what = f"found {name!r}, which is a base service, expected another name"
        yield _at(entry, ("specialized_services",), what)


def _traits(vertical: Vertical, entry: Entry) -> Iterator[Problem]:
    compliance = vertical.compliance
    if compliance.gdpr_article_9 and not vertical.health_data:
        what = "found no health-data, expected it with gdpr_article_9 (Ley 25.326 arts. 2, 7 and 8)"
        yield _at(entry, ("compliance", "traits"), what)


def _orphans(catalog: Catalog, entries: Entries) -> Iterator[Problem]:
    kinds: tuple[Kind, ...] = ("words", "seed", "cost_targets")
    for kind in kinds:
        for key, entry in entries.of(kind).items():
            if key not in catalog.verticals:
                known = ", ".join(catalog.verticals)
                yield _at(entry, (), f"found {key!r}, expected the id of a vertical: {known}")
    policies = catalog.policies.healthcare_compliance
    for index, name in enumerate(policies.applies_to):
        if name not in catalog.verticals:
            entry = entries.of("policy")["healthcare_compliance"]
            what = f"found {name!r}, expected the id of a vertical: {', '.join(catalog.verticals)}"
            yield _at(entry, ("applies_to", index), what)


def adequacy(catalog: Catalog, country: str) -> Adequacy:
    """The standing of a country under Ley 25.326 art. 12, by ``policies.data_transfers``."""
    transfers = catalog.policies.data_transfers
    if country == transfers.home_country:
        return "domestic"
    return "adequate" if country in transfers.adequate_countries else "not-adequate"


def _places(catalog: Catalog, entries: Entries) -> Iterator[Problem]:
    for key, provider in catalog.providers.items():
        entry = entries.of("provider")[key]
        if provider.default_location not in provider.locations:
            known = ", ".join(provider.locations)
            what = f"found {provider.default_location!r}, expected one of: {known}"
            yield _at(entry, ("default_location",), what)
        for name, place in provider.locations.items():
            stated = {
                "adequacy": (place.country, place.adequacy),
                "control_plane_adequacy": (
                    place.control_plane_country,
                    place.control_plane_adequacy,
                ),
            }
            for field, (country, given) in stated.items():
                right = adequacy(catalog, country)
                if given != right:
                    what = f"found {given!r}, expected {right!r} for {country} (policies, data_transfers)"
                    yield _at(entry, ("locations", name, field), what)


def _controls(catalog: Catalog, entries: Entries) -> Iterator[Problem]:
    known = {"all", *get_args(Trait), *catalog.verticals}
    for key, control in catalog.controls.items():
        entry = entries.of("control")[key]
        for index, name in enumerate(control.applies_to):
            if name not in known:
                what = f"found {name!r}, expected one of: {', '.join(sorted(known))}"
                yield _at(entry, ("applies_to", index), what)
        if (control.kind == "check") != (control.check is not None):
            what = "expected the name of a check if kind is check, and none if it is attest"
            yield _at(entry, ("check",), what)


def _seed(seed: Seed, entry: Entry) -> Iterator[Problem]:
    for section in ("locations", "providers", "services"):
        for key in _repeated(item.key for item in getattr(seed, section)):
            yield _at(entry, (section,), f"found the key {key!r} twice, expected it once")
    locations = {location.key for location in seed.locations}
    providers = {provider.key for provider in seed.providers}
    for index, provider in enumerate(seed.providers):
        here: Path = ("providers", index)
        yield from _known(entry, (*here, "locations"), provider.locations, locations)
        yield from _hours(provider, entry, here)
    for index, service in enumerate(seed.services):
        yield from _known(entry, ("services", index, "providers"), service.providers, providers)
    groups = {service.key: service.providers for service in seed.services if service.capacity > 1}
    for index, line in enumerate(seed.classes):
        yield from _known(entry, ("classes", index, "service"), (line.service,), set(groups))
        giving = set(groups.get(line.service, ()))
        yield from _known(entry, ("classes", index, "provider"), (line.provider,), giving)


def _known(entry: Entry, path: Path, names: Iterable[str], allowed: set[str]) -> Iterator[Problem]:
    for index, name in enumerate(names):
        if name not in allowed:
            what = f"found {name!r}, expected one of: {', '.join(sorted(allowed))}"
            yield _at(entry, (*path, index), what)


def _hours(provider: SeedProvider, entry: Entry, here: Path) -> Iterator[Problem]:
    taken: dict[int, list[tuple[str, str]]] = {}
    for index, block in enumerate(provider.hours):
        path = (*here, "hours", index)
        if block.from_ >= block.to:
            what = f"found {block.from_} to {block.to}, expected an end after the beginning"
            yield _at(entry, path, what)
        yield from _breaks(block, entry, path)
        for weekday in block.weekdays:
            spans = taken.setdefault(weekday, [])
            if any(block.from_ < end and start < block.to for start, end in spans):
                what = f"found hours on weekday {weekday} that overlap others, expected one after another"
                yield _at(entry, path, what)
            spans.append((block.from_, block.to))


def _breaks(block: Hours, entry: Entry, path: Path) -> Iterator[Problem]:
    before = block.from_
    for index, (start, end) in enumerate(block.breaks):
        if not before <= start < end <= block.to:
            what = f"found {start} to {end}, expected breaks in order within {block.from_} to {block.to}"
            yield _at(entry, (*path, "breaks", index), what)
        before = end


def _repeated(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]


def contrast_on_white(color: str) -> float:
    """Contrast of ``#rrggbb`` with white, 1 to 21 (WCAG 2.2, relative luminance)."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return 1.05 / (luminance + 0.05)
