"""Which cluster is meant: the contexts of the operator's kubeconfig, read by ``kubectl`` itself."""

from __future__ import annotations

import difflib
import json
import os
import shutil
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from barberpro.errors import BarberProError, InvalidInputError
from barberpro.kube.programs import run

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")


class NoContextError(BarberProError):
    """No cluster is known here."""


@dataclass(frozen=True, slots=True)
class Context:
    """One way to one cluster; ``name`` is empty inside a cluster, with the pod's own account."""

    name: str
    server: str
    user: str

    @property
    def title(self) -> str:
        return f"{self.name} ({self.server})" if self.name else f"in-cluster ({self.server})"


def contexts() -> tuple[dict[str, Context], str]:
    """All contexts by name, and the current one (empty where none is set). The files are read again
    where one of them has changed.

    Raises:
        BarberProError: the kubeconfig cannot be read.
    """
    return _contexts(_signature())


def _signature() -> tuple[tuple[str, int, int], ...]:
    """What tells one state of the kubeconfig's files, and of who reads them, from another."""
    found = []
    for place in (shutil.which("kubectl") or "", *_places().split(os.pathsep)):
        try:
            about = Path(place).stat()
        except OSError:
            found.append((place, 0, 0))
        else:
            found.append((place, about.st_mtime_ns, about.st_size))
    return tuple(found)


@lru_cache(maxsize=4)
def _contexts(_files: tuple[tuple[str, int, int], ...]) -> tuple[dict[str, Context], str]:
    finished = run(["kubectl", "config", "view", "-o", "json"])
    if finished.code != 0:
        raise BarberProError(
            f"the kubeconfig cannot be read: {finished.errors.strip()}",
            where=_places(),
            mend="correct it, or name another with KUBECONFIG",
        )
    document = json.loads(finished.output)
    servers = {e["name"]: e["cluster"].get("server", "") for e in document.get("clusters") or ()}
    known = {
        entry["name"]: Context(
            entry["name"],
            servers.get(entry["context"].get("cluster", ""), ""),
            entry["context"].get("user", ""),
        )
        for entry in document.get("contexts") or ()
    }
    return known, document.get("current-context") or ""


def choose(name: str | None) -> Context:
    """The context of this name, or the current one, or the cluster that this pod runs in.

    Raises:
        InvalidInputError: there is no context of this name.
        NoContextError: none was named, and there is no current one.
    """
    known, current = contexts()
    if name is not None:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise InvalidInputError(
                f"there is no kube context '{name}'"
                + (f". Did you mean '{near[0]}'?" if near else ""),
                where=_places(),
                mend=f"name one of: {', '.join(known)}"
                if known
                else "kubectl config get-contexts lists none",
            )
        return known[name]
    if current in known:
        return known[current]
    if ACCOUNT.is_file():
        host = os.environ.get("KUBERNETES_SERVICE_HOST", "kubernetes.default")
        return Context("", f"https://{host}", "the pod's service account")
    raise NoContextError(
        "no kube context is set" + (f": '{current}' does not exist" if current else ""),
        where=_places(),
        mend=(
            f"choose one with --kube-context: {', '.join(known)}"
            if known
            else "let your provider write a kubeconfig, or set KUBECONFIG; to try one: scripts/cluster.sh up"
        ),
    )


def _places() -> str:
    return os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
