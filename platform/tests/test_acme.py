"""A certificate by proof in DNS, from a real ACME server (pebble) that looks at a real BIND."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from support_acme import running_pebble
from support_dns import ZONE, running_bind

from barberpro.adapters.acme.orders import AcmeError, AcmePassingError, Authority, Proving, obtain
from barberpro.adapters.dns.providers import look_up, open_provider
from barberpro.adapters.dns.records import record_set

NAME = f"once.{ZONE}"


def test_a_name_is_certified_by_its_txt_record_alone(tmp_path: Path) -> None:
    with (
        running_bind(tmp_path) as dns,
        running_pebble(tmp_path, dns.address, 1) as authority,  # nobody answers at a port
    ):
        provider = open_provider("rfc2136", dns.credentials())
        proving = Proving(provider, look_up, [dns.address])
        at = Authority(
            authority.directory,
            tmp_path / "account.pem",
            "ana@example.com",
            authority.directory_root,
        )
        kept = record_set(f"_acme-challenge.{NAME}", "TXT", ["somebody's own"])
        provider.write(kept)
        found = x509.load_pem_x509_certificates(obtain(NAME, at, proving))
        names = found[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == [NAME]
        assert len(found) > 1
        assert (tmp_path / "account.pem").stat().st_mode & 0o77 == 0
        assert kept.same(provider.read(kept.name, "TXT"))  # and ours is gone
        again = x509.load_pem_x509_certificates(obtain(f"dos.{ZONE}", at, proving))
        assert again[0].serial_number != found[0].serial_number
        assert provider.read(f"_acme-challenge.dos.{ZONE}", "TXT") is None
        with pytest.raises(AcmeError, match="refused"):
            obtain("not a name", at, proving)
        with pytest.raises(AcmePassingError, match="does not answer"):
            obtain(NAME, replace(at, directory="https://127.0.0.1:1/dir"), proving)
