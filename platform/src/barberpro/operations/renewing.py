"""New certificates in time for names that are proved in DNS: the router renews the others itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from barberpro.deployment.dns_proof import ensure_certificate
from barberpro.errors import BarberProError
from barberpro.targets.local.platform import LocalPlatform
from barberpro.targets.local.publishing import facts_of
from barberpro.targets.local.tls import certified_names

LONGEST_SECONDS = 3600.0  # between two tries after failures: an authority counts them


def now() -> datetime:
    return datetime.now(UTC)


def renew_all(platform: LocalPlatform) -> Iterator[tuple[str, str]]:
    """Each name that is due: the name, and what went wrong, empty where nothing did. One that fails
    does not keep the others from theirs."""
    state = platform.store.platform()
    publishing = facts_of(platform.layout, state)
    for name in certified_names(platform.store.deployments()):
        try:
            if ensure_certificate(publishing, name, now):
                with platform.locked():
                    platform.sync_routes()
                yield name, ""
        except BarberProError as error:
            yield name, error.what


def watch(platform: LocalPlatform, say: Callable[[str], None]) -> None:
    """For as long as this process lives; after a failure later and later."""
    pause = least = float(
        ((public := platform.store.platform().public) and public.renew_check_seconds) or 600
    )
    while True:
        failed = False
        for name, problem in renew_all(platform):
            failed = failed or bool(problem)
            say(f"{name}: {problem or 'renewed'}")
        pause = min(pause * 2, max(LONGEST_SECONDS, least)) if failed else least
        time.sleep(pause)
