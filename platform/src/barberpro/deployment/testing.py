"""A target that carries nothing out: it remembers what it was asked and answers as it was told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from barberpro.planning.findings import Finding
from barberpro.planning.model import Plan
from barberpro.targets.protocol import Access, Publishing, Report, ServiceState


@dataclass
class RecordingTarget:
    """Implements ``targets.protocol.Target`` in memory. ``calls`` holds each call's method and
    arguments without the plan; ``answers`` replaces the report of a method, ``faults`` makes it
    raise; ``reach`` is the access that it gives out."""

    calls: list[tuple[str, tuple[object, ...]]] = field(default_factory=list)
    answers: dict[str, Report] = field(default_factory=dict)
    faults: dict[str, Exception] = field(default_factory=dict)
    findings: dict[str, Sequence[Finding]] = field(default_factory=dict)
    reach: Access | None = None
    files: dict[str, str] = field(default_factory=dict)
    configuration: dict[str, Mapping[str, object]] = field(default_factory=dict)
    logs: list[str] = field(default_factory=list)
    ports: list[tuple[str, int, str]] = field(default_factory=list)
    state: list[ServiceState] = field(default_factory=list)
    public: Publishing = field(default_factory=Publishing)
    app_answers: dict[str, Mapping[str, object]] = field(default_factory=dict)

    def names(self) -> list[str]:
        """The methods called, in order."""
        return [name for name, _arguments in self.calls]

    def _did(self, name: str, *arguments: object) -> Report:
        self.calls.append((name, arguments))
        if name in self.faults:
            raise self.faults[name]
        return self.answers.get(name, Report(f"{name} done"))

    def check_resources(self, plan: Plan) -> Sequence[Finding]:
        self._did("check_resources")
        return self.findings.get("check_resources", ())

    def check_hostname(self, plan: Plan) -> Sequence[Finding]:
        self._did("check_hostname")
        return self.findings.get("check_hostname", ())

    def provision_resources(self, plan: Plan) -> Report:
        return self._did("provision_resources")

    def remove_resources(self, plan: Plan) -> None:
        self._did("remove_resources")

    def configure_network(self, plan: Plan) -> Report:
        return self._did("configure_network")

    def configure_isolation(self, plan: Plan) -> Report:
        return self._did("configure_isolation")

    def configure_load_balancer(self, plan: Plan, revision: int) -> Report:
        return self._did("configure_load_balancer", revision)

    def remove_route(self, plan: Plan, revision: int) -> None:
        self._did("remove_route", revision)

    def start_base(self, plan: Plan, revision: int) -> Report:
        return self._did("start_base", revision)

    def start_specialized(self, plan: Plan, revision: int) -> Report:
        return self._did("start_specialized", revision)

    def configure_mesh(self, plan: Plan, revision: int) -> Report:
        return self._did("configure_mesh", revision)

    def initialise_database(self, plan: Plan, revision: int) -> Report:
        return self._did("initialise_database", revision)

    def stop_revision(self, plan: Plan, revision: int) -> None:
        self._did("stop_revision", revision)

    def write_configuration(
        self, plan: Plan, revision: int, section: str, values: Mapping[str, object]
    ) -> Report:
        self.configuration[section] = dict(values)
        return self._did("write_configuration", revision, section)

    def apply_configuration(self, plan: Plan, revision: int) -> Report:
        return self._did("apply_configuration", revision)

    def access(self, plan: Plan, revision: int | None) -> Access:
        if self.reach is not None:
            return self.reach
        name = plan.network.local_hostname
        return Access(f"https://{name}:8443", name, "127.0.0.1", 8443, Path("ca.crt"))

    def exposed_ports(self, plan: Plan) -> Sequence[tuple[str, int, str]]:
        return self.ports

    def run_app_command(
        self, plan: Plan, revision: int, arguments: Sequence[str]
    ) -> Mapping[str, object]:
        self._did("run_app_command", *arguments)
        return self.app_answers.get(" ".join(arguments[:2]), {})

    def publishing(self) -> Publishing:
        return self.public

    def publish(self, plan: Plan) -> Report:
        return self._did("publish")

    def unpublish(self, plan: Plan) -> None:
        self._did("unpublish")

    def require_https(self, plan: Plan) -> Report:
        return self._did("require_https")

    def activate(self, plan: Plan, revision: int) -> Report:
        return self._did("activate", revision)

    def deactivate(self, plan: Plan, revision: int) -> None:
        self._did("deactivate", revision)

    def write_monitoring(self, plan: Plan, files: Mapping[str, str]) -> Report:
        self.files.update(files)
        return self._did("write_monitoring", *files)

    def log_lines(self, deployment: str, request_id: str) -> Sequence[str]:
        return [line for line in self.logs if request_id in line]

    def services(self, deployment: str) -> Sequence[ServiceState]:
        return self.state

    def start(self, deployment: str) -> Report:
        return self._did("start", deployment)

    def stop(self, deployment: str) -> Report:
        return self._did("stop", deployment)

    def destroy(self, deployment: str, *, keep_backup: bool) -> Report:
        return self._did("destroy", deployment, keep_backup)
