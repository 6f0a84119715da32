"""What changes between the plan that runs and a new one, and what each change does to what runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, JsonValue

from barberpro.planning.model import Plan

Kind = Literal["add", "change", "remove"]
Impact = Literal["none", "reload", "restart", "replace"]
IMPACTS: tuple[Impact, ...] = ("none", "reload", "restart", "replace")

# The longest prefix decides; a part that is not here needs a restart, which is the safe guess.
# none: only recorded or shown.  reload: taken up while serving.  restart: new processes, rolled out.
# replace: what holds the data has to be made anew.
_IMPACTS: tuple[tuple[str, Impact], ...] = (
    ("deployment_id", "replace"),
    ("database.name", "replace"),
    ("database.owner_role", "replace"),
    ("database.app_role", "replace"),
    ("database.storage_gb", "reload"),
    ("database.read_replicas_", "reload"),
    ("database.replica_cpu_threshold", "reload"),
    ("cache.nodes_", "reload"),
    ("cache.memory_threshold", "reload"),
    ("network", "reload"),
    ("monitors", "reload"),
    ("cost", "none"),
    ("findings", "none"),
    ("latency_target_ms", "none"),
    ("protection", "none"),
    ("request", "none"),
    ("request.provider", "replace"),
    ("request.provider_location", "replace"),
    ("request.target", "replace"),
    ("requirements", "none"),
    ("schema_version", "none"),
    ("seed", "none"),
    ("sizes", "none"),
)
# Of a workload, what a running one takes up without new processes.
_WORKLOAD_RELOADS = frozenset(
    {
        "replicas_min",
        "replicas_max",
        "target_cpu_percent",
        "target_memory_percent",
        "scale_up_seconds",
        "scale_down_seconds",
    }
)
# What tells the items of a list apart, the first set of keys that an item has.
_IDENTITIES = (
    ("id", "where"),  # findings
    ("id",),  # monitors
    ("key",),  # everything in the seed
    ("source", "destination", "port", "protocol"),  # flows
    ("name", "type", "value"),  # DNS records
    ("name",),  # workloads
    ("item",),  # cost lines
    ("record_class",),  # retention
    ("what", "country"),  # data locations
    ("country",),  # transfer instruments
)
_SECTIONS = tuple(sorted(Plan.model_fields))
# What can grow while it is used and has to be made anew to shrink, as a volume.
_GROWING = frozenset({"database.storage_gb"})
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. ``path`` is dotted, with the identity of a list's item in brackets:
    ``workloads[booking].cpu_millicores``. ``before`` is None of an addition, ``after`` of a removal."""

    path: str
    before: JsonValue
    after: JsonValue
    kind: Kind
    impact: Impact


def difference(old: Plan | None, new: Plan) -> tuple[Change, ...]:
    """All changes from ``old`` (None where nothing runs yet) to ``new``, ordered by section and path.

    Without an old plan each section is one addition.
    """
    if old is None:
        dumped = new.model_dump(mode="json")
        return tuple(Change(name, None, dumped[name], "add", "none") for name in _SECTIONS)
    return tuple(
        change
        for name in _SECTIONS
        if (before := getattr(old, name)) != (after := getattr(new, name))
        for change in _changes(name, _plain(before), _plain(after))
    )


def worst_impact(changes: Iterable[Change]) -> Impact:
    """The heaviest impact among ``changes``; ``none`` where there are none."""
    return max((change.impact for change in changes), key=IMPACTS.index, default="none")


def describe(changes: Iterable[Change]) -> tuple[str, ...]:
    """One line per change, for people: sign, path, values, impact."""
    return tuple(_line(change) for change in changes)


def _line(change: Change) -> str:
    sign = {"add": "+", "change": "~", "remove": "-"}[change.kind]
    if change.kind == "change":
        values = f"{_short(change.before)} -> {_short(change.after)}"
    else:
        values = _short(change.after if change.kind == "add" else change.before)
    impact = "" if change.impact == "none" else f"  ({change.impact})"
    return f"{sign} {change.path}: {values}{impact}"


def _short(value: JsonValue) -> str:
    """``value`` in at most 60 characters; of what is long, how much there is."""
    if isinstance(value, list):
        return f"{len(value)} {'entry' if len(value) == 1 else 'entries'}"
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    if len(text) <= _SHOWN:
        return text
    if isinstance(value, dict):
        return f"{len(value)} values"
    return text[: _SHOWN - 1] + "…"


def _plain(value: Any) -> Any:
    """Plain JSON data of one section: a model, a tuple of models, or data already."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, tuple):
        return [item if isinstance(item, str) else item.model_dump(mode="json") for item in value]
    return value


def _changes(path: str, before: Any, after: Any) -> Iterator[Change]:
    if before == after and type(before) is type(after):
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        yield from _mapping_changes(path, before, after, lambda key: f"{path}.{key}")
    elif isinstance(before, list) and isinstance(after, list):
        yield from _list_changes(path, before, after)
    else:
        shrinks = path in _GROWING and after < before
        yield Change(path, before, after, "change", "replace" if shrinks else _impact(path))


def _mapping_changes(
    path: str, before: Mapping[str, Any], after: Mapping[str, Any], place: Callable[[str], str]
) -> Iterator[Change]:
    for key in sorted(before.keys() | after.keys()):
        here = place(key)
        if key not in before:
            yield Change(here, None, after[key], "add", _impact(here))
        elif key not in after:
            yield Change(here, before[key], None, "remove", _impact(here))
        else:
            yield from _changes(here, before[key], after[key])


def _list_changes(path: str, before: Sequence[Any], after: Sequence[Any]) -> Iterator[Change]:
    """By identity where the items have one, so that an insertion is one addition; as a whole where
    they have none. The same items in another order are one change."""
    old, new = _by_identity(before), _by_identity(after)
    if old is None or new is None:
        yield Change(path, list(before), list(after), "change", _impact(path))
        return
    yield from _mapping_changes(path, old, new, lambda key: f"{path}[{key}]")
    common = [key for key in old if key in new]
    if common != [key for key in new if key in old]:
        yield Change(path, list(old), list(new), "change", "none")


def _by_identity(items: Sequence[Any]) -> dict[str, Any] | None:
    """Items by what tells them apart; None where that is not unique."""
    keyed = {_identity(item): item for item in items}
    return keyed if len(keyed) == len(items) and "" not in keyed else None


def _identity(item: Any) -> str:
    if isinstance(item, str):
        return item
    if not isinstance(item, Mapping):
        return ""
    for names in _IDENTITIES:
        if all(name in item for name in names):
            return " ".join(str(item[name]) for name in names)
    return ""


def _impact(path: str) -> Impact:
    if path.startswith("workloads["):
        field = path.rpartition("].")[2]
        return "reload" if field in _WORKLOAD_RELOADS else "restart"
    guess: tuple[str, Impact] = ("", "restart")
    fitting = (pair for pair in _IMPACTS if _covers(pair[0], path))
    return max(fitting, key=lambda pair: len(pair[0]), default=guess)[1]


def _covers(prefix: str, path: str) -> bool:
    """Whether ``prefix`` names ``path`` or something that it is inside of."""
    rest = path.removeprefix(prefix)
    return rest != path and (not rest or prefix.endswith("_") or rest[0] in ".[")
