"""Names that the world reaches: the router's outer sockets, and certificates by ACME.

A name is moved to a public certificate first, and only once it was seen to serve from outside may
browsers be told to insist on HTTPS. Each of these steps can be repeated, and taken back.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import certifi

from barberpro.errors import BarberProError
from barberpro.targets.local import ports
from barberpro.targets.local.edge import Edge
from barberpro.targets.local.layout import Layout
from barberpro.targets.local.platform import LocalPlatform
from barberpro.targets.local.state import Deployment, PlatformState, Public
from barberpro.targets.protocol import ProofInDns, Publishing, Report

POLL_SECONDS = 0.1
CERTIFICATE_SECONDS = 120.0  # a public authority answers within seconds; it may have a queue
WILDCARD = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where to connect, not to listen


def is_public(record: Deployment, hostname: str) -> bool:
    """Whether ``hostname`` is served with a certificate of a public authority."""
    return hostname in record.certified


def edge_of(platform: LocalPlatform, record: Deployment, hostname: str) -> Edge:
    """The way to ``hostname`` from this machine, and whom to trust for it."""
    state = platform.store.platform()
    if state.public is None or hostname.endswith(".localhost"):
        return platform.edge()
    first = state.public.addresses[0]
    return Edge(
        WILDCARD.get(first, first), state.public.https_port, roots_of(platform, record, hostname)
    )


def roots_of(platform: LocalPlatform, record: Deployment, hostname: str) -> Path:
    """Until a name has its public certificate, the local CA vouches for it."""
    public = platform.store.platform().public
    if public is None or not is_public(record, hostname):
        return platform.ca_certificate
    return Path(public.trusted_roots or certifi.where())


def check_ports(state: PlatformState, wanted: Public) -> None:
    """Raises ``BarberProError`` where the router could not listen as ``wanted``."""
    held = set(state.https_sockets) | set(state.http_sockets)
    for port in (wanted.http_port, wanted.https_port):
        if port in {state.https_port, state.smtp_port}:
            raise BarberProError(
                f"Port {port} is the one for this machine alone.", where=f"port {port}",
                mend="give another one with --http-port or --https-port",
            )  # fmt: skip
        free = [a for a in wanted.addresses if (a, port) not in held]
        if not ports.is_free(port, free):
            raise BarberProError(
                f"The router cannot listen on port {port}: it is taken by {ports.holder(port)}, "
                "or this user may not have it.",
                where=", ".join(f"{address}:{port}" for address in free),
                mend="end that program; for ports below 1024 without root: sysctl "
                "net.ipv4.ip_unprivileged_port_start=80; or forward 80 and 443 to two free ports and "
                "give those",
            )  # fmt: skip


def facts_of(layout: Layout, state: PlatformState) -> Publishing:
    public = state.public
    if public is None:
        return Publishing()
    proof = None
    if public.challenge == "dns-01":
        proof = ProofInDns(
            public.acme_directory,
            layout.home / "certificates",
            layout.secrets / "acme-account",
            public.acme_email,
            Path(public.acme_roots) if public.acme_roots else None,
        )
    return Publishing(
        dns=public.dns,
        cdn=public.cdn,
        credentials=Path(public.dns_credentials) if public.dns_credentials else None,
        resolvers=tuple(public.resolvers),
        sockets=(*((a, public.https_port) for a in public.addresses), *state.http_sockets),
        http_port=public.http_port,
        certificate_authority=public.certificate_authority,
        proof=proof,
        trusted_roots=Path(public.trusted_roots) if public.trusted_roots else None,
    )


def set_public(platform: LocalPlatform, wanted: Public | None) -> None:
    """Opens the outer sockets, or closes them and gives every name back to the local CA."""
    platform.layout.prepare_home()
    with platform.locked():
        state = platform.store.platform()
        if wanted is not None:
            check_ports(state, wanted)
        else:
            for record in platform.store.deployments():
                record.certified, record.strict = [], []
                platform.store.save(record)
        state.public = wanted
        platform.store.save_platform(state)
        if platform.is_running():
            platform.restart_router()
            platform.sync_programs()


def publish(platform: LocalPlatform, deployment: str, hostname: str) -> Report:
    """A public certificate for ``hostname``, waited for until it is served, or until the authority
    says why not: the router would ask again and again, which uses up what it may ask (its limits
    are counted in failures per hour), while whoever deploys can mend it now."""
    log = platform.layout.logs / "router.log"
    before = log.stat().st_size if log.exists() else 0
    with platform.locked():
        record = platform.store.required(deployment)
        if hostname not in record.certified:
            record.certified = [*record.certified, hostname]
            platform.store.save(record)
        platform.sync_routes()
    edge = edge_of(platform, record, hostname)
    deadline = time.monotonic() + CERTIFICATE_SECONDS
    while (problem := _handshake(edge, hostname)) is not None:
        refused = last_problem(log, before)
        if refused or time.monotonic() > deadline:
            raise BarberProError(
                f"No public certificate for {hostname}: {refused or problem}",
                where=str(log),
                mend="ports 80 and 443 of the public address must reach this machine, and the name "
                "must lead to that address; then run the same command again",
            )
        time.sleep(POLL_SECONDS)
    return Report(f"{hostname} has a certificate of a public authority", {"hostname": hostname})


def _handshake(edge: Edge, hostname: str) -> OSError | None:
    """None where ``hostname`` is served with a certificate that holds, else why not."""
    try:
        edge.shake_hands(hostname)
    except OSError as error:  # ssl.SSLError is one
        return error
    return None


def unpublish(platform: LocalPlatform, deployment: str, hostname: str) -> None:
    with platform.locked():
        record = platform.store.deployment(deployment)
        if record is None:
            return
        record.certified = [name for name in record.certified if name != hostname]
        record.strict = [name for name in record.strict if name != hostname]
        platform.store.save(record)
        if platform.is_running():
            platform.sync_routes()


def require_https(platform: LocalPlatform, deployment: str, hostname: str) -> Report:
    """From now on browsers that were here insist on HTTPS for a year (RFC 6797)."""
    with platform.locked():
        record = platform.store.required(deployment)
        if hostname not in record.strict:
            record.strict = [*record.strict, hostname]
            platform.store.save(record)
            platform.sync_routes()
    return Report(f"browsers insist on HTTPS for {hostname} from now on")


def last_problem(log: Path, start: int) -> str:
    """What the certificate authority said last, from the router's log after byte ``start``."""
    try:
        with log.open("rb") as stream:
            stream.seek(start)
            lines = stream.read(1_000_000).decode(errors="replace").splitlines()
    except OSError:
        return ""
    for line in reversed(lines):
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and str(entry.get("logger", "")).startswith("tls.obtain"):
            return str(entry.get("error") or entry.get("msg"))
    return ""
