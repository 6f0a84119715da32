"""What the local platform remembers: its ports, and one record per deployment with its revisions.

Records are small JSON files, written whole or not at all. They are the desired state; processes,
routes and databases are brought in line with them, which makes every operation safe to repeat.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from barberpro.errors import BarberProError
from barberpro.targets.local.files import write_atomic
from barberpro.targets.local.layout import Layout

T = TypeVar("T", bound="Stored")
LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"
NEWER = "this BarberPro is older than the one that wrote it: use the newer one (git pull)"


class Stored(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_assignment=True)


class Public(Stored):
    """How the world reaches this machine, and who vouches for its names. ``addresses`` are what the
    router binds for it; ``ipv4``, ``ipv6`` and ``name`` are what public records lead to."""

    addresses: list[str]
    https_port: int = 443
    http_port: int = 80  # where the certificate authority asks for its proof (RFC 8555 §8.3)
    ipv4: str = ""
    ipv6: str = ""
    name: str = ""
    acme_directory: str = LETS_ENCRYPT
    acme_email: str = ""
    acme_roots: str = ""  # PEM file: who vouches for the directory, where no public authority does
    trusted_roots: str = ""  # PEM file: who vouches for the certificates, where no public one does
    challenge: Literal["http-01", "dns-01"] = "http-01"  # where the authority looks for its proof
    renew_check_seconds: int = 600  # how often certificates are looked at
    certificate_authority: str = "letsencrypt.org"  # for CAA records (RFC 8659); empty: none made
    dns: str = "manual"
    dns_credentials: str = ""  # a file that only this user can read
    cdn: str = "none"  # the network that answers in this machine's place, with the same credentials
    resolvers: list[str] = []  # asked in place of the machine's own


class PlatformState(Stored):
    """``https_port`` stands once a deployment was given its URL; ``addresses`` are what Caddy binds."""

    schema_version: Literal[1] = 1
    https_port: int = 0
    smtp_port: int = 0
    addresses: list[str] = []
    public: Public | None = None

    @property
    def https_sockets(self) -> list[tuple[str, int]]:
        """Address and port of every socket that the router serves HTTPS on, loopback first."""
        public = self.public
        outside = [(a, public.https_port) for a in public.addresses] if public else []
        return [(address, self.https_port) for address in self.addresses] + outside

    def url_of(self, hostname: str) -> str:
        """Where clients reach ``hostname``: a public name by the public port."""
        public = self.public if not hostname.endswith(".localhost") else None
        port = public.https_port if public is not None else self.https_port
        return f"https://{hostname}" if port == 443 else f"https://{hostname}:{port}"

    @property
    def http_sockets(self) -> list[tuple[str, int]]:
        """Where plain HTTP is answered, by a redirect and by the proof for a certificate alone."""
        public = self.public
        return [(a, public.http_port) for a in public.addresses] if public else []


class Revision(Stored):
    """One revision's processes. ``running`` is desired, not observed."""

    release: str  # content hash: a folder in ``releases``
    python: str  # the interpreter of the environment that it was started with
    hostnames: list[str]
    web_processes: int = 1
    applied: str = ""  # hash of the configuration that the processes were started with
    running: bool = False


class Deployment(Stored):
    schema_version: Literal[1] = 1
    id: str
    database: str
    owner_role: str
    app_role: str
    preview_token: str
    preview: int | None = None  # the revision that the preview token leads to
    live: int | None = None
    previous: int | None = None
    stopped: bool = False
    destroying: bool = False
    certified: list[str] = []  # names whose certificate a public authority issues
    strict: list[str] = []  # names that browsers may only reach by HTTPS from now on
    backup: str | None = None  # the final backup, once it is made
    revisions: dict[int, Revision] = {}

    @property
    def local_hostname(self) -> str:
        return f"{self.id}.localhost"

    @property
    def hostnames(self) -> list[str]:
        """The names of the live revision and of those on their way."""
        names = {self.local_hostname: None}
        for number, revision in sorted(self.revisions.items()):
            if number in (self.live, self.preview):
                names.update(dict.fromkeys(revision.hostnames))
        return list(names)

    def wanted(self) -> Iterator[tuple[int, Revision]]:
        """The revisions whose processes should run."""
        if not self.stopped:
            yield from ((n, r) for n, r in sorted(self.revisions.items()) if r.running)


class Store:
    """Reads and writes the records below one home."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def platform(self) -> PlatformState:
        path = self._layout.home / "state.json"
        if not path.exists():
            return PlatformState()
        return _read(path, PlatformState)

    def save_platform(self, state: PlatformState) -> None:
        write_atomic(self._layout.home / "state.json", state.model_dump_json(indent=1))

    def deployment(self, identifier: str) -> Deployment | None:
        path = self._layout.deployment(identifier) / "record.json"
        return _read(path, Deployment) if path.exists() else None

    def required(self, identifier: str) -> Deployment:
        record = self.deployment(identifier)
        if record is None:
            raise BarberProError(
                f"There is no deployment {identifier!r} on this machine.",
                where=str(self._layout.deployment(identifier)),
                mend="barberpro list shows those that there are",
            )
        return record

    def save(self, record: Deployment) -> None:
        path = self._layout.deployment(record.id) / "record.json"
        write_atomic(path, record.model_dump_json(indent=1))

    def deployments(self) -> list[Deployment]:
        folder = self._layout.home / "deployments"
        paths = sorted(folder.glob("*/record.json")) if folder.is_dir() else []
        return [_read(path, Deployment) for path in paths]


def _read(path: Path, kind: type[T]) -> T:
    try:
        return kind.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BarberProError(
            f"A record of the local platform cannot be read: {where}: {first['msg']}",
            where=str(path),
            mend=NEWER,
        ) from error
