"""The kinds of CloudNativePG and of its Barman Cloud plugin, as far as the chart writes them and we read them.

Written from the published API reference (https://cloudnative-pg.io/documentation/current/cloudnative-pg.v1/ and
https://cloudnative-pg.io/plugin-barman-cloud/docs/plugin-barman-cloud.v1/), whose other fields are left out: the
API server refuses, by ``fieldValidation=Strict``, whatever is not here. docs/reference/cloudnativepg.md has the
page of each field.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]
GROUP, PLUGIN_GROUP = "postgresql.cnpg.io", "barmancloud.cnpg.io"

TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}
FLAG: Schema = {"type": "boolean"}
QUANTITY: Schema = {
    "anyOf": [{"type": "integer"}, {"type": "string"}],
    "x-kubernetes-int-or-string": True,
}
#: What Kubernetes itself documents, such as a pod's template: not checked here.
ANY: Schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def fields(*required: str, **properties: Schema) -> Schema:
    known = {name.removesuffix("_"): schema for name, schema in properties.items()}
    return {
        "type": "object",
        "properties": known,
        **({"required": list(required)} if required else {}),
    }


def many(schema: Schema, **more: Any) -> Schema:
    return {"type": "array", "items": schema, **more}


def mapping(schema: Schema) -> Schema:
    return {"type": "object", "additionalProperties": schema}


def one_of(*words: str, default: str = "") -> Schema:
    return {"type": "string", "enum": list(words), **({"default": default} if default else {})}


NAMED = fields("name", name=TEXT)
KEY = fields("key", "name", key=TEXT, name=TEXT)
RESOURCES = fields(requests=mapping(QUANTITY), limits=mapping(QUANTITY))
CONDITION = fields(
    "type", "status", "reason", "message", "lastTransitionTime",
    type=TEXT, reason=TEXT, message=TEXT, lastTransitionTime={"type": "string", "format": "date-time"},
    status=one_of("True", "False", "Unknown"),
)  # fmt: skip
#: A cluster, once chosen, stays.
FIXED_CLUSTER = {
    **NAMED,
    "x-kubernetes-validations": [{"rule": "self == oldSelf", "message": "it cannot be changed"}],
}
METHOD = one_of("barmanObjectStore", "volumeSnapshot", "plugin", default="barmanObjectStore")
PLUGIN = fields("name", name=TEXT, parameters=mapping(TEXT))

CLUSTER = fields(
    "instances",
    instances={"type": "integer", "minimum": 1, "default": 1},
    description=TEXT,
    imageName=TEXT,
    primaryUpdateStrategy=one_of("unsupervised", "supervised", default="unsupervised"),
    enablePDB={"type": "boolean", "default": True},
    enableSuperuserAccess={"type": "boolean", "default": False},
    bootstrap=fields(initdb=fields(
        database=TEXT, owner=TEXT, secret=NAMED, dataChecksums=FLAG, encoding=TEXT, postInitApplicationSQL=many(TEXT),
    )),
    certificates=fields(serverAltDNSNames=many(TEXT)),
    managed=fields(roles=many(fields(
        "name", name=TEXT, ensure=one_of("present", "absent", default="present"), login=FLAG,
        inherit={"type": "boolean", "default": True}, passwordSecret=NAMED,
    ))),
    postgresql=fields(parameters=mapping(TEXT), pg_hba=many(TEXT)),
    storage=fields(size=TEXT, storageClass=TEXT),
    resources=RESOURCES,
    affinity=fields(enablePodAntiAffinity=FLAG, topologyKey=TEXT, podAntiAffinityType=TEXT),
    inheritedMetadata=fields(labels=mapping(TEXT), annotations=mapping(TEXT)),
    plugins=many(fields(
        "name", name=TEXT, enabled={"type": "boolean", "default": True},
        isWALArchiver={"type": "boolean", "default": False}, parameters=mapping(TEXT),
    )),
)  # fmt: skip
CLUSTER_STATUS = fields(
    instances=WHOLE, readyInstances=WHOLE, phase=TEXT, phaseReason=TEXT, currentPrimary=TEXT, targetPrimary=TEXT,
    currentPrimaryTimestamp=TEXT, instanceNames=many(TEXT), writeService=TEXT, readService=TEXT,
    lastSuccessfulBackup=TEXT, lastFailedBackup=TEXT, conditions=many(CONDITION),
)  # fmt: skip
POOLER = fields(
    "cluster", "pgbouncer",
    cluster=FIXED_CLUSTER,
    instances={"type": "integer", "default": 1},
    type=one_of("rw", "ro", "r", default="rw"),
    pgbouncer=fields(poolMode=one_of("session", "transaction", default="session"), image=TEXT,
                     parameters=mapping(TEXT), paused={"type": "boolean", "default": False}),
    template=fields(metadata=fields(labels=mapping(TEXT), annotations=mapping(TEXT)), spec=ANY),
)  # fmt: skip
POOLER_STATUS = fields(
    instances=WHOLE, phase=one_of("active", "paused", "inactive", "failed"), phaseReason=TEXT, image=TEXT
)  # fmt: skip
SCHEDULED_BACKUP = fields(
    "cluster", "schedule",
    schedule=TEXT, immediate=FLAG, suspend=FLAG, cluster=FIXED_CLUSTER, method=METHOD, pluginConfiguration=PLUGIN,
    backupOwnerReference=one_of("none", "self", "cluster", default="none"),
)  # fmt: skip
SCHEDULED_BACKUP_STATUS = fields(lastCheckTime=TEXT, lastScheduleTime=TEXT, nextScheduleTime=TEXT)
BACKUP = fields("cluster", cluster=NAMED, method=METHOD, pluginConfiguration=PLUGIN)
BACKUP_STATUS = fields(phase=TEXT, error=TEXT, startedAt=TEXT, stoppedAt=TEXT, method=TEXT)
COMPRESSED = fields(
    compression=one_of("bzip2", "gzip", "lz4", "snappy", "xz", "zstd"),
    encryption=one_of("AES256", "aws:kms"),
)
OBJECT_STORE = fields(
    "configuration",
    retentionPolicy={"type": "string", "pattern": "^[1-9][0-9]*[dwm]$"},
    configuration=fields(
        "destinationPath",
        destinationPath={"type": "string", "minLength": 1}, endpointURL=TEXT, wal=COMPRESSED, data=COMPRESSED,
        s3Credentials=fields(accessKeyId=KEY, secretAccessKey=KEY, inheritFromIAMRole=FLAG),
    ),
)  # fmt: skip

KINDS: dict[str, tuple[str, Schema, Schema]] = {
    "Cluster": (GROUP, CLUSTER, CLUSTER_STATUS),
    "Pooler": (GROUP, POOLER, POOLER_STATUS),
    "ScheduledBackup": (GROUP, SCHEDULED_BACKUP, SCHEDULED_BACKUP_STATUS),
    "Backup": (GROUP, BACKUP, BACKUP_STATUS),
    "ObjectStore": (PLUGIN_GROUP, OBJECT_STORE, ANY),
}


def definitions() -> list[Schema]:
    """The CustomResourceDefinitions."""
    return [_definition(kind, *about) for kind, about in KINDS.items()]


def plural(kind: str) -> str:
    return f"{kind.lower()}s"


def _definition(kind: str, group: str, spec: Schema, status: Schema) -> Schema:
    names = {
        "kind": kind,
        "listKind": f"{kind}List",
        "plural": plural(kind),
        "singular": kind.lower(),
    }
    top = fields(
        "spec", apiVersion=TEXT, kind=TEXT, metadata={"type": "object"}, spec=spec, status=status
    )
    version = {
        "name": "v1", "served": True, "storage": True, "subresources": {"status": {}},
        "schema": {"openAPIV3Schema": top},
    }  # fmt: skip
    return {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural(kind)}.{group}", "labels": {"barberpro.test/double": "cnpg"}},
        "spec": {"group": group, "names": names, "scope": "Namespaced", "versions": [version]},
    }  # fmt: skip
