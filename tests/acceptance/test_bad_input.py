"""Whatever is typed wrong: one message that says what, where and how to mend, and the exit code."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support_operator import Operator

GOOD = {
    "vertical": "barbershop",
    "name": "Prueba",
    "market": "small",
    "region": "argentina-central",
}


def words(**changes: str | None) -> list[str]:
    given = {**GOOD, **changes}
    return [
        word for flag, value in given.items() if value is not None for word in (f"--{flag}", value)
    ]


@pytest.fixture(scope="module")
def nobody() -> Iterator[Operator]:
    someone = Operator.create("sin nada")
    yield someone
    someone.leave()


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"vertical": "barbershp"}, ["--vertical", "Did you mean 'barbershop'"]),
        ({"vertical": None}, ["--vertical", "required"]),
        ({"name": None}, ["--name"]),
        ({"name": "   "}, ["--name"]),
        ({"name": "💈"}, ["--name"]),
        ({"name": "x" * 5000}, ["--name"]),
        ({"name": "a\u202eb"}, ["--name"]),
        ({"domain": "http://psicologia.salud.ar/"}, ["--domain"]),
        ({"domain": "127.0.0.1"}, ["--domain"]),
        ({"region": "argentina-centre"}, ["--region", "argentina-central"]),
        ({"market": "tiny"}, ["--market", "small"]),
        ({"environment": "prod"}, ["--environment", "production"]),
        ({"target": "kubernets"}, ["--target"]),
        ({"catalog": "/does/not/exist"}, ["/does/not/exist"]),
    ],
)  # fmt: skip
def test_a_wrong_request_is_refused_with_one_message(
    nobody: Operator, changes: dict[str, str | None], parts: list[str]
) -> None:
    finished = nobody.run("deploy", *words(**changes))
    assert finished.returncode == 2
    assert "Traceback" not in finished.stderr
    assert finished.stderr.count("error:") == 1
    for part in parts:
        assert part in finished.stderr
    assert not nobody.state.exists()
    assert not nobody.processes()


def test_all_problems_are_told_at_once(nobody: Operator) -> None:
    finished = nobody.run("deploy", *words(vertical="x", market="y", region="z"))
    assert finished.returncode == 2
    assert all(flag in finished.stderr for flag in ("--vertical", "--market", "--region"))


def test_a_plan_that_breaks_a_legal_floor_is_refused_naming_the_article(nobody: Operator) -> None:
    finished = nobody.run(
        "deploy", *words(vertical="psychology", **{"clinical-retention-years": "7"})
    )
    assert finished.returncode == 3
    assert "26.529" in finished.stderr
    assert "18" in finished.stderr
    assert "mend" in finished.stderr


def test_data_abroad_without_an_instrument_is_refused(nobody: Operator) -> None:
    flags = words(vertical="psychology", provider="aws", target="kubernetes")
    finished = nobody.run("plan", *flags)
    assert finished.returncode == 3, finished.stderr
    assert "25.326" in finished.stdout


def test_a_mistake_in_a_catalog_is_named_by_file_line_and_key(nobody: Operator) -> None:
    folder = nobody.home / "catálogo propio" / "verticals" / "veterinary"
    folder.mkdir(parents=True)
    (folder / "vertical.yaml").write_text(
        "vertical: veterinary\nresorce_allocation:\n  cpu_multiplier: lots\n"
    )
    finished = nobody.run(
        "deploy", *words(vertical="veterinary", catalog=str(folder.parent.parent))
    )
    assert finished.returncode == 2
    assert "vertical.yaml:2" in finished.stderr
    assert "resorce_allocation" in finished.stderr
    assert "resource_allocation" in finished.stderr


def test_an_unknown_command_suggests_the_nearest(nobody: Operator) -> None:
    finished = nobody.run("deplyo")
    assert finished.returncode == 2
    assert "deploy" in finished.stderr


@pytest.mark.parametrize("verb", ["status", "start", "stop", "logs", "resume"])
def test_a_deployment_that_is_not_there(nobody: Operator, verb: str) -> None:
    finished = nobody.run(verb, "nadie")
    assert finished.returncode in {1, 2}
    assert "nadie" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_a_settings_file_with_a_secret_is_refused(nobody: Operator) -> None:
    (nobody.home / "barberpro.toml").write_text('[deploy]\nsmtp_password = "x"\n')
    try:
        finished = nobody.run("list")
    finally:
        (nobody.home / "barberpro.toml").unlink()
    assert finished.returncode == 2
    assert "secret" in finished.stderr


def test_errors_are_json_where_json_was_asked_for(nobody: Operator) -> None:
    finished = nobody.run("deploy", *words(vertical="x"), "-o", "json")
    assert finished.returncode == 2
    assert finished.stdout.startswith('{"schema": 1, "event": "error"')


@pytest.mark.parametrize(
    ("flags", "parts"),
    [
        (["--ipv4", "300.1.1.1"], ["--ipv4", "not an IP address"]),
        (["--ipv4", "2001:db8::1"], ["--ipv4", "IPv6"]),
        ([], ["--ipv4, --ipv6 or --cname"]),
        (["--ipv4", "192.0.2.1", "--listen", "everywhere"], ["--listen"]),
        (["--ipv4", "192.0.2.1", "--dns", "rfc2136"], ["--dns-credentials"]),
        (["--ipv4", "192.0.2.1", "--dns-credentials", "/etc/hostname"], ["--dns"]),
        (
            ["--ipv4", "192.0.2.1", "--dns", "route53", "--dns-credentials", "/no/file"],
            ["/no/file"],
        ),
        (["--ipv4", "192.0.2.1", "--acme-directory", "http://ca.example"], ["--acme-directory"]),
        (["--ipv4", "192.0.2.1", "--acme-email", "me"], ["--acme-email"]),
        (["--cname", "not a name"], ["--cname"]),
        (["--ipv4", "192.0.2.1", "--https-port", "70000"], ["--https-port"]),
    ],
)
def test_a_public_address_that_is_wrong_is_refused_and_nothing_is_opened(
    nobody: Operator, flags: list[str], parts: list[str]
) -> None:
    finished = nobody.run("public", "set", *flags)
    assert finished.returncode == 2, finished.stderr
    assert "Traceback" not in finished.stderr
    for part in parts:
        assert part in finished.stderr
    assert nobody.data("public", "show") is None
