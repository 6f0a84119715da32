"""Stages 3 to 6: a revision's processes, its configuration, and what serves from now on."""

from __future__ import annotations

from collections.abc import Mapping

from barberpro.errors import BarberProError
from barberpro.planning.model import Plan
from barberpro.targets.kubernetes.progress import job_state
from barberpro.targets.kubernetes.reading import digest_of, last_object
from barberpro.targets.kubernetes.releases import Releases
from barberpro.targets.kubernetes.way import wait_for_way
from barberpro.targets.protocol import PassingFaultError, Report

#: A load balancer of a cloud is there within minutes; the record can be made later too.
ADDRESS_SECONDS = 60.0
CERTIFICATE_SECONDS = 120.0  # an authority answers within seconds; it may have a queue


def start_base(releases: Releases, plan: Plan, revision: int) -> Report:
    record = releases.records.required(plan.deployment_id)
    releases.release(record, plan, revision)
    base = [load.name for load in plan.workloads if load.kind == "base"]
    releases.roll_out(record, base)
    return Report(f"{len(base)} base services run, each in pods of its own", {"services": base})


def start_specialized(releases: Releases, plan: Plan, revision: int) -> Report:
    record = releases.records.required(plan.deployment_id)
    names = [load.name for load in plan.workloads if load.kind == "specialized"]
    if names:
        releases.roll_out(record, names)
    return Report(f"{len(names)} specialised services run, each in pods of its own")


def configure_mesh(releases: Releases, plan: Plan, revision: int) -> Report:
    record = releases.records.required(plan.deployment_id)
    mesh = record.values.get("mesh", {})
    kind = mesh.get("kind", "none") if isinstance(mesh, dict) else "none"
    if kind == "none":
        return Report(
            "no service mesh is asked for: between the pods the network policies protect, and "
            "nothing encrypts",
            not_applicable=True,
        )
    proxies = [
        pod["metadata"]["name"]
        for pod in releases.site(record).objects("pods")
        if len(pod["spec"]["containers"]) > 1
        or any("proxy" in one["name"] for one in pod["spec"].get("initContainers", []))
    ]
    if not proxies:
        raise BarberProError(
            f"{kind} put no proxy into any pod",
            where=record.id,
            mend=f"see that {kind} runs and injects into namespace {record.id}",
        )
    return Report(f"{kind}: {len(proxies)} pods have its proxy")


def initialise_database(releases: Releases, plan: Plan, revision: int) -> Report:
    """The schema was brought up to date by the release's hook: what it said is read back."""
    record = releases.records.required(plan.deployment_id)
    site = releases.site(record)
    name = f"migrate-{revision}-hook"
    job = site.get("job", name)
    if job is None or job_state(job) != "complete":
        raise BarberProError(
            f"the migration of revision {revision} is {job_state(job) if job else 'not there'}",
            where=record.id,
            mend=site.shown("logs", f"job/{name}", "--all-containers"),
        )
    said = site.kubectl.call("logs", f"job/{name}", "-n", record.id, "-c", "migrate")
    migrated = last_object(said)
    return Report(
        f"schema {migrated.get('from')} → {migrated.get('to')}, first data there",
        {"migrated": dict(migrated)},
    )


def stop_revision(releases: Releases, plan: Plan, revision: int) -> None:
    """Undo: back to the Helm revision of what served before, where Helm was asked for another; a first one
    goes with its namespace."""
    record = releases.records.find(plan.deployment_id)
    if record is None:
        return
    site, helm = releases.site(record), releases.helm(record)
    if site.namespace_object() is None:
        return
    site.end_migrations()
    earlier = record.live if record.live != revision else record.previous
    if earlier is not None and earlier in record.helm:
        last = helm.history()[-1:]
        if [one.number for one in last if one.status == "deployed"] != [record.helm[earlier]]:
            helm.heal()
            helm.rollback(record.helm[earlier])
            releases.roll_out(record, [])
        record.image, record.values = record.served.get(earlier, (record.image, record.values))
    for kept in (record.helm, record.sections, record.applied, record.served):
        kept.pop(revision, None)
    releases.records.save(record)


def write_configuration(
    releases: Releases, plan: Plan, revision: int, section: str, values: Mapping[str, object]
) -> Report:
    record = releases.records.required(plan.deployment_id)
    facts: dict[str, object] = {}
    if section == "mail":
        mail = releases.installation(record).mail
        if not mail:
            return Report("no mail server is set (mail in --kube-values)")
        values = {**values, **mail}
    before = releases.application(record, plan, revision).get(section)
    changed = before != dict(values)
    if changed:
        record.sections = {
            **record.sections,
            revision: {**record.sections.get(revision, {}), section: dict(values)},
        }
        releases.records.save(record)
    facts["changed"] = changed
    return Report(f"{section} {'written' if changed else 'as it was'}", facts)


def apply_configuration(releases: Releases, plan: Plan, revision: int) -> Report:
    """A new release where the pods were started with another configuration."""
    record = releases.records.required(plan.deployment_id)
    if record.applied.get(revision) == digest_of(releases.values(record, plan, revision)):
        return Report("in force already")
    releases.release(record, plan, revision)
    releases.roll_out(record, [])
    return Report("rolled out with it")


def activate(releases: Releases, plan: Plan, revision: int) -> Report:
    record = releases.records.required(plan.deployment_id)
    if record.live != revision:
        record.previous, record.live, record.stopped = record.live, revision, False
    serving = {revision: (record.image, record.values)}
    record.served = {
        number: kept for number, kept in record.served.items() if number == record.previous
    } | serving
    releases.records.save(record)
    if record.applied.get(revision) != digest_of(releases.values(record, plan, revision)):
        releases.release(record, plan, revision)  # the public way, now that it is tested
        releases.roll_out(record, [])
    public = record.values.get("public")
    way = None
    if isinstance(public, dict) and public.get("kind", "none") != "none":
        way = wait_for_way(releases.site(record), lambda way: bool(way.addresses), ADDRESS_SECONDS)
    led = f"; {way.place()}" if way is not None else ""
    facts = {"addresses": list(way.addresses)} if way is not None else {}
    return Report(f"namespace {record.id} serves revision {revision}{led}", facts)


def publish(releases: Releases, plan: Plan) -> Report:
    """Waits for cert-manager, which began when the public way was made.

    Raises ``PassingFaultError`` with how it stands, where it has no certificate in time.
    """
    record = releases.records.required(plan.deployment_id)
    way = wait_for_way(releases.site(record), lambda way: way.certified, CERTIFICATE_SECONDS)
    if way is None or not way.certificate:
        return Report("no operator of the cluster is asked for a certificate")
    if not way.certified:
        raise PassingFaultError(way.certificate, where=record.id)
    return Report(way.certificate)


def deactivate(releases: Releases, plan: Plan, revision: int) -> None:
    record = releases.records.find(plan.deployment_id)
    if record is not None and record.live == revision:
        record.live, record.previous = record.previous, None
        releases.records.save(record)
