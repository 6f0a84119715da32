"""Calls of a provider's HTTP API that survive a slow or busy peer."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import requests

from barberpro.adapters.dns.records import DnsError, DnsPassingError

TIMEOUT_SECONDS = 10.0
TRIES = 4
LONGEST_WAIT_SECONDS = 20.0
BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})


def call(
    method: str,
    url: str,
    *,
    title: str,
    sleep: Callable[[float], None] = time.sleep,
    **arguments: Any,
) -> requests.Response:
    """One request; what is safe to repeat is repeated with back-off, and a ``Retry-After`` obeyed.

    All calls made here are: each sets or removes a whole record set. Redirects are not followed,
    since they would carry the credentials elsewhere.
    """
    problem = ""
    for attempt in range(1, TRIES + 1):
        try:
            answer = requests.request(
                method, url, timeout=TIMEOUT_SECONDS, allow_redirects=False, **arguments
            )
        except requests.RequestException as error:
            problem, wait = type(error).__name__, 0.5 * 2**attempt
        else:
            if answer.status_code not in BUSY:
                return answer
            problem, wait = f"answers {answer.status_code}", _patience(answer, attempt)
        if attempt < TRIES:
            sleep(min(wait, LONGEST_WAIT_SECONDS))
    raise DnsPassingError(f"{title} {problem} after {TRIES} tries", where=url)


def _patience(answer: requests.Response, attempt: int) -> float:
    said = answer.headers.get("Retry-After", "")
    return float(said) if said.isdigit() else 0.5 * 2**attempt


def refused(answer: requests.Response, title: str, reason: str, mend: str) -> DnsError:
    return DnsError(f"{title} answers {answer.status_code}: {reason}", where=answer.url, mend=mend)
