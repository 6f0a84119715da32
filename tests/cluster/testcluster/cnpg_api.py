"""The API server as the double of an operator speaks to it: a few calls of HTTP, as its administrator."""

from __future__ import annotations

import json
import ssl
from typing import Any

import httpx

from testcluster.control_plane import ControlPlane

Object = dict[str, Any]
MANAGER = "cloudnative-pg"
#: Where the kinds lie that the double makes.
FOLDERS = {
    "Pod": ("api/v1", "pods"), "Service": ("api/v1", "services"), "Secret": ("api/v1", "secrets"),
    "PersistentVolume": ("api/v1", "persistentvolumes"),
    "PersistentVolumeClaim": ("api/v1", "persistentvolumeclaims"), "Deployment": ("apis/apps/v1", "deployments"),
    "PodDisruptionBudget": ("apis/policy/v1", "poddisruptionbudgets"),
    **{kind: ("apis/postgresql.cnpg.io/v1", f"{kind.lower()}s") for kind in
       ("Cluster", "Pooler", "ScheduledBackup", "Backup")},
    "ObjectStore": ("apis/barmancloud.cnpg.io/v1", "objectstores"),
}  # fmt: skip


class Api:
    def __init__(self, plane: ControlPlane) -> None:
        pki = plane.world.folder / "pki"
        context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
        context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
        self._http = httpx.Client(base_url=plane.url, verify=context, timeout=20)

    def close(self) -> None:
        self._http.close()

    def everywhere(self, kind: str, labels: str = "") -> list[Object]:
        """Of all namespaces; none while the kind is not known."""
        folder, plural = FOLDERS[kind]
        answer = self._http.get(f"/{folder}/{plural}", params={"labelSelector": labels})
        found = answer.json().get("items", []) if answer.status_code == 200 else []
        return list(found)

    def find(self, kind: str, namespace: str, name: str) -> Object | None:
        answer = self._http.get(self._path(kind, namespace, name))
        found: Object | None = answer.json() if answer.status_code == 200 else None
        return found

    def make(self, one: Object, *, namespace: str) -> None:
        """As it shall be, whatever is there. A namespace that is going takes nothing new."""
        path = self._path(one["kind"], namespace, one["metadata"]["name"])
        answer = self._http.patch(
            path, content=json.dumps(one), headers={"Content-Type": "application/apply-patch+yaml"},
            params={"fieldManager": MANAGER, "force": "true", "fieldValidation": "Strict"},
        )  # fmt: skip
        if answer.status_code not in (200, 201, 403, 404):
            raise AssertionError(f"{path}: {answer.text}")

    def merge(self, kind: str, namespace: str, name: str, change: Object, part: str = "") -> None:
        path = self._path(kind, namespace, name) + (f"/{part}" if part else "")
        answer = self._http.patch(
            path, content=json.dumps(change),
            headers={"Content-Type": "application/merge-patch+json"}, params={"fieldManager": MANAGER},
        )  # fmt: skip
        assert answer.status_code in (200, 404, 409), answer.text

    def remove(self, kind: str, namespace: str, name: str) -> None:
        self._http.delete(self._path(kind, namespace, name))

    @staticmethod
    def _path(kind: str, namespace: str, name: str) -> str:
        folder, plural = FOLDERS[kind]
        if not namespace:
            return f"/{folder}/{plural}/{name}"
        return f"/{folder}/namespaces/{namespace}/{plural}/{name}"
