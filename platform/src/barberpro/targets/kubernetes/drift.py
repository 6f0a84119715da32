"""What somebody changed by hand: the release as Helm keeps it, against the cluster.

The API server itself compares (server-side apply as a dry run, under a name that owns nothing), so
that defaults and quantities count as what they are. What was changed or is gone is seen; what was
added beside it is somebody else's field, and is not. Values of Secrets are not shown.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from barberpro.errors import BarberProError
from barberpro.kube.programs import run
from barberpro.targets.kubernetes.helm import RELEASE, Helm, HelmRevision
from barberpro.targets.kubernetes.manifests import Name, only
from barberpro.targets.kubernetes.site import Site

#: "diff -u -N /tmp/LIVE-1/apps.v1.Deployment.default.booking /tmp/MERGED-2/apps.v1.Deployment..."
HEAD = re.compile(r"^diff .*/(?:LIVE|MERGED)-[^/]*/(\S+)$", re.MULTILINE)
ROLLBACK = re.compile(r"Rollback to (\d+)")
SECONDS = 120.0
#: Fields that change by themselves: their lines say nothing about anybody.
NOISE = re.compile(r"^[-+]\s+(generation|resourceVersion|time|uid|creationTimestamp): ")


@dataclass(frozen=True, slots=True)
class Drift:
    """``object`` as Kind/name; ``lines`` with - for what the cluster has and + for what was deployed."""

    object: str
    lines: tuple[str, ...]


def find_drift(site: Site, helm: Helm, names: Collection[Name] | None = None) -> list[Drift]:
    """Objects that differ from the release, and those that are gone: of all of them, or of those named,
    where the release is known to be there.

    Raises ``BarberProError`` where the release itself is gone, or the cluster cannot compare.
    """
    if names is None and not helm.history():
        raise BarberProError(
            "the release is not there: somebody ran helm uninstall by hand",
            where=f"{site.kubectl.context.title}, namespace {site.namespace}",
            mend="deploy again with the same flags: keys and data were kept, and it picks them up; "
            f"or take the rest away: barberpro destroy {site.namespace}",
        )
    words = site.kubectl.words(
        "diff", "--server-side", "--force-conflicts", "--field-manager=barberpro-diff", "-n", site.namespace, "-f", "-"
    )  # fmt: skip
    environment = {**os.environ, "KUBECTL_EXTERNAL_DIFF": "diff -u -N"}
    manifest = helm.manifest() if names is None else only(helm.manifest(), names)
    if not manifest:
        return []
    done = run(words, stdin=manifest, environment=environment, seconds=SECONDS)
    if done.code > 1:
        raise BarberProError(
            f"the cluster could not compare: {done.errors.strip()[-300:]}",
            where=site.namespace,
            mend="see that kubectl works there: barberpro cluster check",
        )
    return parse_diff(done.output)


def moved_by_hand(history: Sequence[HelmRevision], expected: int) -> Drift | None:
    """Whether somebody took the release to another revision than ours: ``helm rollback`` or ``upgrade``
    by hand. ``expected`` is Helm's number of what we released last; a rollback to it is as good."""
    known = {entry.number: entry for entry in history}
    deployed = [entry for entry in history if entry.status == "deployed"]
    if not deployed or expected not in known:
        return None
    last = found = deployed[-1]
    while (back := ROLLBACK.fullmatch(found.description)) and int(back[1]) in known:
        found = known[int(back[1])]
    if found.number == expected:
        return None
    ours = known[expected]
    return Drift(
        f"Release/{RELEASE}",
        (
            f"- Helm revision {last.number}: {last.description} (by hand)",
            f"+ Helm revision {ours.number}: {ours.description}",
        ),
    )


def parse_diff(text: str) -> list[Drift]:
    """Unified differences by object, without what changes by itself."""
    found: list[Drift] = []
    heads = list(HEAD.finditer(text))
    for at, head in enumerate(heads):
        end = heads[at + 1].start() if at + 1 < len(heads) else len(text)
        lines = [
            line
            for line in text[head.end() : end].splitlines()
            if line[:1] in ("-", "+")
            and not line.startswith(("---", "+++"))
            and not NOISE.match(line)
        ]
        if lines:
            found.append(Drift(_title(head.group(1)), tuple(lines)))
    return found


def _title(file: str) -> str:
    """``apps.v1.Deployment.namespace.name``: kinds begin with a capital letter."""
    parts = file.split(".")
    kind = next((index for index, part in enumerate(parts) if part[:1].isupper()), 0)
    return f"{parts[kind]}/{'.'.join(parts[kind + 2 :])}"
