"""``barberpro cluster prepare``: what a cluster lacks and a chart of its own project can bring.

Helm installs each as the project's page says, so that the operator's ``helm list`` sees it and
``helm uninstall`` removes it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from barberpro.errors import BarberProError, InvalidInputError
from barberpro.kube.contexts import Context
from barberpro.kube.programs import run
from barberpro.planning.findings import Finding, Severity

TIMEOUT = "5m"
SECONDS = 360.0


@dataclass(frozen=True, slots=True)
class Prerequisite:
    """One chart: where its project publishes it, and which releases will do."""

    name: str
    title: str
    repository: str
    chart: str
    version: str
    namespace: str
    documentation: str
    settings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Installation:
    """One ``helm`` command, and why."""

    name: str
    title: str
    words: tuple[str, ...]

    @property
    def command(self) -> str:
        return " ".join(self.words)


def prerequisites() -> dict[str, Prerequisite]:
    """All that ``prepare`` knows, by name; the names are those of the findings."""
    text = files(__package__).joinpath("prerequisites.toml").read_text(encoding="utf-8")
    return {
        name: Prerequisite(
            name, table["title"], table["repository"], table["chart"], table["version"],
            table["namespace"], table["documentation"], tuple(table.get("set", ())),
        )
        for name, table in tomllib.loads(text).items()
    }  # fmt: skip


def missing(findings: Iterable[Finding]) -> list[str]:
    """Which of the prerequisites the cluster lacks: those that a finding asks to mend. What is only
    a hint (``info``) is installed where it is named, not of itself."""
    asked = {
        f.id.removeprefix("cluster-")
        for f in findings
        if f.mend and f.severity is not Severity.INFO
    }
    return [name for name in prerequisites() if name in asked]


def plan_installations(
    context: Context, names: Iterable[str], charts: Path | None = None
) -> tuple[Installation, ...]:
    """The commands that bring ``names``; from archives in ``charts`` where the cluster's operator
    has no way out to the internet.

    Raises:
        InvalidInputError: a name is not known, or an archive is not there.
    """
    return tuple(_installations(context, names, charts))


def _installations(
    context: Context, names: Iterable[str], charts: Path | None
) -> Iterator[Installation]:
    known = prerequisites()
    for name in names:
        if name not in known:
            raise InvalidInputError(
                f"'{name}' cannot be installed", mend=f"there are: {', '.join(known)}"
            )
        one = known[name]
        source: tuple[str, ...] = ("--repo", one.repository, "--version", one.version)
        chart = one.chart
        if charts is not None:
            chart, source = str(_archive(charts, one)), ()
        named = ("--kube-context", context.name) if context.name else ()
        settings = tuple(word for setting in one.settings for word in ("--set", setting))
        yield Installation(name, one.title, (
            "helm", "upgrade", "--install", name, chart, *source, *named,
            "--namespace", one.namespace, "--create-namespace", "--wait", "--timeout", TIMEOUT, *settings,
        ))  # fmt: skip


def _archive(folder: Path, wanted: Prerequisite) -> Path:
    found = sorted(folder.glob(f"{wanted.chart}-*.tgz"))
    if not found:
        raise InvalidInputError(
            f"there is no archive of {wanted.chart} in the folder of charts",
            where=str(folder),
            mend=f"helm pull {wanted.chart} --repo {wanted.repository} --version '{wanted.version}' -d {folder}",
        )
    return found[-1]


def install(installation: Installation) -> None:
    """Carry one out, and wait until what it brought runs.

    Raises:
        BarberProError: helm failed; what it said is in the message.
    """
    finished = run(installation.words, seconds=SECONDS)
    if finished.code != 0:
        raise BarberProError(
            f"{installation.title}: {finished.errors.strip()}",
            where=installation.command,
            mend=f"see {prerequisites()[installation.name].documentation}, then run the same command again",
        )
