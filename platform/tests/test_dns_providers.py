"""Every DNS provider keeps one contract, against a real BIND, a double of Cloudflare and moto's Route 53."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests
from cloudflare import TOKEN, CloudflareZone, running_cloudflare
from moto.server import ThreadedMotoServer
from requests_aws4auth import AWS4Auth
from support_dns import ZONE, NameServer, running_bind

from barberpro.adapters.dns.http_api import call
from barberpro.adapters.dns.ownership import (
    ForeignRecordError,
    Owner,
    owner_name,
    read_owner,
    remove_all,
    write_all,
)
from barberpro.adapters.dns.providers import look_up, open_provider
from barberpro.adapters.dns.records import DnsError, DnsPassingError, DnsProvider, record_set
from barberpro.errors import InvalidInputError

SHOP = f"palermo.{ZONE}"
WANTED = (
    record_set(SHOP, "A", ["192.0.2.10"]),
    record_set(SHOP, "AAAA", ["2001:db8::10"]),
    record_set(SHOP, "CAA", ['0 issue "letsencrypt.org"']),
)
KINDS = ("A", "AAAA", "CAA", "CNAME")
MINE, OTHER = Owner("barbershop-palermo", 1), Owner("dental-once", 4)


def credentials(folder: Path, **given: object) -> Path:
    path = folder / "dns.json"
    path.write_text(json.dumps(given))
    path.chmod(0o600)
    return path


@pytest.fixture(scope="module")
def bind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NameServer]:
    folder = tmp_path_factory.mktemp("bind")
    with running_bind(folder) as server:
        yield server


@pytest.fixture(scope="module")
def cloudflare() -> Iterator[CloudflareZone]:
    with running_cloudflare(ZONE) as zone:
        yield zone


@pytest.fixture(scope="module")
def route53() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    body = (
        '<CreateHostedZoneRequest xmlns="https://route53.amazonaws.com/doc/2013-04-01/">'
        f"<Name>{ZONE}.</Name><CallerReference>1</CallerReference></CreateHostedZoneRequest>"
    )
    made = requests.post(
        f"http://{host}:{port}/2013-04-01/hostedzone", data=body, timeout=60,
        auth=AWS4Auth("id", "secret", "us-east-1", "route53"),
    )  # fmt: skip
    assert made.status_code == 201, made.text
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["rfc2136", "cloudflare", "route53"])
def provider(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DnsProvider]:
    kind: str = request.param
    made: dict[str, Callable[[], Path]] = {
        "rfc2136": lambda: request.getfixturevalue("bind").credentials(),
        "cloudflare": lambda: credentials(
            tmp_path, api_token=TOKEN, zone=ZONE, api=request.getfixturevalue("cloudflare").url
        ),
        "route53": lambda: credentials(
            tmp_path, access_key_id="id", secret_access_key="secret", zone=ZONE,
            api=request.getfixturevalue("route53"),
        ),
    }  # fmt: skip
    with ExitStack() as stack:
        opened = open_provider(kind, made[kind]())
        stack.callback(clear, opened)
        yield opened


def clear(provider: DnsProvider) -> None:
    for kind in KINDS:
        provider.remove(SHOP, kind)
    provider.remove(owner_name(SHOP), "TXT")


def test_what_is_written_is_read_and_writing_it_again_changes_nothing(
    provider: DnsProvider,
) -> None:
    assert write_all(provider, SHOP, MINE, WANTED) == WANTED
    for entry in WANTED:
        assert entry.same(provider.read(SHOP, entry.type)), provider.read(SHOP, entry.type)
    assert read_owner(provider, SHOP) == MINE
    assert write_all(provider, SHOP, Owner(MINE.deployment, 2), WANTED) == ()
    assert read_owner(provider, SHOP) == MINE  # the revision that made them, for undoing


def test_a_move_replaces_addresses_and_a_name_that_follows_another_has_no_address(
    provider: DnsProvider,
) -> None:
    write_all(provider, SHOP, MINE, WANTED[:2])
    moved = record_set(SHOP, "A", ["192.0.2.11", "192.0.2.12"])
    assert write_all(provider, SHOP, MINE, [moved]) == (moved,)
    assert moved.same(provider.read(SHOP, "A"))
    assert provider.read(SHOP, "AAAA") is None
    alias = record_set(SHOP, "CNAME", [f"edge.{ZONE}"])
    write_all(provider, SHOP, MINE, [alias])
    assert provider.read(SHOP, "A") is None
    assert alias.same(provider.read(SHOP, "CNAME"))


def test_records_of_somebody_else_are_refused_and_nothing_is_changed(provider: DnsProvider) -> None:
    foreign = record_set(SHOP, "A", ["198.51.100.4"])
    provider.write(foreign)
    with pytest.raises(ForeignRecordError, match="did not make"):
        write_all(provider, SHOP, MINE, WANTED)
    assert foreign.same(provider.read(SHOP, "A"))
    assert provider.read(SHOP, "CAA") is None
    assert read_owner(provider, SHOP) is None


def test_two_deployments_never_share_a_domain(provider: DnsProvider) -> None:
    write_all(provider, SHOP, MINE, WANTED)
    with pytest.raises(ForeignRecordError, match="barbershop-palermo"):
        write_all(provider, SHOP, OTHER, WANTED)
    assert remove_all(provider, SHOP, OTHER.deployment, KINDS) == ()
    assert WANTED[0].same(provider.read(SHOP, "A"))


def test_removing_takes_all_and_repeating_it_is_harmless(provider: DnsProvider) -> None:
    write_all(provider, SHOP, MINE, WANTED)
    assert remove_all(provider, SHOP, MINE.deployment, KINDS) == ("A", "AAAA", "CAA")
    assert remove_all(provider, SHOP, MINE.deployment, KINDS) == ()
    assert all(provider.read(SHOP, kind) is None for kind in KINDS)


def test_a_cut_between_mark_and_records_is_finished_by_the_same_call(provider: DnsProvider) -> None:
    provider.write(record_set(owner_name(SHOP), "TXT", [MINE.text()]))
    assert write_all(provider, SHOP, MINE, WANTED) == WANTED


def test_cloudflare_that_is_slow_busy_or_lost_ends_in_the_same_records(
    cloudflare: CloudflareZone, tmp_path: Path
) -> None:
    given = credentials(tmp_path, api_token=TOKEN, zone=ZONE, api=cloudflare.url)
    opened = open_provider("cloudflare", given)
    cloudflare.misbehave.extend(["429", "500", "", "429", "", "", "hang up"])
    try:
        write_all(opened, SHOP, MINE, WANTED)
        assert WANTED[0].same(opened.read(SHOP, "A"))
        assert len([e for e in cloudflare.records.values() if e["name"] == SHOP]) == len(WANTED)
    finally:
        cloudflare.misbehave.clear()
        clear(opened)


def test_a_peer_that_stays_busy_is_a_passing_fault_after_a_bounded_number_of_tries(
    cloudflare: CloudflareZone,
) -> None:
    waited: list[float] = []
    cloudflare.misbehave.extend(["429"] * 4)
    with pytest.raises(DnsPassingError, match="429 after 4 tries"):
        call(
            "GET",
            cloudflare.url + "/zones",
            title="Cloudflare",
            sleep=waited.append,
        )
    assert waited == [0.0, 0.0, 0.0]
    assert not cloudflare.misbehave


@pytest.mark.parametrize(
    ("kind", "given", "message"),
    [
        ("cloudflare", {"api_token": "wrong", "zone": ZONE}, "Authentication error"),
        ("cloudflare", {"api_token": TOKEN, "zone": "other.example"}, "no zone other.example"),
    ],
)
def test_a_refusal_says_what_the_provider_said_and_never_shows_the_token(
    kind: str, given: dict[str, str], message: str, cloudflare: CloudflareZone, tmp_path: Path
) -> None:
    opened = open_provider(kind, credentials(tmp_path, api=cloudflare.url, **given))
    with pytest.raises(DnsError, match=message) as refused:
        opened.read(SHOP, "A")
    assert given["api_token"] not in str(refused.value)


def test_a_wrong_key_and_a_zone_that_is_not_there_are_refused_by_the_server(
    bind: NameServer,
) -> None:
    for change in ({"key_secret": "d3Jvbmc="}, {"zone": "nowhere.example"}):
        opened = open_provider("rfc2136", bind.credentials(**change))
        with pytest.raises(DnsError) as refused:
            opened.write(record_set("x." + str(change.get("zone", ZONE)), "A", ["192.0.2.1"]))
        assert "d3Jvbmc=" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "mode", "message"),
    [
        ('{"zone": "a.example"}', 0o600, "api_token"),
        ('{"api_token": "t", "zone": "z", "colour": 1}', 0o600, "colour"),
        ("not json", 0o600, "Invalid JSON"),
        ('{"api_token": "t", "zone": "z"}', 0o644, "others on this machine"),
        (None, 0o600, "cannot be read"),
    ],
)
def test_a_credentials_file_that_is_wrong_or_open_to_others_is_refused(
    text: str | None, mode: int, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "dns.json"
    if text is not None:
        path.write_text(text)
        path.chmod(mode)
    with pytest.raises(InvalidInputError, match=message) as refused:
        open_provider("cloudflare", path)
    assert str(path) in str(refused.value)


def test_look_ups_ask_the_servers_that_are_named(bind: NameServer) -> None:
    assert look_up(f"taken.{ZONE}", "A", [bind.address]).values == ("192.0.2.77",)
    assert look_up(f"nobody.{ZONE}", "A", [bind.address]).problem == "there is no such name"
    assert "AAAA" in look_up(f"taken.{ZONE}", "AAAA", [bind.address]).problem
