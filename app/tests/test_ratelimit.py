"""Limits: never more than allowed in any window, never unbounded memory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barberpro_app.kit.ratelimit import Limit, RateLimiter, TooManyRequestsError, network_of


@given(
    st.integers(1, 8),
    st.floats(1, 100),
    st.lists(st.floats(0, 30), min_size=1, max_size=80),
)
def test_no_window_sees_more_than_a_burst_and_its_share(
    amount: int, seconds: float, gaps: list[float]
) -> None:
    now = [0.0]
    limiter = RateLimiter(clock=lambda: now[0])
    limit = Limit("l", amount, seconds)
    allowed = []
    for gap in gaps:
        now[0] += gap
        if limiter.hit(limit, "k") == 0:
            allowed.append(now[0])
    for start in range(len(allowed)):
        inside = [moment for moment in allowed[start:] if moment - allowed[start] < seconds]
        assert len(inside) <= 2 * amount
    share = amount + (now[0] / seconds) * amount + 1
    assert len(allowed) <= share


@given(st.integers(1, 10), st.floats(1, 1000))
def test_a_burst_is_allowed_then_the_wait_is_enough(amount: int, seconds: float) -> None:
    now = [5.0]
    limiter = RateLimiter(clock=lambda: now[0])
    limit = Limit("l", amount, seconds)
    assert [limiter.hit(limit, "k") for _ in range(amount)] == [0.0] * amount
    wait = limiter.hit(limit, "k")
    assert 0 < wait <= seconds
    assert limiter.hit(limit, "other") == 0
    now[0] += wait + 1e-6
    assert limiter.hit(limit, "k") == 0


def test_a_refusal_says_how_long() -> None:
    limiter = RateLimiter(clock=lambda: 0.0)
    limit = Limit("l", 1, 90)
    limiter.check(limit, "k")
    with pytest.raises(TooManyRequestsError) as refused:
        limiter.check(limit, "k")
    assert refused.value.headers == {"Retry-After": "90"}
    assert refused.value.status == 429


def test_memory_is_bounded() -> None:
    limiter = RateLimiter(capacity=100)
    for number in range(1000):
        limiter.hit(Limit("l", 1, 60), str(number))
    assert len(limiter) == 100
    assert limiter.hit(Limit("l", 1, 60), "999") > 0


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("", "unknown"),
        ("nonsense", "unknown"),
    ],
)
def test_an_ipv6_house_is_one_caller(address: str, network: str) -> None:
    assert network_of(address) == network
