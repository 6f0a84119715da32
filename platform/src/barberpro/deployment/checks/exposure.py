"""What of a deployment can be reached, and by whom."""

from __future__ import annotations

import ipaddress
import re
import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import httpx
import psutil

from barberpro.planning.findings import Finding, Severity

WRITES = ("post", "put", "patch", "delete")
REFUSALS = frozenset({401, 403})
INTERNAL_PATHS = ("/metrics",)
OTHER_HOST = "another-business.localhost"


def check_ports(
    opened: Sequence[tuple[str, int, str]],
    planned: Collection[int],
    processes: Iterable[int],
    public: Collection[tuple[str, int]] = (),
) -> Iterator[Finding]:
    """Whatever listens is on loopback, at a planned port, or one of the ``public`` sockets that the
    operator opened: what the target says that it ``opened`` (address, port, what), and what
    ``processes`` with their children are seen to listen on."""
    seen = {*opened, *_listening(processes)}
    told: set[tuple[str, int]] = set()
    for address, port, owner in sorted(seen):
        if (address, port) in told:
            continue
        told.add((address, port))
        where = f"{address}:{port}"
        if (address, port) in public:
            continue
        if not _loopback(address):
            yield _exposed(f"{owner} listens on {where}, beyond loopback", where)
        elif port not in planned:
            yield _exposed(f"{owner} listens on {where}, which was not planned", where)


def _loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def _listening(processes: Iterable[int]) -> set[tuple[str, int, str]]:
    found: set[tuple[str, int, str]] = set()
    for pid in processes:
        try:
            process = psutil.Process(pid)
            family = [process, *process.children(recursive=True)]
        except psutil.Error:
            continue  # ended meanwhile: it listens no more
        for member in family:
            found |= _sockets(member)
    return found


def _sockets(process: psutil.Process) -> set[tuple[str, int, str]]:
    try:
        return {
            (connection.laddr.ip, connection.laddr.port, process.name())
            for connection in process.net_connections(kind="inet")
            if connection.status == psutil.CONN_LISTEN
        }
    except psutil.Error:
        return set()


def _exposed(what: str, where: str) -> Finding:
    return Finding(
        id=f"port-exposed-{re.sub(r'[^0-9a-z]+', '-', where.lower()).strip('-')}",
        severity=Severity.BLOCKING,
        what=what,
        where=where,
        why="the local target listens on loopback only (DESIGN §6)",
        mend="barberpro doctor",
        control="BP-NETWORK",
        evidence=where,
    )


def check_internal_paths(client: httpx.Client) -> Iterator[Finding]:
    """What is for the operator alone is not passed on to the public."""
    for path in INTERNAL_PATHS:
        response = client.get(path)
        if response.status_code < 400:
            yield Finding(
                id="internal-path-public",
                severity=Severity.BLOCKING,
                what=f"{path} is public",
                where=path,
                why="metrics tell about clients and load",
                mend="the router must answer it with 404",
                evidence=f"{response.status_code} {response.text[:80]!r}",
            )


def check_other_hosts(client: httpx.Client, brand: str) -> Iterator[Finding]:
    """A request for another name on this address must not be answered with this business."""
    response = client.get("/", headers={"Host": OTHER_HOST})
    location = response.headers.get("location", "")
    if (brand and brand in response.text) or OTHER_HOST in location:
        yield Finding(
            id="host-not-checked",
            severity=Severity.BLOCKING,
            what=f"a request for {OTHER_HOST} is answered with this deployment",
            where="Host header",
            why="OWASP ASVS 5.0 V13.1: links and cookies could be made for a foreign name",
            mend="the router must match the hostname",
            evidence=f"{response.status_code} {location}",
        )


def check_api_writes(client: httpx.Client, openapi: dict[str, Any]) -> Iterator[Finding]:
    """Every writing operation that declares a protection refuses a caller without a token; those
    that declare none are named, so that opening one is a decision that is seen."""
    asked, public = 0, []
    for path, method, operation in _operations(openapi):
        if not operation.get("security", openapi.get("security")):
            public.append(f"{method.upper()} {path}")
            continue
        asked += 1
        concrete = re.sub(r"\{[^}]+\}", str(uuid.uuid4()), path)
        response = client.request(method, concrete, json={})
        if response.status_code not in REFUSALS:
            yield Finding(
                id="api-write-unprotected",
                severity=Severity.BLOCKING,
                what=f"{method.upper()} {path} answers {response.status_code} without a token",
                where=path,
                why="manual, Security Checklist: API authentication via OAuth2/JWT",
                mend="deploy a release that asks for a token there",
                control="BP-OAUTH",
                evidence=response.text[:120],
            )
    if asked == 0:
        yield Finding(
            id="api-writes-undeclared",
            severity=Severity.WARNING,
            what="the API's description names no protected writing operation",
            where="/openapi.json",
            why="nothing could be tried",
            mend="deploy a release that describes its API",
        )
    else:
        yield Finding(
            id="api-writes-refused",
            severity=Severity.INFO,
            what=f"{asked} writing operations tried without a token",
            where="/openapi.json",
            why="manual, Security Checklist: API authentication via OAuth2/JWT",
            control="BP-OAUTH",
            evidence=f"open by declaration: {', '.join(public) or 'none'}",
        )


def _operations(openapi: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    paths = openapi.get("paths", {})
    for path in sorted(paths):
        for method in WRITES:
            operation = paths[path].get(method)
            if isinstance(operation, dict):
                yield path, method, operation
