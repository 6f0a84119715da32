"""What caches may keep: static files for ever, personal pages not at all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

import httpx

from barberpro.deployment.checks.pages import Page
from barberpro.planning.findings import Finding, Severity

LEAST_SECONDS = 30 * 86400
WHY = "RFC 9111: a shared cache must neither lose what is public nor keep what is personal"


def check_static(client: httpx.Client, page: Page) -> Iterator[Finding]:
    """Whatever the page loads from its own origin is kept by caches and never changes in place."""
    kept = 0
    for url in sorted(set(page.loads)):
        parts = urlsplit(url)
        if parts.netloc != urlsplit(page.url).netloc or not parts.scheme.startswith("http"):
            continue
        response = client.get(url)
        control = response.headers.get("cache-control", "")
        age = re.search(r"max-age=(\d+)", control)
        if response.status_code != 200:
            yield _finding(
                f"{parts.path} answers {response.status_code}", parts.path, control, True
            )
        elif "immutable" in control and age and int(age.group(1)) >= LEAST_SECONDS:
            kept += 1
        else:
            yield _finding(f"{parts.path} is fetched again and again", parts.path, control, False)
    yield Finding(
        id="static-files-cacheable",
        severity=Severity.INFO,
        what=f"{kept} static files of {urlsplit(page.url).path} are immutable for caches",
        where=page.url,
        why=WHY,
    )


def check_personal(responses: Iterable[httpx.Response]) -> Iterator[Finding]:
    """No cache may keep a page that is one person's."""
    for response in responses:
        control = response.headers.get("cache-control", "").lower()
        if "no-store" not in control:
            path = response.request.url.path
            yield _finding(f"{path} is personal and may be kept by a cache", path, control, True)


def _finding(what: str, where: str, control: str, blocking: bool) -> Finding:
    return Finding(
        id="cache-" + re.sub(r"[^a-z0-9]+", "-", where.lower()).strip("-"),
        severity=Severity.BLOCKING if blocking else Severity.WARNING,
        what=what,
        where=where,
        why=WHY,
        mend="deploy a release that sets Cache-Control there",
        evidence=f"cache-control: {control}",
    )
