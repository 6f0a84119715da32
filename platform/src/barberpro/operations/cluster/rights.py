"""The rights that the caller needs in a deployment's namespace, and in the cluster."""

from __future__ import annotations

from collections.abc import Iterator

# API group -> resources that the chart makes, changes and removes
MANAGED = {
    "": ("configmaps", "secrets", "services", "serviceaccounts", "persistentvolumeclaims", "resourcequotas", "limitranges"),
    "apps": ("deployments", "statefulsets"),
    "batch": ("jobs", "cronjobs"),
    "autoscaling": ("horizontalpodautoscalers",),
    "policy": ("poddisruptionbudgets",),
    "networking.k8s.io": ("networkpolicies", "ingresses"),
}  # fmt: skip
CHANGES = ("create", "patch", "delete")
READS = (("get", "pods", ""), ("get", "pods", "log"), ("create", "pods", "exec"), ("create", "pods", "portforward"), ("list", "events", ""))  # fmt: skip


def needed_rights(namespace: str) -> Iterator[dict[str, str]]:
    """Resource attributes of a ``SelfSubjectAccessReview``, one for each right."""
    for verb in ("create", "get", "delete"):
        yield {"verb": verb, "resource": "namespaces"}
    for group, resources in MANAGED.items():
        for resource in resources:
            for verb in CHANGES:
                yield {"verb": verb, "group": group, "resource": resource, "namespace": namespace}
    for verb, resource, part in READS:
        yield {"verb": verb, "resource": resource, "subresource": part, "namespace": namespace}
