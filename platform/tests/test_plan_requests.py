"""What operators type: everything wrong is said at once, with the flag and the way to mend it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support_planning import BARBERSHOP, PSYCHOLOGY, request_of, shipped_catalog

from barberpro.errors import ExitCode, InvalidInputError
from barberpro.planning.names import id_problem, request_id
from barberpro.planning.requests import InvalidRequestError, parse_request


def problems(**changes: object) -> Mapping[str, str]:
    """The problems of the barbershop's request with ``changes``, by flag."""
    with pytest.raises(InvalidRequestError) as caught:
        request_of(**changes)
    assert caught.value.exit_code is ExitCode.USAGE
    return {problem.flag: str(problem) for problem in caught.value.problems}


def test_the_manuals_first_call() -> None:
    request = request_of(PSYCHOLOGY)
    assert request_id(request) == "mentalhealth-buenos-aires"
    assert request.domain == "psicologia.salud.ar"
    assert request.environment == "production"


def test_the_manuals_second_call_stands_on_this_machine() -> None:
    request = request_of()
    assert request_id(request) == "barbershop-palermo"
    assert (request.target, request.provider) == ("local", "this-machine")


@pytest.mark.parametrize(
    ("key", "typed", "near"),
    [
        ("vertical", "barbershp", "barbershop"),
        ("vertical", "Psicology", "psychology"),
        ("market", "medum", "medium"),
        ("region", "argentina-centro", "argentina-central"),
        ("environment", "prod", "production"),
        ("target", "kubernets", "kubernetes"),
    ],
)
def test_an_unknown_choice_suggests_the_nearest_and_lists_all(
    key: str, typed: str, near: str
) -> None:
    message = problems(**{key: typed})[f"--{key}"]
    assert f"Did you mean '{near}'?" in message
    assert "Choose one of:" in message


def test_all_problems_are_said_at_once() -> None:
    found = problems(
        vertical="x", name="\u202eevil", market="xl", region="chile", domain="10.0.0.1",
        owner_email="nobody", flavour="mint",
    )  # fmt: skip
    assert set(found) == {
        "--vertical", "--name", "--market", "--region", "--domain", "--owner-email", "--flavour",
    }  # fmt: skip


def test_missing_fields_are_asked_for_by_flag() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        parse_request({}, shipped_catalog())
    text = str(caught.value)
    for flag in ("--vertical", "--name", "--market", "--region"):
        assert f"{flag}: is required." in text
    assert "psychology" in text


def test_a_cluster_needs_a_provider_that_has_clusters() -> None:
    assert "is required" in problems(target="kubernetes")["--provider"]
    assert (
        "does not go with" in problems(target="kubernetes", provider="this-machine")["--provider"]
    )
    assert request_of(target="kubernetes", provider="on-premises").provider == "on-premises"


@pytest.mark.parametrize(
    ("name", "identifier"),
    [
        ("Peluquería Ñandú", "peluqueria-nandu"),
        ("Café & Corte №1", "cafe-corte-no1"),
        ("💈 Barbería 💈", "barberia"),
        ("👨‍👩‍👧 Familia", "familia"),
        ("360 Barber", "360-barber"),
        ("Straße", "strasse"),
        ("Ａｎｃｈｏ", "ancho"),
        ("$(rm -rf /); `id` | cat", "rm-rf-id-cat"),
        ("<script>alert(1)</script>", "script-alert-1-script"),
        ("'; DROP TABLE x;--", "drop-table-x"),
        ("  Doble   espacio  ", "doble-espacio"),
    ],
)
def test_names_become_dns_labels(name: str, identifier: str) -> None:
    request = request_of(name=name)
    assert request_id(request) == identifier
    assert not id_problem(identifier)


@pytest.mark.parametrize(
    "name",
    [
        "x",
        "a" * 61,
        "a" * 10_000,
        "Barber\x00Shop",
        "Barber\nShop",
        "\u202eBarber",
        "Bar\u200fber",
        "Bar\u200bber",
        "Bar\u200dber",
        "Bar\u00adber",
        "\x1b[31mred",
        "\ud800x",
        "💈💈💈",
        "Барбер",
        "---",
        "default",
        "Kube System",
        42,
        ["a", "b"],
    ],
)
def test_names_that_cannot_be_used_are_refused(name: object) -> None:
    message = problems(name=name)["--name"]
    assert message.isprintable(), "a message must not carry signs that act on a terminal"
    assert len(message) < 400


