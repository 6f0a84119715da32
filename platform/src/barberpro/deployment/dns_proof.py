"""The certificate of a name that is proved in DNS: obtained when there is none, and again in time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from barberpro.adapters.acme.orders import Authority, Proving, obtain
from barberpro.adapters.dns.providers import look_up
from barberpro.adapters.dns.records import DnsProvider
from barberpro.deployment.public_name import provider_of
from barberpro.errors import InvalidInputError
from barberpro.targets.local.files import private_folder, write_atomic
from barberpro.targets.local.kept_certificates import newest
from barberpro.targets.protocol import ProofInDns, Publishing

KEPT = 2  # the one before stays while a router may still read it
STAMP = "%Y%m%dT%H%M%SZ"


def ensure_certificate(publishing: Publishing, name: str, now: Callable[[], datetime]) -> bool:
    """True where a new one was obtained.

    Raises ``AcmeError`` or ``DnsError``, and their passing kinds where another try may succeed.
    """
    proof, provider = publishing.proof, provider_of(publishing)
    if proof is None or not is_due(newest(proof.folder, name), now()):
        return False
    if provider is None:
        raise InvalidInputError(
            "nobody writes the proof into DNS",
            mend="barberpro public set --dns ... --challenge dns-01",
        )
    pem = _obtained(proof, publishing, name, provider)
    end = x509.load_pem_x509_certificates(pem)[0]
    called = f"{end.not_valid_after_utc:{STAMP}}-{end.serial_number:x}.pem"
    place = private_folder(private_folder(proof.folder) / name)
    write_atomic(place / called, pem)
    for old in sorted(place.glob("*.pem"))[:-KEPT]:
        old.unlink(missing_ok=True)
    return True


def _obtained(proof: ProofInDns, publishing: Publishing, name: str, provider: DnsProvider) -> bytes:
    private_folder(proof.account.parent)
    authority = Authority(proof.directory, proof.account, proof.email, proof.roots)
    return obtain(name, authority, Proving(provider, look_up, publishing.resolvers))


def is_due(path: Path | None, now: datetime) -> bool:
    """Whether a new one is needed: a third of its life is left, as the router itself has it."""
    if path is None:
        return True
    found = x509.load_pem_x509_certificates(path.read_bytes())[0]
    life = found.not_valid_after_utc - found.not_valid_before_utc
    return now.astimezone(UTC) >= found.not_valid_after_utc - life / 3
