"""How often somebody may do something: the generic cell rate algorithm, in memory, bounded.

One float per key (the theoretical arrival time, ITU-T I.371 §A.2), no thread, at most `capacity`
keys, so that nobody fills the memory by changing addresses. Each process counts for itself: with N
processes the limit is at most N times as high.
"""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from barberpro_app.kit.errors import AppError


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `amount` at once and `amount` per `seconds` on average."""

    name: str
    amount: int
    seconds: float


class TooManyRequestsError(AppError):
    """Too many of these in a short time; wait and try again."""

    code = "too_many_requests"
    status = 429

    def __init__(self, wait_seconds: float) -> None:
        super().__init__()
        self.wait_seconds = max(1, math.ceil(wait_seconds))
        self.headers = {"Retry-After": str(self.wait_seconds)}  # RFC 9110 §10.2.3


#: The limits of this product. An address of a mobile network stands for many people.
SIGN_IN_PER_ADDRESS = Limit("sign-in-address", 5, 900)
SIGN_IN_PER_NETWORK = Limit("sign-in-network", 30, 900)
REDEEM_PER_NETWORK = Limit("redeem-network", 60, 900)
TOKEN_PER_NETWORK = Limit("token-network", 120, 60)
TOKEN_FAILURES_PER_CLIENT = Limit("token-failures", 10, 60)
HOLDS_PER_NETWORK = Limit("holds-network", 60, 600)


class RateLimiter:
    """Counts for one process; the composition root puts one at `app.state.rate_limiter`."""

    def __init__(
        self, *, capacity: int = 20_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._capacity = capacity
        self._clock = clock
        self._arrivals: OrderedDict[tuple[str, str], float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._arrivals)

    def hit(self, limit: Limit, key: str) -> float:
        """Counts one; 0.0 if it is within the limit, else the seconds to wait (and not counted)."""
        now = self._clock()
        spacing = limit.seconds / limit.amount
        arrival = max(self._arrivals.get((limit.name, key), now), now)
        wait = arrival + spacing - limit.seconds - now
        if wait > 1e-9:
            return min(wait, limit.seconds)  # a sum of floats may pass it by its last bit
        self._arrivals[limit.name, key] = arrival + spacing
        self._arrivals.move_to_end((limit.name, key))
        if len(self._arrivals) > self._capacity:
            self._arrivals.popitem(last=False)
        return 0.0

    def waiting(self, limit: Limit, key: str) -> float:
        """As `hit`, without counting."""
        now = self._clock()
        arrival = max(self._arrivals.get((limit.name, key), now), now)
        return max(0.0, arrival + limit.seconds / limit.amount - limit.seconds - now)

    def check(self, limit: Limit, key: str) -> None:
        """Counts one; raises `TooManyRequestsError` (429 with Retry-After) past the limit."""
        wait = self.hit(limit, key)
        if wait > 0:
            raise TooManyRequestsError(wait)


def network_of(address: str) -> str:
    """What counts as one caller: an IPv4 address, or the /64 of an IPv6 address (RFC 6177)."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.IPv6Network((parsed, 64), strict=False))
    return str(parsed)
