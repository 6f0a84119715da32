"""A real HTTPS server for tests that answers exactly what a test tells it, well or badly.

Its CA and certificate are made anew for each server; it listens on loopback at a free port.
"""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from barberpro.targets.protocol import Access

HOSTNAME = "shop.localhost"
Headers = list[tuple[str, str]]


@dataclass
class Answer:
    status: int = 200
    body: str = ""
    headers: Headers = field(default_factory=list)
    kind: str = "text/html; charset=utf-8"


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: str


Respond = Callable[[Request], Answer]


@dataclass
class HttpsServer:
    """``respond`` may be replaced while it runs; ``seen`` holds what was asked."""

    access: Access
    respond: Respond
    seen: list[Request] = field(default_factory=list)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _san(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def make_certificate(
    folder: Path, hostname: str = HOSTNAME, *, days: float = 30, before_days: float = 1
) -> tuple[Path, Path]:
    """A CA's certificate, and a file with key and certificate of ``hostname`` signed by it."""
    now = datetime.datetime.now(datetime.UTC)
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    start, end = now - datetime.timedelta(days=before_days), now + datetime.timedelta(days=days)

    def build(subject: str, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(_name(subject))
            .issuer_name(_name("Test CA"))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(end)
        )

    authority = (
        build("Test CA", ca_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False,
                key_encipherment=False, data_encipherment=False, key_agreement=False,
                encipher_only=False, decipher_only=False,
            ),
            critical=True,
        )
        .sign(ca_key, hashes.SHA256())
    )  # fmt: skip
    names = [_san(hostname), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    leaf = (
        build(hostname, key.public_key())
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    ca_file, leaf_file = folder / "ca.crt", folder / "server.pem"
    ca_file.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    leaf_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + leaf.public_bytes(serialization.Encoding.PEM)
    )
    return ca_file, leaf_file


@contextmanager
def https_server(
    folder: Path,
    respond: Respond,
    *,
    minimum: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
    certificate: tuple[Path, Path] | None = None,
) -> Iterator[HttpsServer]:
    ca_file, leaf_file = certificate or make_certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = minimum
    context.load_cert_chain(leaf_file)
    server = _Server(("127.0.0.1", 0), _Handler, context)
    port = server.server_address[1]
    access = Access(
        f"https://{HOSTNAME}:{port}", HOSTNAME, "127.0.0.1", port, ca_file, {"X-Preview": "token"}
    )
    server.owner = HttpsServer(access, respond)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.owner
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    owner: HttpsServer

    def __init__(
        self,
        address: tuple[str, int],
        handler: type[BaseHTTPRequestHandler],
        context: ssl.SSLContext,
    ) -> None:
        super().__init__(address, handler)
        self._context = context

    def finish_request(self, request: object, client_address: object) -> None:
        """The handshake in the connection's own thread: a failed one must not end the server."""
        try:
            secured = self._context.wrap_socket(request, server_side=True)  # type: ignore[arg-type]
        except (ssl.SSLError, OSError):
            return
        try:
            super().finish_request(secured, client_address)  # type: ignore[arg-type]
        finally:
            secured.close()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _serve(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Request(self.command, self.path, headers, body)
        self.server.owner.seen.append(asked)
        answer = self.server.owner.respond(asked)
        content = answer.body.encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(content)))
        for name, value in answer.headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815

    def version_string(self) -> str:
        return "test"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Silent."""
