"""Charts stay within their drawing, and targets keep to their equation."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barberpro_app.nutrition.targets import (
    FACTORS,
    Body,
    daily_targets,
    resting_kcal,
    years_between,
)
from barberpro_app.web.body.charts import (
    BOTTOM,
    HEIGHT,
    LEFT,
    TOP,
    WIDTH,
    bar_chart,
    line_chart,
    ticks_of,
)

VALUES = st.floats(-5000, 100_000, allow_nan=False).map(lambda value: round(value, 3))
START = date(2025, 1, 1)


@given(VALUES, VALUES)
def test_ticks_are_few_and_hold_both_ends(one: float, other: float) -> None:
    low, high = sorted((one, other))
    ticks = ticks_of(low, high)
    assert 2 <= len(ticks) <= 7
    assert ticks[0] <= low + 1e-5
    assert ticks[-1] >= high - 1e-5
    assert ticks == sorted(set(ticks))


@given(st.lists(st.tuples(st.integers(0, 900), VALUES), min_size=1, max_size=50), VALUES)
def test_every_dot_is_within_the_drawing(found: list[tuple[int, float]], target: float) -> None:
    days = sorted(dict(found).items())
    chart = line_chart([(START + timedelta(days=day), value) for day, value in days], target)
    assert len(chart.dots) == len(days)
    for dot in chart.dots:
        assert LEFT <= dot.x <= WIDTH
        assert TOP - 1 <= dot.y <= HEIGHT - BOTTOM + 1
    assert chart.target is not None
    assert TOP - 1 <= chart.target <= HEIGHT - BOTTOM + 1
    assert [dot.x for dot in chart.dots] == sorted(dot.x for dot in chart.dots)


@given(st.lists(st.floats(0, 10_080), min_size=1, max_size=12))
def test_bars_stand_on_the_ground(found: list[float]) -> None:
    weeks = [(START + timedelta(weeks=i), value) for i, value in enumerate(found)]
    for bar in bar_chart(weeks).bars:
        assert bar.y + bar.height == pytest.approx(HEIGHT - BOTTOM, abs=0.2)
        assert bar.height >= 0


@pytest.mark.parametrize(
    ("body", "resting"),
    [
        (Body("male", 30, 180, 80, "sedentary", "keep"), 1780.0),
        (Body("female", 25, 165, 60, "moderate", "keep"), 1345.25),
    ],
)
def test_the_resting_energy_is_that_of_the_paper(body: Body, resting: float) -> None:
    """10 kg + 6.25 cm - 5 years, + 5 or - 161 (Mifflin and St Jeor, 1990)."""
    assert resting_kcal(body) == resting
    assert daily_targets(body).kcal == round(resting * FACTORS[body.activity])


BODIES = st.builds(
    Body,
    st.sampled_from(["female", "male"]),
    st.integers(18, 100),
    st.floats(120, 220),
    st.floats(30, 300),
    st.sampled_from(sorted(FACTORS)),
    st.sampled_from(["lose", "keep", "gain"]),
)


@given(BODIES)
def test_the_nutrients_make_up_the_energy_and_nobody_is_starved(body: Body) -> None:
    found = daily_targets(body)
    assert found.kcal >= found.resting_kcal
    energy = 4 * found.protein_g + 4 * found.carbohydrate_g + 9 * found.fat_g
    assert energy == pytest.approx(found.kcal, abs=12)
    assert found.carbohydrate_g >= 0


def test_minors_get_no_targets() -> None:
    with pytest.raises(ValueError, match="adults"):
        daily_targets(Body("female", 17, 165, 60, "moderate", "keep"))
    assert years_between(date(2008, 2, 29), date(2026, 2, 28)) == 17
    assert years_between(date(2008, 2, 29), date(2026, 3, 1)) == 18
