"""A deployment on its own domain: real DNS updates (BIND), real certificates (pebble, RFC 8555)."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from support_acme import Authority, running_pebble
from support_app import free_port
from support_dns import ZONE, NameServer, running_bind
from support_operator import Operator

from barberpro.adapters.dns.ownership import owner_name
from barberpro.adapters.dns.providers import look_up, open_provider
from barberpro.adapters.dns.records import record_set
from barberpro.deployment.public_name import check_authority
from barberpro.planning.findings import Severity
from barberpro.targets.local.edge import Edge
from barberpro.targets.protocol import Publishing

DOMAIN = f"palermo.{ZONE}"
SHORT_SECONDS = 40  # a certificate this short is renewed after two thirds of it


@dataclass
class World:
    operator: Operator
    dns: NameServer
    authority: Authority
    https_port: int
    http_port: int

    def seen(self, kind: str, name: str = DOMAIN) -> tuple[str, ...]:
        return look_up(name, kind, [self.dns.address]).values

    def client(self, root: Path) -> httpx.Client:
        """Whom a visitor's browser would trust is ``root`` alone."""
        context = ssl.create_default_context(cafile=str(root))
        return httpx.Client(verify=context, base_url=f"https://127.0.0.1:{self.https_port}")

    def visit(self, path: str, root: Path) -> httpx.Response:
        with self.client(root) as client:
            request = client.build_request(
                "GET", path, headers={"Host": f"{DOMAIN}:{self.https_port}"}
            )
            request.extensions["sni_hostname"] = DOMAIN
            return client.send(request)

    def serial(self, name: str = DOMAIN) -> str:
        """The serial number of the certificate that is served, once it holds."""
        context = ssl.create_default_context(cafile=str(self.authority.issuing_root))
        edge = Edge("127.0.0.1", self.https_port, self.authority.issuing_root)
        edge.shake_hands(name)
        with (
            socket.create_connection(("127.0.0.1", self.https_port), 5) as plain,
            context.wrap_socket(plain, server_hostname=name) as secured,
        ):
            return str((secured.getpeercert() or {})["serialNumber"])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    http_port, https_port = free_port(), free_port()
    with (
        running_bind(tmp_path_factory.mktemp("bind")) as dns,
        running_pebble(
            tmp_path_factory.mktemp("pebble"), dns.address, http_port, valid_seconds=SHORT_SECONDS
        ) as authority,
    ):
        operator = Operator.create("casa con dominio")
        operator.must(
            "public", "set", "--listen", "127.0.0.1", "--ipv4", "127.0.0.1",
            "--https-port", str(https_port), "--http-port", str(http_port),
            "--dns", "rfc2136", "--dns-credentials", str(dns.credentials()),
            "--resolver", dns.address, "--acme-directory", authority.directory,
            "--acme-roots", str(authority.directory_root),
            "--trusted-roots", str(authority.issuing_root), "--renew-check", "1s",
        )  # fmt: skip
        operator.deploy("BarberShop Palermo", domain=DOMAIN)
        yield World(operator, dns, authority, https_port, http_port)
        operator.leave()


def test_the_name_leads_here_and_serves_a_booking_page_with_a_public_certificate(
    world: World,
) -> None:
    assert world.seen("A") == ("127.0.0.1",)
    assert "deployment=barbershop-palermo revision=1" in world.seen("TXT", owner_name(DOMAIN))[0]
    page = world.visit("/", world.authority.issuing_root)
    assert page.status_code == 200
    assert "BarberShop Palermo" in page.text
    status = world.operator.data("status", "barbershop-palermo")
    assert status["url"] == f"https://{DOMAIN}:{world.https_port}"


def test_plain_http_sends_on_and_browsers_are_told_to_insist_only_on_the_public_name(
    world: World,
) -> None:
    plain = httpx.get(f"http://127.0.0.1:{world.http_port}/reservar?x=1", headers={"Host": DOMAIN})
    assert plain.status_code == 308
    assert plain.headers["location"] == f"https://{DOMAIN}:{world.https_port}/reservar?x=1"
    stranger = httpx.get(f"http://127.0.0.1:{world.http_port}/", headers={"Host": "evil.example"})
    assert stranger.status_code == 404
    page = world.visit("/", world.authority.issuing_root)
    assert page.headers["strict-transport-security"] == "max-age=31536000"
    edge = world.operator.data("list")[0]
    assert edge["url"].startswith("https://")


def test_a_certificate_is_renewed_before_it_ends(world: World) -> None:
    first = world.serial()
    deadline = time.monotonic() + 5 * SHORT_SECONDS
    while world.serial() == first:
        assert time.monotonic() < deadline, "not renewed"
        time.sleep(1)


def test_a_second_revision_changes_nothing_for_visitors(world: World) -> None:
    world.operator.deploy("BarberShop Palermo", domain=DOMAIN, owner_email="ana@example.com")
    assert world.visit("/", world.authority.issuing_root).status_code == 200
    assert "revision=1" in world.seen("TXT", owner_name(DOMAIN))[0]


