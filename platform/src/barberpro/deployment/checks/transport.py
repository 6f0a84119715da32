"""What the deployment's TLS does: which versions it takes, and whose certificate it shows."""

from __future__ import annotations

import contextlib
import socket
import ssl
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from barberpro.deployment.checks.client import UnreachableError, trust
from barberpro.planning.findings import Finding, Severity
from barberpro.targets.protocol import Access

HANDSHAKE_SECONDS = 5.0
RENEWAL = 0.05  # a certificate with less than this share of its life left was not renewed in time


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a verified handshake showed. Times are UTC."""

    names: tuple[str, ...]
    issuer: str
    not_before: datetime
    not_after: datetime
    protocol: str
    cipher: str

    def evidence(self) -> str:
        until = self.not_after.isoformat(timespec="minutes")
        return f"{self.protocol} {self.cipher}, issued by {self.issuer}, valid until {until}"


@contextlib.contextmanager
def handshake(access: Access, context: ssl.SSLContext) -> Iterator[ssl.SSLSocket]:
    with (
        socket.create_connection((access.address, access.port), HANDSHAKE_SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=access.hostname) as secured,
    ):
        yield secured


def served_certificate(access: Access) -> Certificate:
    """The certificate served for the hostname, verified: chain, name, dates.
    Raises ``ssl.SSLCertVerificationError`` if it does not hold."""
    with handshake(access, trust(access)) as secured:
        shown = secured.getpeercert() or {}
        cipher = secured.cipher()
        protocol = secured.version() or ""
    names = tuple(str(entry[1]) for entry in _entries(shown.get("subjectAltName")))
    issuer = next(
        (
            str(pair[1])
            for part in _entries(shown.get("issuer"))
            for pair in part
            if pair[0] == "commonName"
        ),
        "",
    )
    return Certificate(
        names,
        issuer,
        _instant(str(shown["notBefore"])),
        _instant(str(shown["notAfter"])),
        protocol,
        cipher[0] if cipher else "",
    )


def _entries(value: object) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else ()


def _instant(text: str) -> datetime:
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC)


def check_certificate(access: Access, now: datetime) -> Iterator[Finding]:
    """Chain to the target's CA, name and dates of what is served."""
    where = f"{access.hostname} at {access.address}:{access.port}"
    try:
        certificate = served_certificate(access)
    except ssl.SSLCertVerificationError as error:
        yield _finding("certificate-not-trusted", error.verify_message, where, str(error))
        return
    except (ssl.SSLError, OSError) as error:
        yield _finding("tls-handshake-failed", "no TLS 1.3 handshake", where, str(error))
        return
    left = (certificate.not_after - now) / (certificate.not_after - certificate.not_before)
    if left < RENEWAL:
        yield _finding(
            "certificate-expiring",
            f"the certificate ends {certificate.not_after.isoformat()} and was not renewed",
            where,
            certificate.evidence(),
        )
    else:
        yield Finding(
            id="certificate-verified",
            severity=Severity.INFO,
            what=f"certificate for {', '.join(certificate.names)}",
            where=where,
            evidence=certificate.evidence(),
        )


def check_old_versions(access: Access) -> Iterator[Finding]:
    """A client that speaks TLS 1.2 at most must be turned away in the handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # whatever is shown: the version is what is asked
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ALL:@SECLEVEL=0")
    where = f"{access.address}:{access.port}"
    try:
        with handshake(access, context) as secured:
            spoken = secured.version()
    except ssl.SSLError as error:
        yield Finding(
            id="tls-1.3-only",
            severity=Severity.INFO,
            what="a client with TLS 1.2 or older is turned away",
            where=where,
            why="manual, Security Checklist: TLS 1.3",
            control="BP-TLS",
            evidence=error.reason or str(error),
        )
    except ConnectionError as error:
        yield Finding(
            id="tls-1.3-only",
            severity=Severity.INFO,
            what="a client with TLS 1.2 or older is turned away",
            where=where,
            why="manual, Security Checklist: TLS 1.3",
            control="BP-TLS",
            evidence=type(error).__name__,
        )
    except OSError as error:
        raise UnreachableError(f"no TLS handshake: {error}", where=where) from error
    else:
        yield _finding("tls-old-version", f"{spoken} is accepted", where, f"negotiated {spoken}")


def check_plain_http(access: Access) -> Iterator[Finding]:
    """The TLS port must not serve a page to whoever speaks plain HTTP to it."""
    where = f"http://{access.address}:{access.port}"
    request = f"GET / HTTP/1.1\r\nHost: {access.hostname}\r\nConnection: close\r\n\r\n"
    try:
        with socket.create_connection((access.address, access.port), HANDSHAKE_SECONDS) as plain:
            plain.sendall(request.encode())
            answer = plain.recv(200)
    except OSError as error:
        answer = type(error).__name__.encode()
    first = answer.split(b"\r\n", 1)[0].decode(errors="replace")
    if first.startswith("HTTP/") and first.split(" ")[1:2] == ["200"]:
        yield _finding("plain-http-served", "pages are served without TLS", where, first)


def _finding(id_: str, what: str, where: str, evidence: str) -> Finding:
    return Finding(
        id=id_,
        severity=Severity.BLOCKING,
        what=what,
        where=where,
        why="manual, Security Checklist: all communications encrypted with TLS 1.3",
        mend="barberpro doctor; the router's own log is logs/router.log in the home folder",
        control="BP-TLS",
        evidence=evidence,
    )
