"""What a network in front may keep: files that never change, and nothing that is one person's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cloudflare import TOKEN, CloudflareZone, running_cloudflare
from support_dns import ZONE

from barberpro.adapters.cdn.cloudflare import cache_rules
from barberpro.adapters.cdn.rules import Cdn, may_keep
from barberpro.adapters.dns.ownership import Owner, write_all
from barberpro.adapters.dns.providers import open_cdn, open_provider
from barberpro.adapters.dns.records import record_set

SHOP = f"palermo.{ZONE}"
FOREIGN = {
    "action": "set_cache_settings", "action_parameters": {"cache": True},
    "description": "the zone's owner", "enabled": True, "expression": 'http.host eq "www.example"',
}  # fmt: skip
OPENAPI = Path(__file__).parents[2] / "app" / "src" / "barberpro_app" / "openapi.json"


@pytest.fixture
def zone() -> Iterator[CloudflareZone]:
    with running_cloudflare(ZONE) as found:
        yield found


@pytest.fixture
def credentials(zone: CloudflareZone, tmp_path: Path) -> Path:
    path = tmp_path / "cloudflare.json"
    path.write_text(json.dumps({"api_token": TOKEN, "zone": ZONE, "api": zone.url}))
    path.chmod(0o600)
    return path


@pytest.fixture
def network(credentials: Path) -> Cdn:
    return open_cdn("cloudflare", credentials)


def kept(rules: list[dict[str, object]], host: str, path: str) -> bool:
    """What Cloudflare would do: every rule that matches applies, later ones win."""
    result = False
    for rule in rules:
        expression = str(rule["expression"])
        named = re.search(r'http\.host eq "([^"]+)"', expression)
        prefixes = re.findall(r'starts_with\(http\.request\.uri\.path, "([^"]+)"\)', expression)
        if named and named[1] == host and (not prefixes or path.startswith(tuple(prefixes))):
            parameters = rule["action_parameters"]
            assert isinstance(parameters, dict)
            result = bool(parameters["cache"])
    return result


def test_no_path_of_the_product_but_its_files_is_kept() -> None:
    rules = cache_rules(SHOP, "barbershop-palermo")
    paths = list(json.loads(OPENAPI.read_text())["paths"])
    pages = [
        "/",
        "/turnos",
        "/mis-turnos",
        "/agenda",
        "/entrar",
        "/media/1.jpg",
        "/static",
        "/Static/x",
    ]
    assert len(paths) > 100
    for path in (*paths, *pages):
        assert not kept(rules, SHOP, path), path
        assert not may_keep(path), path
    for path in ("/static/app.0123456789.css", "/marca/logo.abc.png"):
        assert kept(rules, SHOP, path)
        assert may_keep(path)


def test_rules_of_others_stay_and_repeating_changes_nothing(
    zone: CloudflareZone, network: Cdn
) -> None:
    zone.rules = [{**FOREIGN, "id": "1", "version": "7"}]
    assert network.keep_only_files(SHOP, "barbershop-palermo")
    assert not network.keep_only_files(SHOP, "barbershop-palermo")
    assert network.keep_only_files(f"once.{ZONE}", "dental-once")
    assert zone.rules is not None
    assert [rule["description"].split(":")[0] for rule in zone.rules] == [
        "the zone's owner", *["barberpro barbershop-palermo"] * 2, *["barberpro dental-once"] * 2,
    ]  # fmt: skip
    assert network.forget("barbershop-palermo")
    assert not network.forget("barbershop-palermo")
    assert len(zone.rules) == 3


def test_a_zone_without_rules_and_a_peer_that_loses_answers(
    zone: CloudflareZone, network: Cdn
) -> None:
    zone.misbehave.extend(["500", "", "", "lost", "429"])
    assert network.keep_only_files(SHOP, "barbershop-palermo")
    assert zone.rules is not None
    assert len(zone.rules) == 2


def test_a_network_is_put_in_front_of_records_that_were_there(
    credentials: Path, zone: CloudflareZone
) -> None:
    provider = open_provider("cloudflare", credentials)
    owner, plain = Owner("barbershop-palermo", 1), record_set(SHOP, "A", ["192.0.2.10"])
    write_all(provider, SHOP, owner, [plain])
    fronted = replace(plain, proxied=True)
    assert write_all(provider, SHOP, owner, [fronted]) == (fronted,)
    assert write_all(provider, SHOP, owner, [fronted]) == ()
    [record] = [entry for entry in zone.records.values() if entry["type"] == "A"]
    assert (record["proxied"], record["ttl"]) == (True, 1)