def test_a_name_without_latin_letters_is_fine_with_an_id() -> None:
    request = request_of(name="Барбер", id="barber")
    assert request_id(request) == "barber"


@pytest.mark.parametrize(
    "identifier", ["-a", "A", "a_b", "a" * 64, "kube-x", "xn--abc", "a.b", "á"]
)
def test_an_id_is_a_dns_label(identifier: str) -> None:
    assert "--id" in problems(id=identifier)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("psicologia.salud.ar", "psicologia.salud.ar"),
        ("Turnos.Example.COM.", "turnos.example.com"),
        ("ñandú.com.ar", "xn--and-6ma2c.com.ar"),
        ("xn--and-6ma2c.com.ar", "xn--and-6ma2c.com.ar"),
    ],
)
def test_domains_are_kept_in_ascii(typed: str, kept: str) -> None:
    assert request_of(domain=typed).domain == kept


@pytest.mark.parametrize(
    "domain",
    [
        "localhost", "x.localhost", "barber", "10.0.0.1", "::1", "[::1]", "127.1", "0x7f.0x1",
        "https://a.com.ar", "a.com.ar/x", "a.com.ar:443", "user@a.com.ar", "*.a.com.ar", "a..com",
        "-a.com", "a-.com", "a_b.com", "a" * 64 + ".com", ("a" * 60 + ".") * 5 + "com", "a.com\x00",
        "a .com", ".", "x" * 10_000, "printer.local", "a.com\n", "a\u202e.com", "ﷺ" * 20 + ".com",
    ],
)  # fmt: skip
def test_domains_that_cannot_be_public_are_refused(domain: str) -> None:
    if domain == "a.com\n":  # surrounding blanks are not part of what was meant
        assert request_of(domain=domain).domain == "a.com"
        return
    message = problems(domain=domain)["--domain"]
    assert message.isprintable()
    assert len(message) < 400


@pytest.mark.parametrize(
    "email", ["a", "@b.com", "a@", "a b@c.com", "a@b@c.com", "a@10.0.0.1", "a\x00@b.com", "x" * 300 + "@b.com", "a..b@c.com"]
)  # fmt: skip
def test_addresses_that_cannot_be_mailed_are_refused(email: str) -> None:
    assert "--owner-email" in problems(owner_email=email)


def test_an_address_keeps_its_local_part() -> None:
    assert request_of(owner_email="Ana.B+x@Ñandú.AR").owner_email == "Ana.B+x@xn--and-6ma2c.ar"


def test_transfer_instruments_are_read_by_country() -> None:
    request = request_of(
        transfer_instruments=["us=scc-60e-annex-ii:contract 14", "BR=express-consent"]
    )
    assert [(t.country, t.instrument, t.reference) for t in request.transfer_instruments] == [
        ("BR", "express-consent", ""),
        ("US", "scc-60e-annex-ii", "contract 14"),
    ]
    for wrong in ("US", "USA=x", "US=", 7, "US=x:\x1b[2J"):
        assert "--transfer-instrument" in problems(transfer_instruments=[wrong])


def test_years_of_clinical_records() -> None:
    assert request_of(PSYCHOLOGY, clinical_retention_years="15").clinical_retention_years == 15
    assert (
        "keeps no clinical records"
        in problems(clinical_retention_years=10)["--clinical-retention-years"]
    )
    for wrong in ("ten", "0", "-1", "1e3", "101", True, "١٠"):
        with pytest.raises(InvalidRequestError, match="clinical-retention-years"):
            request_of(PSYCHOLOGY, clinical_retention_years=wrong)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(
    ["vertical", "name", "market", "region", "domain", "environment", "provider", "target", "id",
     "owner_email", "provider_location", "clinical_retention_years", "transfer_instruments"]),
    st.one_of(st.none(), st.text(), st.integers(), st.booleans(), st.lists(st.text(), max_size=3),
              st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2))))  # fmt: skip
def test_whatever_is_typed_gives_a_request_or_a_clear_error(fields: Mapping[str, object]) -> None:
    try:
        request = parse_request({**BARBERSHOP, **fields}, shipped_catalog())
    except InvalidInputError as error:
        message = str(error)
    else:
        message = id_problem(request_id(request))
        assert not message
    assert all(line.isprintable() for line in message.split("\n"))
