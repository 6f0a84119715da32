"""What a target must do so that a plan can be carried out on it.

Each method answers one of the manual's sub-steps, compares desired with actual and is safe to
repeat after a kill; the methods named ``remove_*`` undo. A target raises ``BarberProError`` for a
permanent fault and ``PassingFaultError`` for one worth another try; the stages turn both into outcomes.
What a later step needs of an earlier one is returned as plain data and handed in again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from barberpro.errors import BarberProError
from barberpro.planning.findings import Finding
from barberpro.planning.model import Plan


class PassingFaultError(BarberProError):
    """Not ready yet; another try may succeed."""

    def __init__(self, what: str = "", *, seconds: float = 0.5, where: str = "") -> None:
        super().__init__(what, where=where)
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Report:
    """What a target did, in one line, with facts for later steps (plain JSON values).
    ``not_applicable`` is the reason why this sub-step has nothing to do on this target."""

    detail: str
    facts: Mapping[str, object] = field(default_factory=dict)
    not_applicable: bool = False


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach a deployment from this machine. ``address`` and ``port`` are where to connect,
    ``hostname`` is the name to ask for, ``preview_headers`` reach a revision that is not live yet."""

    url: str
    hostname: str
    address: str
    port: int
    ca_certificate: Path
    preview_headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProofInDns:
    """Certificates are obtained from ``directory`` (ACME, DNS-01) and put into ``folder``, one folder
    for each name; the target serves the newest there. ``account`` is the file of the account's key."""

    directory: str
    folder: Path
    account: Path
    email: str = ""
    roots: Path | None = None


@dataclass(frozen=True, slots=True)
class Publishing:
    """How public names are kept on this target. ``dns`` is the name of a provider (``adapters.dns``)
    with its file of ``credentials``, or ``manual``; ``cdn`` is a
    network that stands before it, or ``none``; ``resolvers`` are asked in place of the
    machine's own; ``sockets`` are those that the world may reach; ``http_port`` is where plain HTTP
    is answered by a redirect (0: nowhere); ``certificate_authority`` is its name in CAA records, and
    ``trusted_roots`` vouches for it in place of those that all trust. ``proof`` is there where the
    authority is to look into DNS; without it the target sees to the certificate itself."""

    dns: str = "manual"
    cdn: str = "none"
    credentials: Path | None = None
    resolvers: tuple[str, ...] = ()
    sockets: tuple[tuple[str, int], ...] = ()
    http_port: int = 0
    certificate_authority: str = ""
    trusted_roots: Path | None = None
    proof: ProofInDns | None = None


@dataclass(frozen=True, slots=True)
class ServiceState:
    name: str
    state: str  # running, starting, stopped, failed, missing
    detail: str = ""
    pid: int | None = None
    memory_bytes: int | None = None


class Target(Protocol):
    """The 28 sub-steps that touch the target; the rest are the stages' own work."""

    # Stage 1
    def check_resources(self, plan: Plan) -> Sequence[Finding]: ...
    def check_hostname(self, plan: Plan) -> Sequence[Finding]: ...

    # Stage 2
    # facts: ``secrets``, the folder of the deployment's secrets, where this program can read it
    def provision_resources(self, plan: Plan) -> Report: ...
    def remove_resources(self, plan: Plan) -> None: ...
    def configure_network(self, plan: Plan) -> Report: ...
    def configure_isolation(self, plan: Plan) -> Report: ...
    def configure_load_balancer(self, plan: Plan, revision: int) -> Report: ...
    def remove_route(self, plan: Plan, revision: int) -> None: ...

    # Stage 3
    def start_base(self, plan: Plan, revision: int) -> Report: ...
    def start_specialized(self, plan: Plan, revision: int) -> Report: ...
    def configure_mesh(self, plan: Plan, revision: int) -> Report: ...
    def initialise_database(self, plan: Plan, revision: int) -> Report: ...
    def stop_revision(self, plan: Plan, revision: int) -> None: ...

    # Stage 4
    # ``section`` is a key of app.json. For ``mail`` the target adds its own server; facts: ``host``,
    # ``port``, and ``mailbox``, a Maildir where a message can be seen to arrive
    def write_configuration(
        self, plan: Plan, revision: int, section: str, values: Mapping[str, object]
    ) -> Report:
        """Sets the key ``section`` of the revision's ``app.json`` to ``values``; what only the target
        knows is added. The facts of ``mail`` are ``host``, ``port`` and, where the messages can be read
        from here, ``mailbox``, a Maildir."""
        ...

    def apply_configuration(self, plan: Plan, revision: int) -> Report: ...

    # Stages 5 and 6
    def access(self, plan: Plan, revision: int | None) -> Access: ...
    # every TCP port that is listened on: address, port, program
    def exposed_ports(self, plan: Plan) -> Sequence[tuple[str, int, str]]: ...
    def run_app_command(
        self, plan: Plan, revision: int, arguments: Sequence[str]
    ) -> Mapping[str, object]: ...
    def publishing(self) -> Publishing: ...
    def publish(self, plan: Plan) -> Report:
        """A certificate of a public authority for ``plan.network.domain``, served when this returns."""
        ...

    def unpublish(self, plan: Plan) -> None: ...
    def require_https(self, plan: Plan) -> Report:
        """Browsers are told to insist on HTTPS for the public name (RFC 6797)."""
        ...

    def activate(self, plan: Plan, revision: int) -> Report: ...
    def deactivate(self, plan: Plan, revision: int) -> None: ...

    # Stage 7 and day 2
    def write_monitoring(self, plan: Plan, files: Mapping[str, str]) -> Report: ...
    # JSON lines of router (``logger`` begins with http.log.access) and app that hold the id
    def log_lines(self, deployment: str, request_id: str) -> Sequence[str]: ...
    def services(self, deployment: str) -> Sequence[ServiceState]: ...
    def start(self, deployment: str) -> Report: ...
    def stop(self, deployment: str) -> Report: ...
    def destroy(self, deployment: str, *, keep_backup: bool) -> Report: ...
