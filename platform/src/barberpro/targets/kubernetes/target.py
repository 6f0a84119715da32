"""The Kubernetes target: each sub-step of a deployment carried out on a cluster, by Helm.

There is one release per deployment, in a namespace of its own. What the processes stand on is
installed first (stage 2, ``infrastructure``), then the processes with it (stage 3, ``revisions``);
every change after that is one more Helm revision, whose description names ours. A new revision takes
over as its pods become ready.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from barberpro.planning.findings import Finding
from barberpro.planning.model import Plan
from barberpro.targets.kubernetes import infrastructure, life, revisions
from barberpro.targets.kubernetes.front import ADDRESS, Front
from barberpro.targets.kubernetes.helm import RELEASE, Helm
from barberpro.targets.kubernetes.reading import last_object
from barberpro.targets.kubernetes.records import Record
from barberpro.targets.kubernetes.releases import Releases, Say, quiet
from barberpro.targets.kubernetes.site import Site
from barberpro.targets.local.files import private_folder, write_atomic
from barberpro.targets.protocol import Access, Publishing, Report, ServiceState

GATEWAY = "deployment/api-gateway"
GONE = "not there: somebody ran helm uninstall by hand; the same barberpro deploy brings it back"
COMMAND = ("python3", "-m", "barberpro_app")


class KubernetesTarget:
    """Implements ``barberpro.targets.protocol.Target``. ``say`` hears how waits stand."""

    def __init__(self, home: Path, chart: Path, backups: Path, say: Say = quiet) -> None:
        self.releases = Releases(home, chart, say)
        self.records = self.releases.records
        self._backups, self._say = backups, say
        self._fronts = self.releases.fronts

    def close(self) -> None:
        """This process is done with the target."""
        self.releases.close()

    def site(self, record: Record) -> Site:
        return self.releases.site(record)

    def helm(self, record: Record) -> Helm:
        return self.releases.helm(record)

    # -- stages 1 and 2

    def check_resources(self, plan: Plan) -> Sequence[Finding]:
        return infrastructure.check_resources(self.releases, plan)

    def check_hostname(self, plan: Plan) -> Sequence[Finding]:
        return infrastructure.check_hostname(self.releases, plan)

    def provision_resources(self, plan: Plan) -> Report:
        return infrastructure.provision_resources(self.releases, plan)

    def remove_resources(self, plan: Plan) -> None:
        infrastructure.remove_resources(self.releases, plan)

    def configure_network(self, plan: Plan) -> Report:
        return infrastructure.configure_network(self.releases, plan)

    def configure_isolation(self, plan: Plan) -> Report:
        return infrastructure.configure_isolation(self.releases, plan)

    def configure_load_balancer(self, plan: Plan, revision: int) -> Report:
        return infrastructure.configure_load_balancer(self.releases, plan, revision)

    def remove_route(self, plan: Plan, revision: int) -> None:
        """It goes with the release's revision."""

    # -- stages 3 and 4

    def start_base(self, plan: Plan, revision: int) -> Report:
        return revisions.start_base(self.releases, plan, revision)

    def start_specialized(self, plan: Plan, revision: int) -> Report:
        return revisions.start_specialized(self.releases, plan, revision)

    def configure_mesh(self, plan: Plan, revision: int) -> Report:
        return revisions.configure_mesh(self.releases, plan, revision)

    def initialise_database(self, plan: Plan, revision: int) -> Report:
        return revisions.initialise_database(self.releases, plan, revision)

    def stop_revision(self, plan: Plan, revision: int) -> None:
        revisions.stop_revision(self.releases, plan, revision)

    def write_configuration(
        self, plan: Plan, revision: int, section: str, values: Mapping[str, object]
    ) -> Report:
        return revisions.write_configuration(self.releases, plan, revision, section, values)

    def apply_configuration(self, plan: Plan, revision: int) -> Report:
        return revisions.apply_configuration(self.releases, plan, revision)

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
        return revisions.publish(self.releases, plan)

    def unpublish(self, plan: Plan) -> None:
        """The certificate is an object of the namespace and goes with it."""

    def require_https(self, plan: Plan) -> Report:
        """A browser takes it in only where the certificate holds (RFC 6797 §8.1): not before this."""
        return Report("browsers that come by HTTPS insist on it from now on")

    def activate(self, plan: Plan, revision: int) -> Report:
        return revisions.activate(self.releases, plan, revision)

    def deactivate(self, plan: Plan, revision: int) -> None:
        revisions.deactivate(self.releases, plan, revision)

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
        record = self.records.required(deployment)
        found = life.services(self.site(record), record.database_mode)
        if not found and record.live is not None:
            return [ServiceState(f"release {RELEASE}", "failed", GONE)]
        return found

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
        self.releases.close_front(deployment)
        return life.stop(self.site(record))

    def destroy(self, deployment: str, *, keep_backup: bool) -> Report:
        record = self.records.find(deployment)
        if record is None:
            return Report(f"{deployment} was not there")
        self.releases.close_front(deployment)
        return life.destroy(
            life.Destruction(self.records, record, self.site(record), self.helm(record)),
            self._backups if keep_backup else None,
        )
