"""The way in from outside on a real node: the chart's Ingress and Gateway behind Traefik, certificates by
cert-manager from a real authority (pebble, RFC 8555). What answers behind them is this test's own server."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from support_acme import Authority, running_pebble
from support_chart import plan_for, rendered_with
from support_dns import KEY_NAME, SECRET, ZONE, NameServer

from barberpro.kube.contexts import choose
from barberpro.operations.domain_check import examine, leads_here
from barberpro.operations.publishing import cluster_facts
from barberpro.targets.kubernetes.records import Record, Records
from barberpro.targets.kubernetes.site import Site
from barberpro.targets.kubernetes.way import Way, find_way
from testcluster.cluster import Cluster
from testcluster.pods import until
from testcluster.ways_in import CLASS, WayIn, issuer

pytestmark = pytest.mark.timeout(600)
BIG = 20_000_000
SHORT_SECONDS = 90  # cert-manager renews after two thirds


@dataclass
class Backend:
    """Stands where the gateway's pods would. ``goes_on`` lets a stream of events send its second one."""

    port: int
    seen: list[Mapping[str, str]] = field(default_factory=list)
    goes_on: threading.Event = field(default_factory=threading.Event)
    received: int = 0


@contextmanager
def backend(address: str) -> Iterator[Backend]:
    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            known.seen.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(200)
            if self.path != "/events":
                self.send_header("Content-Length", "4")
                self.end_headers()
                self.wfile.write(b"hola")
                return
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(b"data: uno\n\n")
            known.goes_on.wait(60)
            self.wfile.write(b"data: dos\n\n")
            self.close_connection = True

        def do_POST(self) -> None:
            known.received = len(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(413)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer((address, 0), Answers) as server:
        known = Backend(server.server_port)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield known
        server.shutdown()
        thread.join()


@dataclass
class World:
    way: WayIn
    names: NameServer
    authority: Authority
    backend: Backend

    @property
    def cluster(self) -> Cluster:
        return self.way.cluster

    def publish(self, name: str, kind: str, solver: dict[str, Any], **changes: object) -> str:
        """The chart's public part for one brand, its issuer, and its name in DNS; what it is called."""
        host = f"{name}.{ZONE}"
        self.names.lead(host, self.way.address)
        given = issuer(name, self.authority.directory, self.authority.directory_root, solver)
        self.cluster.apply(json.dumps(given))
        public = {
            "kind": kind,
            "className": CLASS,
            "controller": "traefik",
            "issuer": name,
            "host": host,
            **changes,
        }
        chosen = ("Ingress", "Middleware", "TLSOption", "Gateway", "HTTPRoute")
        plan = plan_for("barbershop", "small")
        found = [one for one in rendered_with(plan, public=public) if one["kind"] in chosen]
        self.cluster.kubectl("create", "namespace", name)
        self.cluster.kubectl(
            "label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted"
        )
        labels = {"kubernetes.io/service-name": "api-gateway"}
        found += [
            {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "api-gateway"},
             "spec": {"ports": [{"name": "http", "port": 8080, "targetPort": self.backend.port}]}},
            {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
             "metadata": {"name": "api-gateway", "labels": labels},
             "ports": [{"name": "http", "port": self.backend.port}],
             "endpoints": [{"addresses": [self.way.outside], "conditions": {"ready": True}}]},
        ]  # fmt: skip
        text = "\n---\n".join(json.dumps(one) for one in found).replace(plan.deployment_id, name)
        self.cluster.kubectl("apply", "-n", name, "-f", "-", stdin=text)
        return host

    @contextmanager
    def connect(
        self, host: str, *, latest: ssl.TLSVersion | None = None
    ) -> Iterator[http.client.HTTPConnection]:
        """TLS to the node's address under the brand's name; only the authority's root is trusted."""
        context = ssl.create_default_context(cafile=str(self.authority.issuing_root))
        if latest is not None:
            context.maximum_version = latest
        connection = http.client.HTTPConnection(host, timeout=60)
        with (
            socket.create_connection((self.way.address, 443), 60) as plain,
            context.wrap_socket(plain, server_hostname=host) as connection.sock,
        ):
            yield connection

    def serves(self, host: str) -> bool:
        try:
            with self.connect(host) as connection:
                connection.request("GET", "/")
                return connection.getresponse().read() == b"hola"
        except OSError:
            return False

    def serial(self, host: str) -> str:
        with self.connect(host) as connection:
            assert isinstance(connection.sock, ssl.SSLSocket)
            return str((connection.sock.getpeercert() or {})["serialNumber"])

    def plain(self, host: str) -> tuple[int, str | None]:
        """What plain HTTP answers: status and where it sends on to."""
        connection = http.client.HTTPConnection(self.way.address, 80, timeout=20)
        with closing(connection):
            connection.request("GET", "/turnos", headers={"Host": host})
            answer = connection.getresponse()
            return answer.status, answer.getheader("Location")

    @property
    def context(self) -> str:
        return self.cluster.kubectl("config", "current-context").strip()

    def use(self, patch: pytest.MonkeyPatch) -> None:
        """Our own programs see this cluster."""
        for name in ("KUBECONFIG", "PATH"):
            patch.setenv(name, self.cluster.environment[name])

    def seen(self, name: str) -> Way:
        with pytest.MonkeyPatch.context() as patch:
            self.use(patch)
            found = find_way(Site.of(choose(self.context), name))
        assert found is not None
        return found

    def wait_for(self, name: str, host: str) -> None:
        """Until the brand answers with a certificate of the authority; else with what was in the way."""
        try:
            until(f"{host} by HTTPS", lambda: self.serves(host), 240)
        except AssertionError as late:
            late.add_note(
                self.cluster.run(
                    "kubectl", "get", "certificate,order,challenge,pod", "-n", name
                ).stdout
            )
            late.add_note(
                self.cluster.run("kubectl", "describe", "challenge", "-n", name).stdout[-2000:]
            )
            for log in ("cert-manager", "traefik"):
                late.add_note(self.cluster.processes.log(log, 30))
            raise


