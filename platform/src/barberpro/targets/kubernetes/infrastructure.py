"""Stages 1 and 2: what must hold before anything is made, then the namespace and all that the processes
stand on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from barberpro.errors import BarberProError, RefusedError
from barberpro.planning.findings import Finding, Severity
from barberpro.planning.model import Plan
from barberpro.targets.kubernetes import cnpg
from barberpro.targets.kubernetes.reading import info, named
from barberpro.targets.kubernetes.records import public_host
from barberpro.targets.kubernetes.releases import Releases
from barberpro.targets.kubernetes.values import database_mode
from barberpro.targets.protocol import PassingFaultError, Report

LEAST_KUBERNETES = (1, 25)
DATABASE_SECONDS = 300.0


def check_resources(releases: Releases, plan: Plan) -> Sequence[Finding]:
    record = releases.records.required(plan.deployment_id)
    site, helm = releases.site(record), releases.helm(record)
    version = helm.check_version()
    answered = site.kubectl.raw("/version")
    numbers = tuple(
        int("".join(filter(str.isdigit, str(answered.get(part))))) for part in ("major", "minor")
    )
    if numbers < LEAST_KUBERNETES:
        raise RefusedError(
            f"the cluster runs Kubernetes {numbers[0]}.{numbers[1]}; 1.25 or newer is needed",
            where=site.kubectl.context.title,
            mend="upgrade the cluster, or choose another --kube-context",
        )
    state = site.check_namespace()
    what = f"{site.kubectl.context.title}: Kubernetes {answered.get('gitVersion')}, Helm {version}"
    return [info("cluster-usable", f"{what}; namespace {record.id} is {state}", record.id)]


def check_hostname(releases: Releases, plan: Plan) -> Sequence[Finding]:
    """Somebody else's Ingress for the same name would take its requests."""
    record = releases.records.required(plan.deployment_id)
    found = releases.site(record).kubectl.raw("/apis/networking.k8s.io/v1/ingresses")
    items = found.get("items")
    for one in items if isinstance(items, list) else []:
        assert isinstance(one, dict)
        hosts = json.dumps(one.get("spec", {}))
        where = one["metadata"]
        assert isinstance(where, dict)
        if f'"{plan.network.hostname}"' in hosts and where.get("namespace") != record.id:
            return [
                Finding(
                    id="hostname-taken",
                    severity=Severity.BLOCKING,
                    what=f"{plan.network.hostname} belongs to another Ingress of this cluster",
                    where=f"{where.get('namespace')}/{where.get('name')}",
                    mend="choose another --domain, or remove that Ingress",
                )
            ]
    return []


def provision_resources(releases: Releases, plan: Plan) -> Report:
    """The namespace, and all that processes stand on; an update finds it there."""
    record = releases.records.required(plan.deployment_id)
    site, helm = releases.site(record), releases.helm(record)
    made = site.ensure_namespace()
    healed = helm.heal()
    if not record.database_mode:
        installation = replace(releases.installation(record), has_cnpg=site.has_kind(cnpg.CLUSTERS))
        record.database_mode = database_mode(plan, installation)
        releases.records.save(record)
    if not any(entry.status == "deployed" for entry in helm.history()):
        values = releases.values(record, plan, 0, processes=False)
        helm.upgrade(values, "what the processes stand on", site.watch(releases.say))
    if record.database_mode == "bundled":
        site.wait_for("statefulsets", named("database"), seconds=DATABASE_SECONDS, say=releases.say)
    elif record.database_mode == "cnpg":
        cnpg.wait_for(site, seconds=DATABASE_SECONDS, say=releases.say)
        if site.get(cnpg.POOLERS, cnpg.POOLER) is not None:
            found = named(cnpg.POOLER)
            site.wait_for("deployments", found, seconds=DATABASE_SECONDS, say=releases.say)
    detail = (
        f"namespace {record.id} {'made' if made else 'was there'}; database {record.database_mode}"
    )
    if healed:
        detail += f"; healed: {healed}"
    return Report(detail, {"context": record.context, "database": record.database_mode})


def remove_resources(releases: Releases, plan: Plan) -> None:
    """Undoes a first deployment: nothing is removed once a revision has been live."""
    record = releases.records.find(plan.deployment_id)
    if record is None or record.live is not None or record.previous is not None:
        return
    releases.close_front(record.id)
    releases.site(record).remove_namespace()
    record.helm, record.sections, record.applied, record.database_mode = {}, {}, {}, ""
    releases.records.save(record)


def configure_network(releases: Releases, plan: Plan) -> Report:
    record = releases.records.required(plan.deployment_id)
    names = sorted(load.name for load in plan.workloads)
    return Report(
        f"{len(names)} services in namespace {record.id}; clients come by {plan.network.hostname}",
        {"hostnames": [plan.network.hostname], "services": names},
    )


def configure_isolation(releases: Releases, plan: Plan) -> Report:
    """Pod Security is enforced, and every declared flow has its policy: both are read back."""
    record = releases.records.required(plan.deployment_id)
    site = releases.site(record)
    namespace = site.namespace_object() or {"metadata": {}}
    labels = namespace["metadata"].get("labels", {})
    if labels.get("pod-security.kubernetes.io/enforce") != "restricted":
        raise PassingFaultError(f"namespace {record.id} does not enforce Pod Security yet")
    policies = {one["metadata"]["name"] for one in site.objects("networkpolicies")}
    missing = {"default-deny", *(load.name for load in plan.workloads)} - policies
    if missing:
        raise BarberProError(
            f"network policies are missing: {', '.join(sorted(missing))}",
            where=record.id,
            mend=f"barberpro diff {record.id} shows what was changed by hand",
        )
    return Report(
        f"Pod Security restricted is enforced; {len(policies)} network policies deny all but "
        f"{len(plan.network.flows)} declared flows, where the cluster's network enforces policies",
        {"policies": sorted(policies)},
    )


def configure_load_balancer(releases: Releases, plan: Plan, revision: int) -> Report:
    record = releases.records.required(plan.deployment_id)
    public = record.values.get("public", {})
    kind = public.get("kind", "none") if isinstance(public, dict) else "none"
    if kind == "none":
        return Report(
            "no public way is asked for (public.kind in --kube-values): the gateway is reached "
            "from this machine, by a port-forward behind HTTPS on loopback"
        )
    if not public_host(plan, public):
        return Report(f"no domain (--domain): no {kind} is made, whatever the values say of one")
    name = str(public.get("className", ""))
    plural = "ingressclass" if kind == "ingress" else "gatewayclass"
    if name and releases.site(record).get(plural, name) is None:
        raise BarberProError(
            f"the cluster has no {plural} '{name}'",
            where=releases.context(record).title,
            mend=f"kubectl get {plural} lists those that there are; set public.className",
        )
    return Report(f"{kind} of class {name or 'default'} from the moment it goes live")
