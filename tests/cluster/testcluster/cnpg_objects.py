"""What the operator makes beside a Cluster or a Pooler, as its documentation says that one sees it."""

from __future__ import annotations

import base64
import secrets
import tempfile
from pathlib import Path
from typing import Any

from testcluster.certificates import Authority

Object = dict[str, Any]
PGBOUNCER = "ghcr.io/cloudnative-pg/pgbouncer:1.25.1"  # where the Pooler names none
SECURITY = {
    "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "privileged": False,
    "readOnlyRootFilesystem": True, "runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"},
}  # fmt: skip


def owned(one: Object, kind: str, name: str, labels: Object, body: Object) -> Object:
    """An object that goes with its owner."""
    owner = {
        "apiVersion": one["apiVersion"], "kind": one["kind"], "name": one["metadata"]["name"],
        "uid": one["metadata"]["uid"], "controller": True,
    }  # fmt: skip
    versions = {"Deployment": "apps/v1", "PodDisruptionBudget": "policy/v1"}
    made = {
        "apiVersion": versions.get(kind, "v1"), "kind": kind,
        "metadata": {"name": name, "labels": labels, "ownerReferences": [owner]},
    }  # fmt: skip
    return {**made, **body}


def services(cluster: Object) -> list[Object]:
    """service_management/: -rw to the primary, -ro to the replicas, -r to any."""
    name = cluster["metadata"]["name"]
    chosen: dict[str, Object] = {
        "rw": {"cnpg.io/instanceRole": "primary"},
        "ro": {"cnpg.io/instanceRole": "replica"},
        "r": {"cnpg.io/podRole": "instance"},
    }
    port = {"name": "postgres", "port": 5432, "targetPort": 5432, "protocol": "TCP"}
    return [
        owned(cluster, "Service", f"{name}-{suffix}", {"cnpg.io/cluster": name}, {
            "spec": {"type": "ClusterIP", "ports": [port], "selector": {"cnpg.io/cluster": name, **selector}},
        })
        for suffix, selector in chosen.items()
    ]  # fmt: skip


def own_secrets(cluster: Object, namespace: str) -> list[Object]:
    """certificates/ and applications/: the authority, the server's certificate for the names of its
    Services and those of ``serverAltDNSNames``, and NAME-app where no Secret was named."""
    name, spec = cluster["metadata"]["name"], cluster["spec"]
    hosts = [f"{name}-{suffix}" for suffix in ("rw", "r", "ro")]
    names = [
        full for host in hosts for full in (host, f"{host}.{namespace}", f"{host}.{namespace}.svc")
    ]
    names += spec.get("certificates", {}).get("serverAltDNSNames", [])
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder)
        Authority.create(where, "ca").issue("tls", hosts[0], names=tuple(names))
        files = {
            file: (where / file).read_text() for file in ("ca.crt", "ca.key", "tls.crt", "tls.key")
        }
    labels = {"cnpg.io/cluster": name, "cnpg.io/reload": "true"}
    made = [
        owned(cluster, "Secret", f"{name}-ca", labels, _data({k: files[k] for k in ("ca.crt", "ca.key")})),
        owned(cluster, "Secret", f"{name}-server", labels, {
            **_data({k: files[k] for k in ("tls.crt", "tls.key")}), "type": "kubernetes.io/tls",
        }),
    ]  # fmt: skip
    start = spec.get("bootstrap", {}).get("initdb", {})
    if not start.get("secret"):
        made.append(_app_secret(cluster, namespace, start))
    return made


def _app_secret(cluster: Object, namespace: str, start: Object) -> Object:
    name = cluster["metadata"]["name"]
    database = str(start.get("database", "app"))
    owner, password, host = (
        str(start.get("owner", database)),
        secrets.token_urlsafe(48),
        f"{name}-rw",
    )
    uri = f"postgresql://{owner}:{password}@{host}.{namespace}:5432/{database}"
    return owned(cluster, "Secret", f"{name}-app", {"cnpg.io/cluster": name, "cnpg.io/reload": "true"}, {
        **_data({
            "username": owner, "user": owner, "password": password, "dbname": database, "host": host, "port": "5432",
            "uri": uri, "jdbc-uri": f"jdbc:{uri}", "pgpass": f"{host}:5432:{database}:{owner}:{password}\n",
        }),
        "type": "kubernetes.io/basic-auth",
    })  # fmt: skip


def _data(values: dict[str, str]) -> Object:
    return {"data": {key: base64.b64encode(text.encode()).decode() for key, text in values.items()}}