@pytest.fixture(scope="module")
def world(
    way_in: WayIn, names: NameServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    with (
        running_pebble(
            tmp_path_factory.mktemp("pebble"),
            names.address,
            80,
            valid_seconds=SHORT_SECONDS,
            address=way_in.outside,
        ) as authority,
        backend(way_in.outside) as behind,
    ):
        yield World(way_in, names, authority, behind)


@pytest.fixture(scope="module", autouse=True)
def recoleta(world: World) -> str:
    """By Gateway API, with a certificate by DNS-01: begun first, for cert-manager gives the world's
    resolvers a minute to see the record."""
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "dns-key", "namespace": "cert-manager"},
        "stringData": {"secret": SECRET},
    }
    world.cluster.apply(json.dumps(secret))
    signed = {
        "nameserver": world.names.address,
        "tsigKeyName": KEY_NAME,
        "tsigAlgorithm": "HMACSHA256",
        "tsigSecretSecretRef": {"name": "dns-key", "key": "secret"},
    }
    return world.publish("recoleta", "gateway", {"dns01": {"rfc2136": signed}})


@pytest.fixture(scope="module")
def palermo(world: World) -> str:
    """By Ingress, with a certificate by HTTP-01."""
    solver = {"http01": {"ingress": {"ingressClassName": CLASS}}}
    host = world.publish("palermo", "ingress", solver)
    world.wait_for("palermo", host)
    return host


def test_an_ingress_gets_its_certificate_by_http_01(world: World, palermo: str) -> None:
    certificate = world.cluster.get("certificate", "public-tls", "-n", "palermo")
    ready = {one["type"]: one["status"] for one in certificate["status"]["conditions"]}
    assert ready["Ready"] == "True"
    way = world.seen("palermo")
    assert (way.kind, way.hosts, way.addresses) == ("Ingress", (palermo,), (world.way.address,))
    assert way.certificate.startswith("certificate ready until 20")


def test_the_way_in_is_tls_1_3_and_plain_http_is_sent_on(world: World, palermo: str) -> None:
    with pytest.raises(ssl.SSLError), world.connect(palermo, latest=ssl.TLSVersion.TLSv1_2):
        pass
    assert world.plain(palermo) == (301, f"https://{palermo}/turnos")


def test_what_a_client_sends_and_hears_passes_unchanged(world: World, palermo: str) -> None:
    """The client's address, whatever it pretends; events as they come; a body that the app refuses."""
    with world.connect(palermo) as asked:
        asked.request("GET", "/", headers={"X-Forwarded-For": "192.0.2.1"})
        asked.getresponse().read()
    heard = world.backend.seen[-1]
    assert heard["x-forwarded-for"] == world.way.outside
    assert (heard["x-forwarded-proto"], heard["host"]) == ("https", palermo)
    with world.connect(palermo) as events:
        events.request("GET", "/events")
        stream = events.getresponse()
        assert stream.readline() == b"data: uno\n"  # while the answer is not at its end
        world.backend.goes_on.set()
        assert b"dos" in stream.read()
    with world.connect(palermo) as big:
        big.request("POST", "/", body=bytes(BIG))
        assert big.getresponse().status == 413
    assert world.backend.received == BIG


def test_a_certificate_is_renewed_before_it_ends(
    world: World, palermo: str, tmp_path: Path
) -> None:
    first = world.serial(palermo)
    until("a renewed certificate", lambda: world.serial(palermo) != first, 240)
    assert world.serves(palermo)


def test_a_gateway_gets_its_certificate_by_dns_01(world: World, recoleta: str) -> None:
    world.wait_for("recoleta", recoleta)
    assert world.plain(recoleta) == (301, f"https://{recoleta}/turnos")
    way = world.seen("recoleta")
    assert (way.kind, way.hosts, way.addresses) == ("Gateway", (recoleta,), (world.way.address,))


def test_where_a_domain_of_the_cluster_has_to_lead(
    world: World, palermo: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.use(monkeypatch)
    records = Records(tmp_path)
    public = {"public": {"kind": "ingress"}}
    records.save(Record(id="palermo", context=world.context, image="app:1", values=public))
    facts = cluster_facts(records, palermo)
    assert facts is not None
    assert facts.public_ipv4 == world.way.address
    assert leads_here(examine(palermo, facts, (world.names.address,)))
    assert cluster_facts(records, "another.example") is None
