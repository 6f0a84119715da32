"""From what the operator typed to a ``Request``: every problem found at once, each with its flag."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar, get_args

from barberpro.catalog.model import Catalog
from barberpro.errors import InvalidInputError
from barberpro.planning import hosts, names
from barberpro.planning.model import Environment, Request, TargetName, TransferInstrument

NAME_LENGTHS = (2, 60)
RETENTION_YEARS = (1, 100)
ENVIRONMENTS: tuple[str, ...] = get_args(Environment)
TARGETS: tuple[str, ...] = get_args(TargetName)
LOCAL_PROVIDER = "this-machine"

_JOINER = "\u200d"  # joins emoji into one picture; invisible, and so allowed nowhere else
_SHOWN = 60
_REPEATED = frozenset({"transfer_instruments"})
_TRANSFER = re.compile(r"([A-Za-z]{2})=([A-Za-z0-9_-]{1,60})(?::(.{1,200}))?", re.DOTALL)
Parsed = TypeVar("Parsed")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with the request. ``flag`` is as typed, such as ``--name``."""

    flag: str
    what: str
    mend: str = ""

    def __str__(self) -> str:
        return f"{self.flag}: {self.what}" + (f" {self.mend}" if self.mend else "")


class InvalidRequestError(InvalidInputError):
    """The request is not valid."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        head = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        lines = "".join(f"\n  {problem}" for problem in self.problems)
        super().__init__(f"The request has {head}:{lines}")


class _Fields:
    """Reads one field after another and collects what is wrong with them."""

    def __init__(self, fields: Mapping[str, object]) -> None:
        self.given = {key: value for key, value in fields.items() if value not in (None, "", ())}
        self.problems: list[Problem] = []

    def problem(self, key: str, what: str, mend: str = "") -> None:
        self.problems.append(Problem(_flag(key), what, mend))

    def text(self, key: str, missing: str = "") -> str | None:
        """The text of ``key``; None where it is absent (a problem if ``missing`` says why) or no text."""
        value = self.given.get(key)
        if value is None:
            if missing:
                self.problem(key, "is required.", missing)
            return None
        if not isinstance(value, str):
            self.problem(key, f"must be text, not {type(value).__name__}.")
            return None
        return value.strip()

    def choice(self, key: str, choices: Collection[str], default: str | None = None) -> str | None:
        """One of ``choices``; an unknown one is answered with the nearest and the list."""
        listed = f"Choose one of: {', '.join(choices)}."
        value = self.text(key, missing="" if default is not None else listed)
        if value is None:
            return default
        if value in choices:
            return value
        near = difflib.get_close_matches(value[:_SHOWN].lower(), choices, n=1, cutoff=0.5)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        self.problem(key, f"unknown {key.replace('_', ' ')} {shown(value)}.{hint}", listed)
        return None

    def converted(self, key: str, convert: Callable[[str], Parsed], kind: str) -> Parsed | None:
        value = self.text(key)
        if value is None:
            return None
        try:
            return convert(value)
        except hosts.HostError as error:
            self.problem(key, f"{shown(value)} is not a valid {kind}: {error}.")
            return None


def parse_request(fields: Mapping[str, object], catalog: Catalog) -> Request:
    """A valid request from ``fields``, whose keys are those of ``Request`` and whose values are text
    as typed (None and empty count as not given).

    Raises ``InvalidRequestError`` with all problems at once.
    """
    read = _Fields(fields)
    for key in sorted(set(read.given) - set(Request.model_fields)):
        near = difflib.get_close_matches(key[:_SHOWN], Request.model_fields, n=1)
        hint = f" Did you mean {_flag(near[0])}?" if near else ""
        read.problem(key[:_SHOWN], f"there is no such field.{hint}")
    vertical = read.choice("vertical", catalog.verticals)
    name = _name(read)
    target = read.choice("target", TARGETS, default="local")
    provider = _provider(read, catalog, target)
    values: dict[str, object] = {
        "vertical": vertical,
        "name": name,
        "market": read.choice("market", catalog.markets),
        "region": read.choice("region", catalog.regions),
        "domain": read.converted("domain", hosts.public_domain, "domain"),
        "environment": read.choice("environment", ENVIRONMENTS, default="production"),
        "target": target,
        "provider": provider,
        "provider_location": _location(read, catalog, provider),
        "owner_email": read.converted("owner_email", hosts.email_address, "e-mail address"),
        "id": _identifier(read),
        "clinical_retention_years": _clinical_years(read, catalog, vertical),
        "transfer_instruments": _transfers(read),
    }
    if read.problems:
        raise InvalidRequestError(read.problems)
    return Request.model_validate(values)


def shown(value: str) -> str:
    """``value`` in quotes as a message may print it: cut, and no sign that acts on a terminal."""
    cut = value if len(value) <= _SHOWN else value[: _SHOWN - 1] + "…"
    safe = "".join(sign if sign.isprintable() else f"\\u{ord(sign):04x}" for sign in cut)
    return f"'{safe}'"


def _flag(key: str) -> str:
    """The flag of a field; one that may be given several times has its name in the singular."""
    return "--" + (key.removesuffix("s") if key in _REPEATED else key).replace("_", "-")


def _name(read: _Fields) -> str | None:
    """The brand's name: NFC, runs of spaces as one, printable, and enough of it to make an id."""
    value = read.text("name", missing='Give the brand\'s name, such as "BarberShop Palermo".')
    if value is None:
        return None
    shortest, longest = NAME_LENGTHS
    if len(value) > 4 * longest:
        read.problem("name", f"has {len(value)} characters.", f"At most {longest} are allowed.")
        return None
    name = unicodedata.normalize("NFC", re.sub(" +", " ", value))
    hidden = _hidden_sign(name)
    if hidden:
        read.problem(
            "name", f"{shown(name)} holds {hidden}.", "Use letters, digits and visible signs only."
        )
        return None
    if not shortest <= len(name) <= longest:
        read.problem(
            "name",
            f"{shown(name)} is {len(name)} characters long.",
            f"{shortest} to {longest} are allowed.",
        )
        return None
    if read.given.get("id") is None:
        problem = names.id_problem(names.deployment_id(name))
        if problem:
            read.problem(
                "name", f"{shown(name)}: {problem}.", "Change it, or give an --id as well."
            )
            return None
    return name