def claim(cluster: Object, instance: str) -> Object:
    storage = cluster["spec"]["storage"]
    labels = {"cnpg.io/cluster": cluster["metadata"]["name"], "cnpg.io/instanceName": instance}
    body: Object = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": storage["size"]}},
    }
    if storage.get("storageClass"):
        body["storageClassName"] = storage["storageClass"]
    return owned(cluster, "PersistentVolumeClaim", instance, labels, {"spec": body})  # fmt: skip


def volume(namespace: str, instance: str, size: str) -> Object:
    """What a storage class that retains its volumes would provide."""
    return {
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": f"{namespace}-{instance}"},
        "spec": {
            "capacity": {"storage": size}, "accessModes": ["ReadWriteOnce"], "persistentVolumeReclaimPolicy": "Retain",
            "claimRef": {"namespace": namespace, "name": instance}, "hostPath": {"path": "/nowhere"},
        },
    }  # fmt: skip


def instance_pod(cluster: Object, instance: str, role: str, *, room: bool = True) -> Object:
    """``room`` False: no node takes it."""
    name, spec = cluster["metadata"]["name"], cluster["spec"]
    inherited = spec.get("inheritedMetadata", {})
    labels = {
        **inherited.get("labels", {}), "cnpg.io/cluster": name, "cnpg.io/instanceName": instance,
        "cnpg.io/podRole": "instance", "cnpg.io/instanceRole": role, "role": role,
    }  # fmt: skip
    container = {
        "name": "postgres", "image": spec["imageName"], "resources": spec.get("resources", {}),
        "securityContext": SECURITY, "ports": [{"name": "postgresql", "containerPort": 5432, "protocol": "TCP"}],
        "volumeMounts": [{"name": "pgdata", "mountPath": "/var/lib/postgresql/data"}],
    }  # fmt: skip
    body: Object = {
        "containers": [container],
        "volumes": [{"name": "pgdata", "persistentVolumeClaim": {"claimName": instance}}],
        "securityContext": {"runAsNonRoot": True, "runAsUser": 26, "fsGroup": 26,
                            "seccompProfile": {"type": "RuntimeDefault"}},
    }  # fmt: skip
    if not room:
        body["nodeSelector"] = {"barberpro.test/room": "none"}
    return owned(cluster, "Pod", instance, labels, {"spec": body})


def budget(cluster: Object) -> Object:
    name = cluster["metadata"]["name"]
    selector = {"cnpg.io/cluster": name, "cnpg.io/instanceRole": "primary"}
    return owned(cluster, "PodDisruptionBudget", f"{name}-primary", {"cnpg.io/cluster": name}, {
        "spec": {"minAvailable": 1, "selector": {"matchLabels": selector}},
    })  # fmt: skip


def pooler_objects(pooler: Object) -> list[Object]:
    """connection_pooling/: a Deployment of PgBouncer and a Service of the Pooler's name."""
    name, spec = str(pooler["metadata"]["name"]), pooler["spec"]
    template = spec.get("template", {})
    labels = {
        "cnpg.io/poolerName": name,
        "cnpg.io/cluster": spec["cluster"]["name"],
        "cnpg.io/podRole": "pooler",
    }
    given = [
        one for one in template.get("spec", {}).get("containers", []) if one["name"] == "pgbouncer"
    ]
    container: Object = {
        "name": "pgbouncer", "image": spec["pgbouncer"].get("image", PGBOUNCER), "securityContext": SECURITY,
        "ports": [{"name": "pgbouncer", "containerPort": 5432, "protocol": "TCP"}], **(given[0] if given else {}),
    }  # fmt: skip
    pod = {
        **template.get("spec", {}), "containers": [container],
        "securityContext": {"runAsNonRoot": True, "runAsUser": 998, "fsGroup": 996,
                            "seccompProfile": {"type": "RuntimeDefault"}},
    }  # fmt: skip
    about = {**template.get("metadata", {})}
    about["labels"] = {**about.get("labels", {}), **labels}
    deployment = {
        "replicas": spec.get("instances", 1), "selector": {"matchLabels": {"cnpg.io/poolerName": name}},
        "template": {"metadata": about, "spec": pod},
    }  # fmt: skip
    port = {"name": "pgbouncer", "port": 5432, "targetPort": "pgbouncer", "protocol": "TCP"}
    service = {"type": "ClusterIP", "ports": [port], "selector": {"cnpg.io/poolerName": name}}
    return [
        owned(pooler, "Deployment", name, labels, {"spec": deployment}),
        owned(pooler, "Service", name, labels, {"spec": service}),
    ]
