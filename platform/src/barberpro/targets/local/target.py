"""The local target: each sub-step of a deployment carried out on this machine.

Desired state goes into the deployment's record first, then processes, routes and databases follow
it; that order makes a repetition after a kill end where an undisturbed run would have ended.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from barberpro.errors import BarberProError
from barberpro.planning.findings import Finding
from barberpro.planning.model import Plan
from barberpro.targets.local import infrastructure, lifecycle, publishing, revisions
from barberpro.targets.local.basis import Basis
from barberpro.targets.local.files import private_folder, told_to_operator, write_atomic
from barberpro.targets.local.platform import LocalPlatform
from barberpro.targets.local.router import PREVIEW_HEADER
from barberpro.targets.protocol import (
    Access,
    Publishing,
    Report,
    ServiceState,
)

FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}")


class LocalTarget:
    """Implements ``barberpro.targets.protocol.Target``. ``app`` is the folder of the app's package,
    by default the one that this installation contains."""

    def __init__(self, platform: LocalPlatform, app: Path | None = None) -> None:
        self.platform = platform
        self._basis = Basis(platform, app)

    def close(self) -> None:
        """This process is done with the target."""
        self._basis.consoles.close()

    # -- stage 1

    def check_resources(self, plan: Plan) -> Sequence[Finding]:
        return infrastructure.check_resources(self._basis, plan)

    def check_hostname(self, plan: Plan) -> Sequence[Finding]:
        return infrastructure.check_hostname(self._basis, plan)

    # -- stage 2

    def provision_resources(self, plan: Plan) -> Report:
        return infrastructure.provision_resources(self._basis, plan)

    def remove_resources(self, plan: Plan) -> None:
        infrastructure.remove_resources(self._basis, plan)

    def configure_network(self, plan: Plan) -> Report:
        return infrastructure.configure_network(self._basis, plan)

    def configure_isolation(self, plan: Plan) -> Report:
        return infrastructure.configure_isolation(self._basis, plan)

    def configure_load_balancer(self, plan: Plan, revision: int) -> Report:
        return infrastructure.configure_load_balancer(self._basis, plan, revision)

    def remove_route(self, plan: Plan, revision: int) -> None:
        infrastructure.remove_route(self._basis, plan, revision)

    # -- stage 3

    def start_base(self, plan: Plan, revision: int) -> Report:
        return revisions.start_base(self._basis, plan, revision)

    def start_specialized(self, plan: Plan, revision: int) -> Report:
        return revisions.start_specialized(self._basis, plan, revision)

    def configure_mesh(self, plan: Plan, revision: int) -> Report:
        return revisions.configure_mesh(self._basis, plan, revision)

    def initialise_database(self, plan: Plan, revision: int) -> Report:
        return revisions.initialise_database(self._basis, plan, revision)

    def stop_revision(self, plan: Plan, revision: int) -> None:
        revisions.stop_revision(self._basis, plan, revision)

    # -- stage 4

    def write_configuration(
        self, plan: Plan, revision: int, section: str, values: Mapping[str, object]
    ) -> Report:
        return revisions.write_configuration(self._basis, plan, revision, section, values)

    def apply_configuration(self, plan: Plan, revision: int) -> Report:
        return revisions.apply_configuration(self._basis, plan, revision)

    # -- stages 5 and 6

    def access(self, plan: Plan, revision: int | None) -> Access:
        """``revision`` None means whatever is live, as the public sees it."""
        record = self._basis.store.required(plan.deployment_id)
        state = self._basis.store.platform()
        headers = {}
        if revision is not None:
            headers = {PREVIEW_HEADER: self._basis.revision(plan, revision)[0].preview_token}
        hostname = plan.network.hostname if record.revisions else record.local_hostname
        edge = publishing.edge_of(self.platform, record, hostname)
        return Access(
            url=state.url_of(plan.network.hostname), hostname=hostname,
            address=edge.address, port=edge.port,
            ca_certificate=edge.ca_certificate, preview_headers=headers,
        )  # fmt: skip

    def exposed_ports(self, plan: Plan) -> Sequence[tuple[str, int, str]]:
        """Every TCP port that a process of this platform listens on: address, port, process."""
        return lifecycle.listeners(self.platform)

    def run_app_command(
        self, plan: Plan, revision: int, arguments: Sequence[str]
    ) -> Mapping[str, object]:
        record, _ = self._basis.revision(plan, revision)
        with told_to_operator("Running the app's command"):
            return self._basis.consoles.open(record, revision).run(arguments)

    def publishing(self) -> Publishing:
        return publishing.facts_of(self._basis.layout, self._basis.store.platform())

    def publish(self, plan: Plan) -> Report:
        if plan.network.certificate_issuer != "acme":
            return Report("no public name: the local CA vouches", not_applicable=True)
        return publishing.publish(self.platform, plan.deployment_id, plan.network.hostname)

    def unpublish(self, plan: Plan) -> None:
        publishing.unpublish(self.platform, plan.deployment_id, plan.network.hostname)

    def require_https(self, plan: Plan) -> Report:
        return publishing.require_https(self.platform, plan.deployment_id, plan.network.hostname)

    def activate(self, plan: Plan, revision: int) -> Report:
        return revisions.activate(self._basis, plan, revision)

    def deactivate(self, plan: Plan, revision: int) -> None:
        revisions.deactivate(self._basis, plan, revision)

    # -- stage 7 and day 2

    def write_monitoring(self, plan: Plan, files: Mapping[str, str]) -> Report:
        folder = private_folder(self._basis.layout.deployment(plan.deployment_id) / "monitoring")
        for name, text in files.items():
            if not FILE_NAME.fullmatch(name):
                raise BarberProError(f"Not a file name: {name!r}", where=str(folder))
            write_atomic(folder / name, text)
        return Report(f"{len(files)} file(s) in {folder}", {"folder": str(folder)})

    def log_lines(self, deployment: str, request_id: str) -> Sequence[str]:
        return lifecycle.log_lines(
            self.platform, self._basis.store.required(deployment), request_id
        )

    def services(self, deployment: str) -> Sequence[ServiceState]:
        return lifecycle.services(self.platform, self._basis.store.required(deployment))

    def start(self, deployment: str) -> Report:
        return lifecycle.start(self.platform, self._basis.store.required(deployment))

    def stop(self, deployment: str) -> Report:
        return lifecycle.stop(self.platform, self._basis.store.required(deployment))

    def destroy(self, deployment: str, *, keep_backup: bool) -> Report:
        record = self._basis.store.deployment(deployment)
        if record is None:
            return Report(f"{deployment} was not there")
        self._basis.consoles.close(deployment)
        return lifecycle.destroy(self.platform, record, keep_backup=keep_backup)