def test_a_name_that_is_somebody_else_s_is_refused_and_nothing_of_it_stays(world: World) -> None:
    refused = world.operator.run(
        "deploy", "--vertical", "dental", "--name", "Sonrisas Once", "--market", "small",
        "--region", "argentina-central", "--domain", f"taken.{ZONE}",
    )  # fmt: skip
    assert refused.returncode == 1
    assert "did not make" in refused.stderr
    assert "192.0.2.77" in refused.stderr
    assert world.seen("A", f"taken.{ZONE}") == ("192.0.2.77",)
    states = {row["id"]: row["state"] for row in world.operator.data("list")}
    assert states["barbershop-palermo"] == "live"
    assert states.get("sonrisas-once") != "live"
    assert world.seen("TXT", owner_name(f"taken.{ZONE}")) == ()


def test_a_zone_that_lets_only_others_certify_is_told_before_anything_is_asked(
    world: World,
) -> None:
    provider = open_provider("rfc2136", world.dns.credentials())
    provider.write(record_set(f"closed.{ZONE}", "CAA", ['0 issue "nobody.example"']))
    ours = Publishing(resolvers=(world.dns.address,), certificate_authority="letsencrypt.org")
    [finding] = check_authority(f"palermo.closed.{ZONE}", ours)
    assert finding.severity is Severity.BLOCKING
    assert f"closed.{ZONE} lets only nobody.example certify it" in finding.what
    assert list(check_authority(DOMAIN, ours)) == []


def test_destroying_removes_the_records(world: World) -> None:
    world.operator.must("destroy", "barbershop-palermo", "--yes", "--no-backup")
    assert world.seen("A") == ()
    assert world.seen("TXT", owner_name(DOMAIN)) == ()


def test_records_that_somebody_else_writes_are_asked_for_until_they_are_there(world: World) -> None:
    name = f"a-mano.{ZONE}"
    flags = ("--listen", "127.0.0.1", "--ipv4", "127.0.0.1", "--resolver", world.dns.address,
             "--https-port", str(world.https_port), "--http-port", str(world.http_port))  # fmt: skip
    world.operator.must("public", "set", *flags)
    missing = world.operator.run("public", "check", name)
    assert missing.returncode == 1
    assert f"{name}. A 127.0.0.1: there is no such name" in missing.stdout
    provider = open_provider("rfc2136", world.dns.credentials())
    provider.write(record_set(name, "A", ["127.0.0.1"]))
    [address, caa] = world.operator.data("public", "check", name)
    assert (address["there"], caa["there"], caa["needed"]) == (True, False, False)
    assert world.operator.run("public", "check", "http://x").returncode == 2
    planned = world.operator.data(
        "plan", "--vertical", "dental", "--name", "Sonrisas Once", "--market", "small",
        "--region", "argentina-central", "--domain", name,
    )  # fmt: skip
    assert planned["plan"]["network"]["hostname"] == name
    assert planned["plan"]["requirements"] == []


def test_what_the_authority_refuses_is_said_and_undone(world: World) -> None:
    """It asks for the proof at a port where nobody of ours answers any more."""
    name = f"sin-puerto.{ZONE}"
    world.operator.must(
        "public", "set", "--listen", "127.0.0.1", "--ipv4", "127.0.0.1",
        "--https-port", str(world.https_port), "--http-port", str(free_port()),
        "--dns", "rfc2136", "--dns-credentials", str(world.dns.credentials()),
        "--resolver", world.dns.address, "--acme-directory", world.authority.directory,
        "--acme-roots", str(world.authority.directory_root),
        "--trusted-roots", str(world.authority.issuing_root),
    )  # fmt: skip
    refused = world.operator.run(
        "deploy", "--vertical", "dental", "--name", "Sonrisas Once", "--market", "small",
        "--region", "argentina-central", "--domain", name,
    )  # fmt: skip
    assert refused.returncode == 1
    assert "authorization failed" in refused.stderr
    assert "connection refused" in refused.stderr
    assert (world.seen("A", name), world.seen("TXT", owner_name(name))) == ((), ())


def test_a_name_is_proved_in_dns_where_no_port_is_reached_and_renewed_so(world: World) -> None:
    name = f"sin-puerto.{ZONE}"
    setting = (
        "public", "set", "--listen", "127.0.0.1", "--ipv4", "127.0.0.1", "--challenge", "dns-01",
        "--https-port", str(world.https_port), "--http-port", str(free_port()),
        "--resolver", world.dns.address, "--acme-directory", world.authority.directory,
        "--acme-roots", str(world.authority.directory_root),
        "--trusted-roots", str(world.authority.issuing_root), "--renew-check", "1s",
    )  # fmt: skip
    refused = world.operator.run(*setting)
    assert (refused.returncode, "--challenge http-01" in refused.stderr) == (2, True)
    keys = ("--dns", "rfc2136", "--dns-credentials", str(world.dns.credentials()))
    world.operator.must(*setting, *keys)
    world.operator.deploy("Sonrisas Once", "dental", domain=name)
    first = world.serial(name)
    assert world.seen("TXT", f"_acme-challenge.{name}") == ()
    deadline = time.monotonic() + 5 * SHORT_SECONDS
    while world.serial(name) == first:
        assert time.monotonic() < deadline, "not renewed"
        time.sleep(1)
    world.operator.must("public", "renew")
