"""Which of many deployments may have been changed by hand: found by few lists, not one by one.

The API server notes on every object who wrote which of its fields. An object of a release that somebody
else wrote to, or that is gone, makes its deployment suspect; whatever nobody touched cannot differ. So a
thousand deployments cost pages of metadata (no specs, no values), and only the suspects are compared
in full (``drift``), where what turns out to be harmless is dropped.

Source: kubernetes.io/docs/reference/using-api/server-side-apply, "Field management"; api-concepts, "Metadata-only".
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from barberpro.kube.reader import METADATA, Reader
from barberpro.targets.kubernetes.helm import RELEASE
from barberpro.targets.kubernetes.manifests import Name, objects_of
from barberpro.targets.kubernetes.records import Record

OURS = f"app.kubernetes.io/instance={RELEASE}"
RELEASES = f"owner=helm,name={RELEASE},status=deployed"
RELEASES_AT_ONCE = 20  # each is some 75 kB, a page of them well below a list's usual limit
#: Who writes to our objects in the ordinary course of things.
ORDINARY = frozenset({
    "helm", "barberpro", "kube-controller-manager", "kube-scheduler", "kubelet", "cluster-autoscaler",
})  # fmt: skip
GZIP = 16 + zlib.MAX_WBITS


@dataclass
class Suspect:
    """One deployment: Helm's revision (0: there is no release), which of its objects are gone, and who
    wrote to which. ``unread``: its release cannot be read here, so all of it must be compared."""

    number: int = 0
    unread: bool = False
    gone: set[Name] = field(default_factory=set)
    touched: dict[Name, str] = field(default_factory=dict)

    @property
    def objects(self) -> frozenset[Name]:
        """Those that have to be compared."""
        return frozenset((*self.gone, *self.touched))


def find_suspects(reader: Reader, records: Collection[Record]) -> dict[str, Suspect]:
    """All of ``records``, which stand on this cluster, as the lists show them.

    Raises:
        ReadError: the cluster did not give a list.
    """
    found = {record.id: Suspect() for record in records}
    lists: dict[str, str] = {}
    for page in reader.pages("/api/v1/secrets", selector=RELEASES, size=RELEASES_AT_ONCE):
        for secret in page:
            one = found.get(secret["metadata"].get("namespace", ""))
            if one is not None:
                lists |= _take(one, secret)
    for path, kind in sorted(lists.items()):
        for page in reader.pages(path, selector=OURS, accept=METADATA):
            for entry in page:
                _look(found, kind, entry["metadata"])
    return found


def _take(one: Suspect, secret: dict[str, Any]) -> dict[str, str]:
    """What this release consists of, all of it gone until it is seen; the lists that have it, by kind."""
    number = int(secret["metadata"].get("labels", {}).get("version", 0))
    if number <= one.number:
        return {}
    one.number, one.gone, one.unread = number, set(), False
    lists = {}
    try:
        for path, name in objects_of(manifest_of(secret)):
            one.gone.add(name)
            lists[path] = name[0]
    except ValueError:
        one.unread = True
    return lists


def _look(found: dict[str, Suspect], kind: str, about: dict[str, Any]) -> None:
    one = found.get(about.get("namespace", ""))
    if one is None:
        return
    name = (kind, about["name"])
    if name not in one.gone:
        return  # not of this release
    one.gone.discard(name)
    if about.get("deletionTimestamp"):
        one.gone.add(name)
        return
    strangers = [
        str(entry.get("manager", "?"))
        for entry in about.get("managedFields") or ()
        if entry.get("manager") not in ORDINARY and entry.get("subresource") != "status"
    ]
    if strangers:
        one.touched[name] = ", ".join(dict.fromkeys(strangers))


def manifest_of(secret: dict[str, Any]) -> str:
    """The manifest in a release's Secret: JSON, compressed, in base64 (the Secret adds another).

    Raises:
        ValueError: this is no release as Helm 3 and 4 write them.
    """
    try:
        text = base64.b64decode(base64.b64decode(secret["data"]["release"]))
        return str(json.loads(zlib.decompress(text, GZIP))["manifest"])
    except (KeyError, TypeError, zlib.error) as error:
        raise ValueError(f"no release of Helm: {error}") from error
