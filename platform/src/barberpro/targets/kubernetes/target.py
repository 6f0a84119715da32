"""The Kubernetes target: each sub-step of a deployment carried out on a cluster, by Helm.

There is one release per deployment, in a namespace of its own. What the processes stand on is
installed first (stage 2), then the processes with it (stage 3); every change after that is one more
Helm revision, whose description names ours. A new revision takes over as its pods become ready.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from barberpro.errors import BarberProError, RefusedError
from barberpro.kube.contexts import Context, choose
from barberpro.planning.findings import Finding, Severity
from barberpro.planning.model import Plan
from barberpro.targets.kubernetes import life
from barberpro.targets.kubernetes.front import ADDRESS, Front
from barberpro.targets.kubernetes.helm import Helm
from barberpro.targets.kubernetes.progress import job_state
from barberpro.targets.kubernetes.reading import (
    digest_of,
    image_of,
    info,
    last_object,
    named,
    whatever,
)
from barberpro.targets.kubernetes.records import Record, Records
from barberpro.targets.kubernetes.site import Site
from barberpro.targets.kubernetes.values import (
    Installation,
    Values,
    database_mode,
    laid_over,
    make_values,
)
from barberpro.targets.local.files import private_folder, write_atomic
from barberpro.targets.protocol import Access, PassingFaultError, Publishing, Report, ServiceState

LEAST_KUBERNETES = (1, 25)
CNPG = "clusters.postgresql.cnpg.io"
DATABASE_SECONDS, ROLLOUT_SECONDS, HOOK_SECONDS = 300.0, 600.0, 600.0
GATEWAY = "deployment/api-gateway"
COMMAND = ("python3", "-m", "barberpro_app")
Say = Callable[[str], None]


def quiet(_line: str) -> None:
    """For a caller that shows no progress."""


class KubernetesTarget:
    """Implements ``barberpro.targets.protocol.Target``. ``say`` hears how waits stand."""

    def __init__(self, home: Path, chart: Path, backups: Path, say: Say = quiet) -> None:
        self.records = Records(home)
        self._chart, self._backups, self._say = chart, backups, say
        self._fronts: dict[str, Front] = {}

    def close(self) -> None:
        """This process is done with the target."""
        for front in self._fronts.values():
            front.close()
        self._fronts.clear()

    def site(self, record: Record) -> Site:
        return Site.of(self._context(record), record.id)

    def helm(self, record: Record) -> Helm:
        return Helm(self._context(record), record.id, self._chart)

    @staticmethod
    def _context(record: Record) -> Context:
        return choose(record.context or None)

    # -- stage 1

    def check_resources(self, plan: Plan) -> Sequence[Finding]:
        record = self.records.required(plan.deployment_id)
        site, helm = self.site(record), self.helm(record)
        version = helm.check_version()
        answered = site.kubectl.raw("/version")
        numbers = tuple(
            int("".join(filter(str.isdigit, str(answered.get(part)))))
            for part in ("major", "minor")
        )
        if numbers < LEAST_KUBERNETES:
            raise RefusedError(
                f"the cluster runs Kubernetes {numbers[0]}.{numbers[1]}; 1.25 or newer is needed",
                where=site.kubectl.context.title,
                mend="upgrade the cluster, or choose another --kube-context",
            )
        state = site.check_namespace()
        what = (
            f"{site.kubectl.context.title}: Kubernetes {answered.get('gitVersion')}, Helm {version}"
        )
        return [info("cluster-usable", f"{what}; namespace {record.id} is {state}", record.id)]

    def check_hostname(self, plan: Plan) -> Sequence[Finding]:
        """Somebody else's Ingress for the same name would take its requests."""
        record = self.records.required(plan.deployment_id)
        found = self.site(record).kubectl.raw("/apis/networking.k8s.io/v1/ingresses")
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

    # -- stage 2

    def provision_resources(self, plan: Plan) -> Report:
        """The namespace, and all that processes stand on; an update finds it there."""
        record = self.records.required(plan.deployment_id)
        site, helm = self.site(record), self.helm(record)
        made = site.ensure_namespace()
        healed = helm.heal()
        if not record.database_mode:
            installation = replace(self._installation(record), has_cnpg=site.has_kind(CNPG))
            record.database_mode = database_mode(plan, installation)
            self.records.save(record)
        if not any(entry.status == "deployed" for entry in helm.history()):
            values = self._values(record, plan, 0, processes=False)
            helm.upgrade(values, "what the processes stand on", site.watch(self._say))
        if record.database_mode == "bundled":
            site.wait_for(
                "statefulsets", named("database"), seconds=DATABASE_SECONDS, say=self._say
            )
        elif record.database_mode == "cnpg":
            life.wait_for_cnpg(site, seconds=DATABASE_SECONDS, say=self._say)
        detail = f"namespace {record.id} {'made' if made else 'was there'}; database {record.database_mode}"
        if healed:
            detail += f"; healed: {healed}"
        return Report(detail, {"context": record.context, "database": record.database_mode})

    def remove_resources(self, plan: Plan) -> None:
        """Undoes a first deployment: nothing is removed once a revision has been live."""
        record = self.records.find(plan.deployment_id)
        if record is None or record.live is not None or record.previous is not None:
            return
        self._close(record.id)
        self.site(record).remove_namespace()
        record.helm, record.sections, record.applied, record.database_mode = {}, {}, {}, ""
        self.records.save(record)

    def configure_network(self, plan: Plan) -> Report:
        record = self.records.required(plan.deployment_id)
        names = sorted(load.name for load in plan.workloads)
        return Report(
            f"{len(names)} services in namespace {record.id}; clients come by {plan.network.hostname}",
            {"hostnames": [plan.network.hostname], "services": names},
        )

    def configure_isolation(self, plan: Plan) -> Report:
        """Pod Security is enforced, and every declared flow has its policy: both are read back."""
        record = self.records.required(plan.deployment_id)
        site = self.site(record)
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

    def configure_load_balancer(self, plan: Plan, revision: int) -> Report:
        record = self.records.required(plan.deployment_id)
        public = record.values.get("public", {})
        kind = public.get("kind", "none") if isinstance(public, dict) else "none"
        if kind == "none":
            return Report(
                "no public way is asked for (public.kind in --kube-values): the gateway is reached "
                "from this machine, by a port-forward behind HTTPS on loopback"
            )
        name = str(public.get("className", ""))
        plural = "ingressclass" if kind == "ingress" else "gatewayclass"
        if name and self.site(record).get(plural, name) is None:
            raise BarberProError(
                f"the cluster has no {plural} '{name}'",
                where=self._context(record).title,
                mend=f"kubectl get {plural} lists those that there are; set public.className",
            )
        return Report(f"{kind} of class {name or 'default'} from the moment it goes live")

    def remove_route(self, plan: Plan, revision: int) -> None:
        """It goes with the release's revision."""

    # -- stage 3

    def start_base(self, plan: Plan, revision: int) -> Report:
        record = self.records.required(plan.deployment_id)
        self._release(record, plan, revision)
        base = [load.name for load in plan.workloads if load.kind == "base"]
        self._roll_out(record, base)
        return Report(f"{len(base)} base services run, each in pods of its own", {"services": base})

    def start_specialized(self, plan: Plan, revision: int) -> Report:
        record = self.records.required(plan.deployment_id)
        names = [load.name for load in plan.workloads if load.kind == "specialized"]
        if names:
            self._roll_out(record, names)
        return Report(f"{len(names)} specialised services run, each in pods of its own")

    def configure_mesh(self, plan: Plan, revision: int) -> Report:
        record = self.records.required(plan.deployment_id)
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
            for pod in self.site(record).objects("pods")
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

    def initialise_database(self, plan: Plan, revision: int) -> Report:
        """The schema was brought up to date by the release's hook: what it said is read back."""
        record = self.records.required(plan.deployment_id)
        site = self.site(record)
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

    def stop_revision(self, plan: Plan, revision: int) -> None:
        """Undo: back to the Helm revision of what served before; a first one goes with its namespace."""
        record = self.records.find(plan.deployment_id)
        if record is None or revision not in record.helm:
            return
        earlier = record.live if record.live != revision else record.previous
        if earlier is not None and earlier in record.helm:
            helm = self.helm(record)
            helm.heal()
            helm.rollback(record.helm[earlier])
            self._roll_out(record, [])
        for kept in (record.helm, record.sections, record.applied):
            kept.pop(revision, None)
        self.records.save(record)

    # -- stage 4

    def write_configuration(
        self, plan: Plan, revision: int, section: str, values: Mapping[str, object]
    ) -> Report:
        record = self.records.required(plan.deployment_id)
        facts: dict[str, object] = {}
        if section == "mail":
            mail = self._installation(record).mail
            if not mail:
                return Report("no mail server is set (mail in --kube-values)")
            values = {**values, **mail}
        before = self._application(record, plan, revision).get(section)
        changed = before != dict(values)
        if changed:
            record.sections = {
                **record.sections,
                revision: {**record.sections.get(revision, {}), section: dict(values)},
            }
            self.records.save(record)
        facts["changed"] = changed
        return Report(f"{section} {'written' if changed else 'as it was'}", facts)

    def apply_configuration(self, plan: Plan, revision: int) -> Report:
        """A new release where the pods were started with another configuration."""
        record = self.records.required(plan.deployment_id)
        if record.applied.get(revision) == digest_of(self._values(record, plan, revision)):
            return Report("in force already")
        self._release(record, plan, revision)
        self._roll_out(record, [])
        return Report("rolled out with it")

    # -- stages 5 and 6

    def access(self, plan: Plan, revision: int | None) -> Access:
        """A new revision has taken over by the time anybody asks: there is one way for both."""
        record = self.records.required(plan.deployment_id)
        front = self._fronts.get(record.id)
        if front is None:
            folder = Path(tempfile.mkdtemp(prefix="bp-front-"))
            names = dict.fromkeys((plan.network.hostname, plan.network.local_hostname))
            front = Front(self.site(record).kubectl, record.id, folder, list(names))
            self._fronts[record.id] = front
        front.open()
        return Access(
            url=f"https://{plan.network.hostname}",
            hostname=plan.network.hostname,
            address=ADDRESS,
            port=front.port,
            ca_certificate=front.ca_certificate,
        )

    def exposed_ports(self, plan: Plan) -> Sequence[tuple[str, int, str]]:
        """On this machine: the front's, while it is open. Services of the cluster are its own."""
        front = self._fronts.get(plan.deployment_id)
        return [(ADDRESS, front.port, "caddy")] if front is not None else []

    def run_app_command(
        self, plan: Plan, revision: int, arguments: Sequence[str]
    ) -> Mapping[str, object]:
        record = self.records.required(plan.deployment_id)
        return last_object(self.site(record).execute(GATEWAY, [*COMMAND, *arguments]))

    def publishing(self) -> Publishing:
        return Publishing()

    def publish(self, plan: Plan) -> Report:
        return Report("the cluster's own issuer obtains the certificate (cert-manager)")

    def unpublish(self, plan: Plan) -> None:
        """The certificate is an object of the namespace and goes with it."""

    def require_https(self, plan: Plan) -> Report:
        return Report("the app itself tells browsers to insist on HTTPS for a public name")

    def activate(self, plan: Plan, revision: int) -> Report:
        record = self.records.required(plan.deployment_id)
        if record.live != revision:
            record.previous, record.live, record.stopped = record.live, revision, False
            self.records.save(record)
        if record.applied.get(revision) != digest_of(self._values(record, plan, revision)):
            self._release(record, plan, revision)  # the public way, now that it is tested
            self._roll_out(record, [])
        return Report(f"namespace {record.id} serves revision {revision}")

    def deactivate(self, plan: Plan, revision: int) -> None:
        record = self.records.find(plan.deployment_id)
        if record is not None and record.live == revision:
            record.live, record.previous = record.previous, None
            self.records.save(record)

    # -- stage 7 and day 2

    def write_monitoring(self, plan: Plan, files: Mapping[str, str]) -> Report:
        folder = private_folder(self.records.folder(plan.deployment_id) / "monitoring")
        for name, text in files.items():
            write_atomic(folder / Path(name).name, text)
        return Report(f"{len(files)} file(s) in {folder}", {"folder": str(folder)})

    def log_lines(self, deployment: str, request_id: str) -> Sequence[str]:
        record = self.records.required(deployment)
        front = self._fronts.get(deployment)
        lines = life.app_log(self.site(record))
        if front is not None and front.access_log.exists():
            lines += front.access_log.read_text(errors="replace").splitlines()
        return [line for line in lines if request_id in line]

    def services(self, deployment: str) -> Sequence[ServiceState]:
        return life.services(self.site(self.records.required(deployment)))

    def start(self, deployment: str) -> Report:
        record = self.records.required(deployment)
        report = life.start(self.site(record), self._say)
        record.stopped = False
        self.records.save(record)
        return report

    def stop(self, deployment: str) -> Report:
        record = self.records.required(deployment)
        record.stopped = True
        self.records.save(record)
        self._close(deployment)
        return life.stop(self.site(record))

    def destroy(self, deployment: str, *, keep_backup: bool) -> Report:
        record = self.records.find(deployment)
        if record is None:
            return Report(f"{deployment} was not there")
        self._close(deployment)
        return life.destroy(
            life.Destruction(self.records, record, self.site(record), self.helm(record)),
            self._backups if keep_backup else None,
        )

    # -- inside

    def _release(self, record: Record, plan: Plan, revision: int) -> None:
        """One more Helm revision; a killed helm is healed first."""
        site, helm = self.site(record), self.helm(record)
        healed = helm.heal()
        if healed:
            self._say(healed)
        values = self._values(record, plan, revision)
        number = helm.upgrade(
            values, f"barberpro revision {revision}", site.watch(self._say), seconds=HOOK_SECONDS
        )
        record.helm = {**record.helm, revision: number}
        record.applied = {**record.applied, revision: digest_of(values)}
        self.records.save(record)

    def _roll_out(self, record: Record, names: Sequence[str]) -> None:
        """Waits for these Deployments, or for all of them."""
        wanted = named(*names) if names else whatever
        self.site(record).wait_for("deployments", wanted, seconds=ROLLOUT_SECONDS, say=self._say)
        front = self._fronts.get(record.id)
        if front is not None:
            front.forget_pod()

    def _installation(self, record: Record) -> Installation:
        given = dict(record.values)
        mail, public = given.pop("mail", None), given.pop("public", None)
        if record.live is None:
            public = None  # nothing leads the public to what was never tested
        return Installation(
            image=image_of(record.image),
            database_mode=record.database_mode,
            public=public if isinstance(public, dict) else {},
            mail=mail if isinstance(mail, dict) else {},
            extra=given,
        )

    def _values(
        self, record: Record, plan: Plan, revision: int, *, processes: bool = True
    ) -> Values:
        installation = self._installation(record)
        values = make_values(plan, revision, installation, processes=processes)
        sections = record.sections.get(revision, {})
        return laid_over(values, {"application": sections}) if sections else values

    def _application(self, record: Record, plan: Plan, revision: int) -> Mapping[str, object]:
        found = self._values(record, plan, revision)["application"]
        assert isinstance(found, dict)
        return found

    def _close(self, deployment: str) -> None:
        front = self._fronts.pop(deployment, None)
        if front is not None:
            front.close()
