"""Header, cookie, cache, error page and compliance checks against pages that misbehave."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support_https import Answer, Headers, HttpsServer, Request, https_server

from barberpro.deployment.checks import compliance
from barberpro.deployment.checks.caching import check_personal, check_static
from barberpro.deployment.checks.client import open_client
from barberpro.deployment.checks.headers import check_cookies, check_error_pages, check_headers
from barberpro.deployment.checks.pages import Page
from barberpro.planning.findings import Finding, Severity

POLICY = "default-src 'self'; frame-ancestors 'none'"
GOOD: Headers = [
    ("Content-Security-Policy", POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
]
FRONT = """<html lang="es-AR"><h1>Corte Real</h1><p>hola@corte.example</p><p>$ 12.000</p>
<link rel="stylesheet" href="/static/app.css"><script src="/static/app.js"></script>
<a href="/reservar?servicio=1">Corte</a><a href="/arrepentimiento">Bot&oacute;n de
arrepentimiento</a><a href="/privacidad">Privacidad</a><a href="https://elsewhere.example">x</a>
<form method="post" action="/reservar"><input type="hidden" name="csrf" value="k"><input
type="checkbox" name="whatsapp"><button name="inicio" value="10">10</button></form></html>"""
BRAND = {"name": "Corte Real", "contact_email": "hola@corte.example"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[HttpsServer]:
    with https_server(tmp_path, lambda _request: Answer(body=FRONT, headers=GOOD)) as running:
        yield running


@pytest.fixture
def client(server: HttpsServer) -> Iterator[httpx.Client]:
    with open_client(server.access, preview=False) as opened:
        yield opened


def ids(findings: Iterator[Finding], severity: Severity = Severity.BLOCKING) -> list[str]:
    return [finding.id for finding in findings if finding.severity is severity]


def without(name: str, value: str | None = None) -> Headers:
    kept = [pair for pair in GOOD if pair[0] != name]
    return kept if value is None else [*kept, (name, value)]


def test_good_headers_pass(client: httpx.Client) -> None:
    assert list(check_headers(client.get("/"))) == []


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        (without("X-Content-Type-Options"), "header-x-content-type-options"),
        (
            without("Content-Security-Policy", "default-src *; frame-ancestors 'none'"),
            "header-content-security-policy",
        ),
        (
            without("Content-Security-Policy", f"script-src 'unsafe-inline'; {POLICY}"),
            "header-content-security-policy",
        ),
        (without("Content-Security-Policy", "default-src 'self'"), "header-x-frame-options"),
    ],
)
def test_a_missing_or_weak_header_is_found(
    server: HttpsServer, client: httpx.Client, headers: Headers, found: str
) -> None:
    server.respond = lambda _request: Answer(headers=headers)
    assert ids(check_headers(client.get("/"))) == [found]


def test_a_server_that_names_its_version_is_warned_of(
    server: HttpsServer, client: httpx.Client
) -> None:
    server.respond = lambda _request: Answer(headers=[*GOOD, ("X-Powered-By", "PHP/5.2")])
    assert ids(check_headers(client.get("/")), Severity.WARNING) == ["header-x-powered-by"]


def test_hsts_is_asked_of_public_names_alone() -> None:
    request = httpx.Request("GET", "https://psicologia.salud.ar/")
    response = httpx.Response(200, headers=GOOD, request=request)
    assert ids(check_headers(response)) == ["header-strict-transport-security"]
    response.headers["strict-transport-security"] = "max-age=31536000"
    assert ids(check_headers(response)) == []


def test_cookies_without_their_flags_are_found(server: HttpsServer, client: httpx.Client) -> None:
    safe = "__Host-session=1; Path=/; Secure; HttpOnly; SameSite=Lax"
    server.respond = lambda _request: Answer(
        headers=[("Set-Cookie", safe), ("Set-Cookie", "bad=1; Path=/; HttpOnly")]
    )
    (finding,) = check_cookies([client.get("/")])
    assert (finding.id, finding.what) == ("cookie-bad", "the cookie bad lacks Secure, SameSite")


def test_an_error_page_that_shows_the_inside_is_found(
    server: HttpsServer, client: httpx.Client
) -> None:
    server.respond = lambda _request: Answer(404, "nada por acá")
    assert list(check_error_pages(client)) == []

    def leaky(request: Request) -> Answer:
        if "%00" in request.path:
            return Answer(500, "Traceback (most recent call last):")
        return Answer(404, "no")

    server.respond = leaky
    found = list(check_error_pages(client))
    assert {finding.id for finding in found} == {"error-page-leak"}
    assert len(found) == 2


def test_static_files_and_personal_pages_are_judged_apart(
    server: HttpsServer, client: httpx.Client
) -> None:
    forever = ("Cache-Control", "public, max-age=31536000, immutable")

    def respond(request: Request) -> Answer:
        return Answer(headers=[forever] if request.path.endswith(".css") else [])

    server.respond = respond
    page = Page(str(client.get("/").url), FRONT)
    assert ids(check_static(client, page), Severity.WARNING) == ["cache-static-app-js"]
    assert ids(check_personal([client.get("/mis-reservas")])) == ["cache-mis-reservas"]
    server.respond = lambda _request: Answer(404)
    assert len(ids(check_static(client, page))) == 2


def front(client: httpx.Client) -> Page:
    response = client.get("/")
    return Page(str(response.url), response.text)


def test_the_regret_button_must_be_there_and_open(
    server: HttpsServer, client: httpx.Client
) -> None:
    assert ids(compliance.check_consumer_buttons(client, front(client))) == []
    page = front(client)
    server.respond = lambda _request: Answer(303, headers=[("Location", "/entrar")])
    assert ids(compliance.check_consumer_buttons(client, page)) == ["compliance-consumer-buttons"]
    server.respond = lambda _request: Answer(body="<a href='/x'>Contacto</a>")
    found = compliance.check_consumer_buttons(client, front(client))
    assert ids(found) == ["compliance-consumer-buttons"]


def test_the_privacy_notice_must_name_law_and_authority(
    server: HttpsServer, client: httpx.Client
) -> None:
    page = front(client)
    found = list(compliance.check_privacy_notice(client, page))
    assert [f.control for f in found if f.severity is Severity.BLOCKING] == [
        "AR-25326-6", "AR-AAIP-14-2018",
    ]  # fmt: skip
    text = "<p>Ley 25.326. Agencia de Acceso a la Información Pública</p>"
    server.respond = lambda _request: Answer(body=text)
    assert ids(compliance.check_privacy_notice(client, page)) == []
    assert ids(compliance.check_privacy_notice(client, Page(page.url, "<p>"))) == [
        "compliance-privacy-notice"
    ]


@pytest.mark.parametrize(
    "markup",
    [
        '<img src="https://tracker.example/p.gif">',
        '<script src="//cdn.example/x.js"></script>',
        '<link rel="preconnect" href="https://fonts.example">',
        "<style>@import 'https://fonts.example/a.css';</style>",
        '<p style="background:url(https://img.example/a.png)">',
        '<img srcset="/a.png 1x, https://img.example/b.png 2x">',
    ],
)
def test_whatever_loads_from_elsewhere_is_found(markup: str) -> None:
    clean, dirty = Page("https://shop.localhost/", FRONT), Page("https://shop.localhost/", markup)
    assert ids(compliance.check_third_parties([clean], [])) == []
    assert ids(compliance.check_third_parties([clean, dirty], [])) == [
        "compliance-third-party-requests"
    ]


@pytest.mark.parametrize(
    "field", ['name="card_number"', 'autocomplete="cc-csc" name="a"', 'name="a" id="cvv"']
)
def test_a_field_for_a_card_is_found(field: str) -> None:
    page = Page("https://shop.localhost/", f"<form><input {field}></form>")
    assert ids(compliance.check_card_fields([page])) == ["compliance-no-card-data"]
    assert ids(compliance.check_card_fields([Page(page.url, FRONT)])) == []


def test_a_box_ticked_beforehand_is_no_consent() -> None:
    ticked = FRONT.replace('name="whatsapp"', 'name="whatsapp" checked')
    page = Page("https://shop.localhost/", FRONT)
    assert ids(compliance.check_consent([page])) == []
    assert ids(compliance.check_consent([Page(page.url, ticked)])) == ["compliance-consent"]


def test_prices_in_dollars_are_found() -> None:
    page = Page("https://shop.localhost/", FRONT)
    assert [f.severity for f in compliance.check_offer(page, BRAND, "ARS")] == [Severity.INFO] * 2
    dollars = Page(page.url, FRONT.replace("$ 12.000", "US$ 12"))
    assert ids(compliance.check_offer(dollars, BRAND, "ARS")) == ["compliance-prices-in-pesos"]


def test_secrets_that_others_can_read_are_found(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir(mode=0o700)
    assert ids(compliance.check_secret_files(folder)) == ["compliance-secret-files"]
    key = folder / "session-key"
    key.write_text("k")
    key.chmod(0o600)
    assert ids(compliance.check_secret_files(folder)) == []
    key.chmod(0o640)
    assert ids(compliance.check_secret_files(folder)) == ["compliance-secret-files"]


def test_a_form_is_read_as_a_browser_would_send_it() -> None:
    page = Page(
        "https://shop.localhost/reservar?dia=1",
        """<form method=post><input name=csrf value=k><input type=radio name=p value=a><input
        type=radio name=p value=b checked><select name=s><option value=1><option value=2
        selected></select><textarea name=n></textarea><button name=inicio value=10:00>10</button>
        <input type=checkbox name=c></form>""",
    )
    (form,) = page.forms
    assert form.action == "https://shop.localhost/reservar?dia=1"
    assert form.fields == {"csrf": "k", "p": "b", "s": "2", "n": ""}
    assert form.choices["p"] == ["a", "b"]
    assert form.choices["inicio"] == ["10:00"]


@given(st.text())
def test_no_page_however_broken_stops_a_check(html: str) -> None:
    page = Page("https://shop.localhost/", f"<form><input name='{html}'></form>{html}")
    assert isinstance(page.foreign(), list)
    assert len(list(compliance.check_card_fields([page]))) == 1
