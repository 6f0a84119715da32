"""A certificate for one name, proved by a TXT record (RFC 8555 §7.4 and §8.4), by certbot's own client."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import requests
from acme import challenges, client, crypto_util, errors, messages
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from josepy.errors import Error as JoseError
from josepy.jwa import ES256
from josepy.jwk import JWKEC

from barberpro.adapters.dns.records import (
    DnsError,
    DnsPassingError,
    DnsProvider,
    Seen,
    canonical,
    record_set,
)

POLL_SECONDS, PATIENCE_SECONDS = 0.5, 120.0
REQUEST_SECONDS = 30
TTL_SECONDS = 60
PASSING = ("badNonce", "rateLimited", "serverInternal")
Look = Callable[[str, str, Sequence[str]], Seen]


class AcmeError(DnsError):
    """The authority refused."""


class AcmePassingError(AcmeError, DnsPassingError):
    """The authority did not answer, or asks for patience."""


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
    with _told(authority.directory):
        account = _logged_in(authority)
        key = _private_pem(ec.generate_private_key(ec.SECP256R1()))
        order = account.new_order(crypto_util.make_csr(key, [name]))
        for permission in order.authorizations:
            if permission.body.status != messages.STATUS_VALID:
                _prove(account, permission, proving)
        until = datetime.now() + timedelta(seconds=PATIENCE_SECONDS)  # noqa: DTZ005 - as the client has it
        done = account.finalize_order(order, until)
        return bytes(done.fullchain_pem.rstrip().encode() + b"\n" + key)


def _logged_in(authority: Authority) -> client.ClientV2:
    """One account at one authority, made now or found."""
    network = client.ClientNetwork(
        JWKEC(key=_account_key(authority.account)),
        alg=ES256,
        verify_ssl=str(authority.roots) if authority.roots else True,  # type: ignore[arg-type]
        user_agent="barberpro",
        timeout=REQUEST_SECONDS,
    )
    found = client.ClientV2(client.ClientV2.get_directory(authority.directory, network), network)
    wanted = messages.NewRegistration.from_data(
        email=authority.email or None, terms_of_service_agreed=True
    )
    try:
        found.new_account(wanted)
    except errors.ConflictError as there:  # the answer where the account is there already
        network.account = messages.RegistrationResource(uri=there.location, body=wanted)
    return found


def _account_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """The key in ``path``, made and kept there the first time; the folder is this user's alone."""
    if not path.exists():
        made = ec.generate_private_key(ec.SECP256R1())
        path.touch(mode=0o600)
        path.write_bytes(_private_pem(made))
    found = serialization.load_pem_private_key(path.read_bytes(), None)
    assert isinstance(found, ec.EllipticCurvePrivateKey)
    return found


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _prove(
    account: client.ClientV2, permission: messages.AuthorizationResource, proving: Proving
) -> None:
    asked = next(
        (one for one in permission.body.challenges if isinstance(one.chall, challenges.DNS01)), None
    )
    if asked is None:
        raise AcmeError("the certificate authority takes no proof in DNS", where=permission.uri)
    name = f"_acme-challenge.{permission.body.identifier.value}"
    answer, proof = asked.response_and_validation(account.net.key)
    with _written(name, proof, proving):
        account.answer_challenge(asked, answer)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (state := account.poll(permission)[0].body).status != messages.STATUS_VALID:
            if state.status != messages.STATUS_PENDING:
                raise AcmeError(f"the certificate authority refused: {_why(state)}", where=name)
            if time.monotonic() > deadline:
                raise errors.TimeoutError
            time.sleep(POLL_SECONDS)


def _why(state: messages.Authorization) -> str:
    said = [str(one.error.detail) for one in state.challenges if one.error]
    return "; ".join(said) or str(state.status.name)


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


@contextmanager
def _told(directory: str) -> Iterator[None]:
    """What the client raises, as ours."""
    try:
        yield
    except requests.RequestException as error:
        said = f"the certificate authority does not answer: {error}"
        raise AcmePassingError(said, where=directory) from error
    except errors.TimeoutError as error:
        raise AcmePassingError(
            "the certificate authority is still at it", where=directory
        ) from error
    except messages.Error as error:
        kind = AcmePassingError if error.code in PASSING else AcmeError
        said = f"the certificate authority refused: {error.detail or error.code}"
        raise kind(said, where=directory) from error
    except (errors.Error, JoseError) as error:
        said = f"the certificate authority refused: {error}"
        raise AcmeError(said, where=directory) from error
