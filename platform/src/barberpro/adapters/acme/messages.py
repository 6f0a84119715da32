"""Signed messages to an ACME server: JSON Web Signatures with an account's key (RFC 8555 §6, RFC 7515)."""

from __future__ import annotations

import base64
import hashlib
import json
import ssl
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from barberpro.adapters.dns.records import DnsError, DnsPassingError

PASSING = ("rateLimited", "serverInternal")
NONCES = 8  # a server turns some away on purpose
SECONDS = 30.0
JOSE = {"Content-Type": "application/jose+json"}


class AcmeError(DnsError):
    """The authority refused."""


class AcmePassingError(AcmeError, DnsPassingError):
    """The authority did not answer, or asks for patience."""


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def account_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """The key in ``path``, made and kept there the first time; the folder is this user's alone."""
    if not path.exists():
        made = ec.generate_private_key(ec.SECP256R1())
        path.touch(mode=0o600)
        path.write_bytes(private_pem(made))
    found = serialization.load_pem_private_key(path.read_bytes(), None)
    assert isinstance(found, ec.EllipticCurvePrivateKey)
    return found


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


class Messages:
    """One account at one authority. Every method raises ``AcmeError`` or ``AcmePassingError``."""

    def __init__(self, directory: str, roots: Path | None, key: ec.EllipticCurvePrivateKey) -> None:
        context = ssl.create_default_context(cafile=str(roots) if roots else None)
        self._client = httpx.Client(verify=context, timeout=SECONDS)
        self._where, self._key, self._nonce, self._account = directory, key, "", ""
        numbers = key.public_key().public_numbers()
        self._jwk = {"crv": "P-256", "kty": "EC", "x": encoded(numbers.x.to_bytes(32, "big")),
                     "y": encoded(numbers.y.to_bytes(32, "big"))}  # fmt: skip
        self._directory: dict[str, Any] = {}

    def close(self) -> None:
        self._client.close()

    def proof(self, token: str) -> str:
        """What shows that this account was asked for ``token`` (RFC 8555 §8.1 and §8.4)."""
        thumb = hashlib.sha256(json.dumps(self._jwk, separators=(",", ":")).encode()).digest()
        return encoded(hashlib.sha256(f"{token}.{encoded(thumb)}".encode()).digest())

    def log_in(self, email: str) -> None:
        """Makes the account, or finds it."""
        contact = {"contact": [f"mailto:{email}"]} if email else {}
        answer = self.post(self.place("newAccount"), {"termsOfServiceAgreed": True, **contact})
        self._account = answer.headers["location"]

    def place(self, name: str) -> str:
        if not self._directory:
            self._directory = self._send("GET", self._where).json()
        return str(self._directory[name])

    def read(self, url: str) -> Any:
        return self.post(url, None).json()

    def post(self, url: str, payload: dict[str, Any] | None) -> httpx.Response:
        """A signed POST; ``payload`` None reads (POST-as-GET)."""
        for _ in range(NONCES):
            answer = self._send("POST", url, content=self._signed(url, payload), headers=JOSE)
            if answer.status_code < 400:
                return answer
            problem = _problem(answer)
            if not str(problem.get("type", "")).endswith(":badNonce"):
                raise self._error(answer, problem)
        raise AcmePassingError("the authority takes none of its own nonces", where=self._where)

    def _signed(self, url: str, payload: dict[str, Any] | None) -> str:
        nonce = self._nonce or self._send("HEAD", self.place("newNonce")).headers["replay-nonce"]
        self._nonce = ""
        who: dict[str, Any] = {"kid": self._account} if self._account else {"jwk": self._jwk}
        protected = encoded(
            json.dumps({"alg": "ES256", "nonce": nonce, "url": url, **who}).encode()
        )
        body = "" if payload is None else encoded(json.dumps(payload).encode())
        r, s = decode_dss_signature(
            self._key.sign(f"{protected}.{body}".encode(), ec.ECDSA(hashes.SHA256()))
        )
        signature = encoded(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
        return json.dumps({"protected": protected, "payload": body, "signature": signature})

    def _send(self, method: str, url: str, **more: Any) -> httpx.Response:
        try:
            answer = self._client.request(method, url, **more)
        except httpx.HTTPError as error:
            raise AcmePassingError(
                f"the certificate authority does not answer: {error}", where=url
            ) from error
        self._nonce = answer.headers.get("replay-nonce", self._nonce)
        if method != "POST" and answer.status_code >= 400:
            raise self._error(answer, _problem(answer))
        return answer

    def _error(self, answer: httpx.Response, problem: dict[str, Any]) -> AcmeError:
        kind = str(problem.get("type", "")).rpartition(":")[2]
        said = f"the certificate authority refused: {problem.get('detail') or answer.status_code}"
        passing = kind in PASSING or answer.status_code >= 500
        return (AcmePassingError if passing else AcmeError)(said, where=self._where)


def _problem(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
