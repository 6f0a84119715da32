"""A certificate for one name, proved by a TXT record (RFC 8555 §7.4 and §8.4)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from barberpro.adapters.acme.messages import (
    AcmeError,
    AcmePassingError,
    Messages,
    account_key,
    encoded,
    private_pem,
)
from barberpro.adapters.dns.records import DnsProvider, Seen, canonical, record_set

POLL_SECONDS, PATIENCE_SECONDS = 0.5, 120.0
TTL_SECONDS = 60
COMMON_NAME_LENGTH = 64  # X.520; a longer name stands in the alternative names alone
Look = Callable[[str, str, Sequence[str]], Seen]


@dataclass(frozen=True, slots=True)
class Authority:
    """``account`` is the file of the account's key; ``roots`` vouch for the directory, where no public
    authority does."""

    directory: str
    account: Path
    email: str = ""
    roots: Path | None = None


@dataclass(frozen=True, slots=True)
class Proving:
    """Where the proof is written, and how it is seen that the world knows it."""

    provider: DnsProvider
    look_up: Look
    resolvers: Sequence[str] = ()


def obtain(name: str, authority: Authority, proving: Proving) -> bytes:
    """The chain, the name's own certificate first, and its new key, as PEM.

    Raises ``AcmeError``, ``AcmePassingError``, and what the DNS provider raises.
    """
    messages = Messages(authority.directory, authority.roots, account_key(authority.account))
    try:
        messages.log_in(authority.email)
        wanted = {"identifiers": [{"type": "dns", "value": name}]}
        answer = messages.post(messages.place("newOrder"), wanted)
        place, order = answer.headers["location"], answer.json()
        for permission in order["authorizations"]:
            _prove(messages, permission, proving)
        key = ec.generate_private_key(ec.SECP256R1())
        messages.post(order["finalize"], {"csr": encoded(_request(name, key))})
        order = _settled(messages, place, ("valid",))
        chain = messages.post(order["certificate"], None).content
        return chain.rstrip() + b"\n" + private_pem(key)
    finally:
        messages.close()


def _prove(messages: Messages, place: str, proving: Proving) -> None:
    permission = messages.read(place)
    if permission["status"] == "valid":
        return
    asked = next((one for one in permission["challenges"] if one["type"] == "dns-01"), None)
    if asked is None:
        raise AcmeError("the certificate authority takes no proof in DNS", where=place)
    name = f"_acme-challenge.{permission['identifier']['value']}"
    with _written(name, messages.proof(asked["token"]), proving):
        messages.post(asked["url"], {})
        _settled(messages, place, ("valid",))


@contextmanager
def _written(name: str, proof: str, proving: Proving) -> Iterator[None]:
    """The proof beside what others have there, for as long as it is needed."""
    before = proving.provider.read(name, "TXT")
    others = before.values if before else ()
    proving.provider.write(record_set(name, "TXT", [*others, proof], TTL_SECONDS))
    try:
        _wait_seen(name, proof, proving)
        yield
    finally:
        if before:
            proving.provider.write(before)
        else:
            proving.provider.remove(name, "TXT")


def _wait_seen(name: str, proof: str, proving: Proving) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        seen = proving.look_up(name, "TXT", proving.resolvers)
        if proof in {canonical("TXT", value) for value in seen.values}:
            return
        if time.monotonic() > deadline:
            raise AcmePassingError(
                f"the proof for {name} is not known yet: {seen.problem or 'an older record is'}",
                where=name,
            )
        time.sleep(POLL_SECONDS)


def _settled(messages: Messages, place: str, wanted: tuple[str, ...]) -> Any:
    """An authorization or an order, once it is as wanted."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (found := messages.read(place))["status"] not in wanted:
        if found["status"] in ("invalid", "revoked", "deactivated", "expired"):
            raise AcmeError(f"the certificate authority refused: {_why(found)}", where=place)
        if time.monotonic() > deadline:
            raise AcmePassingError(
                f"the certificate authority is still at it: {found['status']}", where=place
            )
        time.sleep(POLL_SECONDS)
    return found


def _why(found: dict[str, Any]) -> str:
    errors = [found.get("error"), *(one.get("error") for one in found.get("challenges") or ())]
    return "; ".join(str(one.get("detail")) for one in errors if one) or str(found["status"])


def _request(name: str, key: ec.EllipticCurvePrivateKey) -> bytes:
    subject = (
        [x509.NameAttribute(NameOID.COMMON_NAME, name)] if len(name) <= COMMON_NAME_LENGTH else []
    )
    made = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(subject))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
