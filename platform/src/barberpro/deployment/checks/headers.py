"""Security headers, cookie flags and what error pages give away."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from http.cookies import CookieError, SimpleCookie

import httpx

from barberpro.planning.findings import Finding, Severity

MINIMUM_HSTS_SECONDS = 15_552_000  # 180 days, the least that scanners accept
LEAKS = re.compile(
    r"Traceback \(most recent|File \"[^\"]+\", line \d+|psycopg\.|asyncpg|sqlalchemy|"
    r"SELECT .+ FROM |PG::|site-packages|postgresql://|DETAIL: ",
)
VERSIONS = re.compile(r"/\d|\d+\.\d+")
HOSTILE_PATHS = (
    "/no-such-page-4f1d",
    "/api/v1/no-such-thing",
    "/api/v1/bookings/%27%20OR%201%3D1--",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/static/%2e%2e/settings.py",
    "/api/v1/bookings?limit=-1&from=%00",
)


def check_headers(response: httpx.Response) -> Iterator[Finding]:
    """Headers of one HTML page, against what protects its reader."""
    where = f"{response.request.method} {response.request.url.path}"
    headers = response.headers
    policy = headers.get("content-security-policy", "")
    yield from _transport_security(response, where)
    if "default-src" not in policy or _unsafe(policy):
        yield _header("content-security-policy", headers, where, "CSP level 3", Severity.BLOCKING)
    if headers.get("x-content-type-options", "").lower() != "nosniff":
        yield _header("x-content-type-options", headers, where, "Fetch §3.6", Severity.BLOCKING)
    framing = headers.get("x-frame-options", "").upper()
    if framing not in {"DENY", "SAMEORIGIN"} and "frame-ancestors" not in policy:
        yield _header("x-frame-options", headers, where, "clickjacking", Severity.BLOCKING)
    if not headers.get("referrer-policy"):
        yield _header(
            "referrer-policy", headers, where, "URLs may name a booking", Severity.WARNING
        )
    for name in ("server", "x-powered-by"):
        if VERSIONS.search(headers.get(name, "")):
            yield _header(name, headers, where, "it names a version", Severity.WARNING)


def _transport_security(response: httpx.Response, where: str) -> Iterator[Finding]:
    """Not asked of ``*.localhost``: HSTS would bind every other program on that name and machine."""
    host = response.request.url.host
    if host == "localhost" or host.endswith(".localhost"):
        return
    age = re.search(r"max-age=(\d+)", response.headers.get("strict-transport-security", ""))
    if age is None or int(age.group(1)) < MINIMUM_HSTS_SECONDS:
        name = "strict-transport-security"
        yield _header(name, response.headers, where, "RFC 6797", Severity.BLOCKING)


def _unsafe(policy: str) -> bool:
    """Scripts from anywhere, or inline without a nonce or hash."""
    directives = {part.split()[0]: part.split()[1:] for part in policy.split(";") if part.split()}
    scripts = directives.get("script-src", directives.get("default-src", []))
    return bool({"*", "'unsafe-inline'", "'unsafe-eval'", "http:", "https:"} & set(scripts))


def _header(name: str, headers: httpx.Headers, where: str, why: str, severity: Severity) -> Finding:
    value = headers.get(name)
    shown = "is missing" if value is None else f"is {value!r}"
    return Finding(
        id=f"header-{name}",
        severity=severity,
        what=f"the header {name} {shown}",
        where=where,
        why=why,
        mend="deploy a release whose router or app sets it",
        evidence=f"{name}: {value}",
    )


def check_cookies(responses: Iterable[httpx.Response]) -> Iterator[Finding]:
    """Every cookie must be Secure, HttpOnly and SameSite."""
    for response in responses:
        where = f"{response.request.method} {response.request.url.path}"
        for header in response.headers.get_list("set-cookie"):
            jar: SimpleCookie = SimpleCookie()
            try:
                jar.load(header)
            except CookieError as error:
                yield _cookie(header.split("=", 1)[0], f"cannot be read: {error}", where)
                continue
            for name, morsel in jar.items():
                lacking = [
                    flag
                    for flag, there in (
                        ("Secure", bool(morsel["secure"])),
                        ("HttpOnly", bool(morsel["httponly"])),
                        ("SameSite", morsel["samesite"].lower() in {"lax", "strict"}),
                    )
                    if not there
                ]
                if lacking:
                    yield _cookie(name, f"lacks {', '.join(lacking)}", where)


def _cookie(name: str, fault: str, where: str) -> Finding:
    return Finding(
        id=f"cookie-{re.sub(r'[^a-z0-9]+', '-', name.lower())}",
        severity=Severity.BLOCKING,
        what=f"the cookie {name} {fault}",
        where=where,
        why="OWASP ASVS 5.0 V3.3",
        mend="deploy a release that sets it right",
    )


def check_error_pages(client: httpx.Client) -> Iterator[Finding]:
    """Hostile addresses are answered with a plain error: no 5xx, no inside of the program."""
    for path in HOSTILE_PATHS:
        response = client.get(path)
        leak = LEAKS.search(response.text)
        if leak:
            yield _error_page(path, f"gives away {leak.group(0)[:60]!r}", response.text[:200])
        if response.status_code >= 500:
            yield _error_page(path, f"answers {response.status_code}", response.text[:200])


def _error_page(path: str, fault: str, evidence: str) -> Finding:
    return Finding(
        id="error-page-leak",
        severity=Severity.BLOCKING,
        what=f"GET {path} {fault}",
        where=path,
        why="OWASP ASVS 5.0 V16.5.1",
        mend="deploy a release that answers it with a plain error",
        evidence=evidence,
    )
