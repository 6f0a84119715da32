"""The composed application: ids, headers, problems, bounds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import Request
from fastapi.responses import Response
from hypothesis import given
from hypothesis import strategies as st
from support_accounts import ORIGIN, Accounts, Caller, bearer

from barberpro_app.application import LARGEST_BODY, create_application
from barberpro_app.kit.crosssite import is_cross_site
from barberpro_app.kit.headers import security_headers
from barberpro_app.kit.problems import Problem, problem_response


@pytest.fixture
def accounts(tmp_path: Path, migrated_url: str) -> Accounts:
    return Accounts.make(tmp_path, migrated_url)


@pytest.fixture
def browser(accounts: Accounts) -> Iterator[Caller]:
    with accounts.browser() as caller:
        yield caller


def test_request_ids_are_kept_if_plausible_and_made_if_not(browser: Caller) -> None:
    for given_id, kept in (
        ("router-0123456789", True),
        ("short", False),
        ("x" * 65, False),
        ("with space in it", False),
        ("<script>alert</script>", False),
    ):
        answer = browser.get("/api/v1/nothing", headers={"X-Request-Id": given_id})
        returned = answer.headers["x-request-id"]
        assert (returned == given_id) is kept, given_id
        assert answer.json()["request_id"] == returned
    assert (
        browser.get("/health").headers["x-request-id"]
        != browser.get("/health").headers["x-request-id"]
    )


def test_every_answer_has_the_security_headers(browser: Caller) -> None:
    wanted = security_headers(ORIGIN)
    for path in (
        "/",
        "/health",
        "/nothing",
        "/api/v1/nothing",
        "/api/v1/me",
        "/openapi.json",
        "/metrics",
    ):
        headers = browser.get(path).headers
        for name, value in wanted.items():
            assert headers.get_list(name) == [value], (path, name)
        assert "server" not in headers
    assert "unsafe" not in wanted["content-security-policy"]
    assert browser.get("/api/v1/me").headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://turnos.example.com.ar", True),
        ("https://shop.localhost:8443", False),
        ("https://localhost", False),
        ("http://turnos.example.com.ar", False),
    ],
)
def test_hsts_only_where_it_hurts_nobody(url: str, expected: bool) -> None:
    assert ("strict-transport-security" in security_headers(url)) is expected


def test_problems_have_one_form(browser: Caller) -> None:
    for method, path, options, status, code in (
        ("GET", "/api/v1/nothing", {}, 404, "not_found"),
        ("PUT", "/health", {}, 405, "method_not_allowed"),
        ("GET", "/api/v1/audit", {}, 401, "unauthenticated"),
        ("GET", "/api/v1/staff/x", {"headers": bearer("x")}, 401, "invalid_token"),
    ):  # fmt: skip
        answer = browser.request(method, path, **options)
        body = answer.json()
        assert (answer.status_code, body["status"], body["code"]) == (status, status, code)
        assert answer.headers["content-type"] == "application/problem+json"
        assert set(body) >= {"title", "detail", "request_id"}


def test_a_browser_gets_a_page_and_a_program_a_problem(browser: Caller) -> None:
    html = browser.get("/nothing", headers={"Accept": "text/html"})
    assert (html.status_code, html.headers["content-type"].partition(";")[0]) == (404, "text/html")
    assert browser.get("/nothing").headers["content-type"] == "application/problem+json"
    api = browser.get("/api/v1/nothing", headers={"Accept": "text/html"})
    assert api.headers["content-type"] == "application/problem+json"


def test_the_unexpected_is_a_500_that_tells_nothing(accounts: Accounts) -> None:
    application = create_application(accounts.settings)

    @application.get("/api/v1/broken")
    async def broken() -> None:
        raise RuntimeError("the password is hunter2")

    caller = Caller(application)
    caller.start()
    try:
        answer = caller.get("/api/v1/broken")
        assert (answer.status_code, answer.json()["code"]) == (500, "unexpected")
        assert "hunter2" not in answer.text
        assert answer.headers["x-request-id"] in answer.json()["detail"]
        assert "content-security-policy" in answer.headers
        assert caller.get("/health").status_code == 200
    finally:
        caller.stop()


def test_large_and_broken_bodies(accounts: Accounts, browser: Caller) -> None:
    headers = {
        **bearer(accounts.token(browser, "settings:write")),
        "Content-Type": "application/json",
    }
    for content, status in (
        (b'{"name": "' + b"x" * LARGEST_BODY + b'"}', 413),
        (b"{", 422),
        (b"\xff\xfe", 422),
        (b'{"name": "\\ud800"}', 422),
        (b"[" * 5000, 400),
        (b"null", 422),
        (b"", 422),
    ):
        answer = browser.post("/api/v1/staff", content=content, headers=headers)
        assert answer.status_code == status, content[:20]
        assert answer.json()["code"]
        assert b"x" * 100 not in answer.content


def test_faults_name_the_field_and_never_repeat_the_value(
    accounts: Accounts, browser: Caller
) -> None:
    headers = bearer(accounts.token(browser, "settings:write"))
    body = {"email": "clara-at-example.com", "name": "C", "role": "reception"}
    answer = browser.post("/api/v1/staff", json=body, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["field"] == "email"
    assert "clara" not in answer.text


@given(
    st.dictionaries(
        st.sampled_from([b"origin", b"sec-fetch-site", b"host", b"authorization", b"cookie"]),
        st.sampled_from([b"", b"null", b"https://shop.example", b"https://evil.example", b"cross-site",
                         b"same-origin", b"same-site", b"none", b"shop.example"]),
    )
)  # fmt: skip
def test_what_counts_as_another_site(headers: dict[bytes, bytes]) -> None:
    refused = is_cross_site(headers.items(), "https://shop.example", "https")
    if b"authorization" in headers:
        assert not refused
    elif b"sec-fetch-site" in headers:
        assert refused is (headers[b"sec-fetch-site"] not in {b"same-origin", b"none"})
    elif b"origin" in headers:
        own = {b"https://shop.example", b"https://" + headers.get(b"host", b"")}
        assert refused is (headers[b"origin"] not in own)
    else:
        assert not refused


def test_a_problem_is_what_the_standard_says() -> None:
    response = problem_response(Problem(409, "slot_taken", "Taken.", "id-1", "starts_at"))
    assert json.loads(bytes(response.body)) == {
        "title": "Conflict", "status": 409, "code": "slot_taken", "detail": "Taken.",
        "request_id": "id-1", "field": "starts_at",
    }  # fmt: skip
    assert response.headers["cache-control"] == "no-store"


def test_absolute_links_ignore_the_host_header(browser: Caller) -> None:
    page = browser.get("/", headers={"Host": "evil.example", "Accept": "text/html"})
    assert page.status_code in {200, 303}
    assert "evil.example" not in page.text + str(page.headers)


def test_the_error_page_hook_gets_the_problem(accounts: Accounts) -> None:
    application = create_application(accounts.settings)
    seen: list[Problem] = []

    def page(_request: Request, problem: Problem) -> Response:
        seen.append(problem)
        return Response("page", problem.status, media_type="text/html")

    application.state.error_page = page
    caller = Caller(application)
    caller.start()
    try:
        answer = caller.get("/nothing", headers={"Accept": "text/html,*/*"})
        assert (answer.status_code, answer.text) == (404, "page")
        assert [problem.code for problem in seen] == ["not_found"]
    finally:
        caller.stop()


def test_openapi_shows_scopes_and_problems(browser: Caller) -> None:
    schema = browser.get("/openapi.json").json()
    flow = schema["components"]["securitySchemes"]["oauth2"]["flows"]["clientCredentials"]
    assert flow["tokenUrl"] == "/oauth/token"
    assert "bookings:write" in flow["scopes"]
    assert schema["paths"]["/api/v1/staff"]["post"]["security"] == [{"oauth2": ["settings:write"]}]
    assert schema["paths"]["/api/v1/services"]["get"]["security"] == [
        {},
        {"oauth2": ["catalog:read"]},
    ]
    manual = (Path(__file__).parents[2] / "docs/reference/api.md").read_text(encoding="utf-8")
    for path, methods in schema["paths"].items():
        for method in methods:
            assert f"`{method.upper()} {path}`" in manual, "docs/reference/api.md lacks it"
    assert not any(path.startswith(("/entrar", "/agenda")) for path in schema["paths"])
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            assert operation.get("summary") or operation.get("description"), (method, path)
