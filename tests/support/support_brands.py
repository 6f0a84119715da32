"""Many brands on one cluster without many installations: the objects of a release, and the Secret in which
Helm keeps it, written straight away. The operator's own ``helm`` reads them as its own."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

INSTANCE = {"app.kubernetes.io/instance": "barberpro"}
SMALL = """---
# Source: barberpro/templates/configmap.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: integration-config
  namespace: NAMESPACE
  labels:
    app.kubernetes.io/instance: barberpro
data:
  app.json: "{}"
---
# Source: barberpro/templates/deployments.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  labels:
    app.kubernetes.io/instance: barberpro
  name: "booking"
  namespace: NAMESPACE
spec:
  replicas: 0
  selector: {matchLabels: {app: booking}}
  template:
    metadata: {labels: {app: booking}}
    spec:
      containers: [{name: booking, image: "app:1"}]
"""


def release_secret(namespace: str, manifest: str, number: int = 1) -> dict[str, Any]:
    """A release that is deployed, as Helm writes it (storage driver ``secret``)."""
    when = "2026-01-02T03:04:05Z"
    info = {
        "first_deployed": when,
        "last_deployed": when,
        "status": "deployed",
        "description": "barberpro revision 1",
    }
    chart = {"metadata": {"apiVersion": "v2", "name": "barberpro", "version": "0.1.0"}}
    release = {"name": "barberpro", "namespace": namespace, "version": number, "info": info,
               "chart": chart, "manifest": manifest}  # fmt: skip
    packed = base64.b64encode(gzip.compress(json.dumps(release).encode()))
    return {
        "apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1",
        "metadata": {
            "name": f"sh.helm.release.v1.barberpro.v{number}", "namespace": namespace,
            "labels": {"name": "barberpro", "owner": "helm", "status": "deployed", "version": str(number)},
        },
        "data": {"release": base64.b64encode(packed).decode()},
    }  # fmt: skip


def namespace(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