def _hidden_sign(name: str) -> str:
    """The first sign that a reader would not see, by its name; empty where there is none."""
    for place, sign in enumerate(name):
        joins = (
            sign == _JOINER
            and place
            and unicodedata.category(name[place - 1]) in {"So", "Sk", "Mn"}
        )
        if not sign.isprintable() and not joins:
            return f"U+{ord(sign):04X} ({unicodedata.name(sign, 'control character')})"
    return ""


def _identifier(read: _Fields) -> str | None:
    value = read.text("id")
    problem = names.id_problem(value) if value else ""
    if value and problem:
        read.problem("id", f"{shown(value)}: {problem}.")
        return None
    return value


def _provider(read: _Fields, catalog: Catalog, target: str | None) -> str | None:
    """The provider: this machine by default on the local target, and always one that has the target."""
    fitting = [key for key, known in catalog.providers.items() if target in (None, *known.targets)]
    default = LOCAL_PROVIDER if target == "local" and LOCAL_PROVIDER in fitting else None
    given = read.given.get("provider")
    if isinstance(given, str) and given in catalog.providers and given not in fitting:
        able = ", ".join(catalog.providers[given].targets)
        read.problem(
            "provider",
            f"{given!r} does not go with --target {target}.",
            f"Choose one of: {', '.join(fitting)}; or --target {able}.",
        )
        return None
    return read.choice("provider", fitting, default)


def _location(read: _Fields, catalog: Catalog, provider: str | None) -> str | None:
    if provider is None or "provider_location" not in read.given:
        return None
    return read.choice("provider_location", catalog.providers[provider].locations)


def _clinical_years(read: _Fields, catalog: Catalog, vertical: str | None) -> int | None:
    value = read.given.get("clinical_retention_years")
    if value is None or vertical is None:
        return None
    if not catalog.verticals[vertical].clinical_records:
        read.problem(
            "clinical_retention_years", f"{vertical} keeps no clinical records.", "Leave it out."
        )
        return None
    lowest, highest = RETENTION_YEARS
    text = str(value).strip()
    years = int(text) if re.fullmatch("[0-9]{1,3}", text, re.ASCII) else 0
    if isinstance(value, bool) or not lowest <= years <= highest:
        read.problem(
            "clinical_retention_years",
            f"{shown(text)} is not a number of years.",
            f"Give a whole number from {lowest} to {highest}.",
        )
        return None
    return years


def _transfers(read: _Fields) -> tuple[TransferInstrument, ...]:
    """``COUNTRY=INSTRUMENT`` or ``COUNTRY=INSTRUMENT:where it is kept``, once per country."""
    value = read.given.get("transfer_instruments", ())
    items = [value] if isinstance(value, str) else value
    found: dict[str, TransferInstrument] = {}
    if not isinstance(items, (list, tuple)):
        read.problem("transfer_instruments", f"must be a list, not {type(value).__name__}.")
        return ()
    for item in items:
        match = _TRANSFER.fullmatch(item.strip()) if isinstance(item, str) else None
        if isinstance(item, TransferInstrument):
            found[item.country] = item
        elif match is None or not (match[3] or "-").isprintable():
            read.problem(
                "transfer_instruments",
                f"{shown(str(item))} is not COUNTRY=INSTRUMENT[:REFERENCE].",
                "For example US=scc-60e-annex-ii:contract-2026-14.",
            )
        else:
            country = match[1].upper()
            found[country] = TransferInstrument(
                country=country, instrument=match[2], reference=match[3] or ""
            )
    return tuple(found[country] for country in sorted(found))
