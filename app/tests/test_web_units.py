"""Colours, formats, forms, languages and lanes: what always holds."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barberpro_app.brand import colours
from barberpro_app.kit.latin import plain
from barberpro_app.web.parts import lanes, picker
from barberpro_app.web.parts.lanes import Span
from barberpro_app.web.site import language, theme
from barberpro_app.web.site.assets import icon
from barberpro_app.web.site.formatting import Formats
from barberpro_app.web.site.forms import Form, clean, parse_day, parse_key

BUENOS_AIRES = ZoneInfo("America/Argentina/Buenos_Aires")
SPANISH = Formats("es-AR", "ARS", BUENOS_AIRES)
ENGLISH = Formats("en", "ARS", BUENOS_AIRES)
COLOURS = st.from_regex(r"#[0-9a-f]{6}", fullmatch=True)
START = datetime(2026, 11, 24, 12, tzinfo=UTC)
SPANS = st.lists(
    st.tuples(st.integers(0, 600), st.integers(1, 120)).map(
        lambda pair: Span(
            START + timedelta(minutes=pair[0]), START + timedelta(minutes=pair[0] + pair[1])
        )
    ),
    max_size=8,
)


def schemes(css: str) -> list[dict[str, colours.Colour]]:
    """The custom properties for light and for dark."""
    return [
        {
            name.strip().removeprefix("--"): colours.parse(value)
            for name, _, value in (part.partition(":") for part in block.split(";"))
            if value
        }
        for block in (piece.partition("}")[0] for piece in css.split(":root{")[1:])
    ]


@given(COLOURS, COLOURS)
def test_any_brand_is_readable_in_light_and_dark(primary: str, accent: str) -> None:
    light, dark = schemes(theme.stylesheet(primary, accent))
    surfaces = [
        (light, (colours.LIGHT_PAGE, colours.LIGHT_SURFACE)),
        (dark, (colours.DARK_SURFACE, colours.DARK_RAISED)),
    ]
    for scheme, backgrounds in surfaces:
        assert colours.contrast(scheme["brand"], scheme["on-brand"]) >= 4.5
        assert colours.contrast(scheme["brand-strong"], scheme["on-brand"]) >= 4.5
        for background in (*backgrounds, scheme["brand-tint"]):
            assert colours.contrast(scheme["brand-ink"], background) >= 4.5


def test_contrast_is_that_of_wcag() -> None:
    assert colours.contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert colours.contrast((119, 119, 119), (255, 255, 255)) == pytest.approx(4.48, abs=0.01)


@given(st.text(max_size=12))
def test_no_colour_breaks_out_of_the_stylesheet(value: str) -> None:
    css = theme.stylesheet(value, value)
    assert css.count("{") == css.count("}") == 3
    assert "url" not in css


@given(st.text(max_size=30))
def test_no_name_breaks_out_of_the_icon(name: str) -> None:
    assert icon(name, "#000000", "#ffffff").count("<") == 5


@pytest.mark.parametrize(
    ("centavos", "spanish", "english"),
    [
        (1_200_000, "$\u00a012.000", "$\u00a012,000"),
        (1_234_550, "$\u00a012.345,50", "$\u00a012,345.50"),
        (0, "$\u00a00", "$\u00a00"),
        (-500, "-$\u00a05", "-$\u00a05"),
    ],
)
def test_money(centavos: int, spanish: str, english: str) -> None:
    assert SPANISH.money(centavos) == spanish
    assert ENGLISH.money(centavos) == english


def test_days_and_hours_are_those_of_the_place() -> None:
    late = datetime(2026, 11, 25, 1, 30, tzinfo=UTC)
    assert SPANISH.moment(late) == "martes 24 de noviembre, 22:30"
    assert ENGLISH.moment(late) == "Tuesday, November 24, 22:30"
    assert SPANISH.duration(90) == "1\u00a0h\u00a030\u00a0min"
    assert SPANISH.day_part(late) == "evening"


@given(st.integers(0, 100_000_000_00))
def test_money_that_is_written_is_money_that_is_read(centavos: int) -> None:
    for fmt in (SPANISH, ENGLISH):
        form = Form({"p": [fmt.money(centavos)]})
        assert (form.centavos("p"), form.problems) == (centavos, {})


@given(st.text(max_size=40))
def test_whatever_is_typed_gives_a_value_or_a_problem(text: str) -> None:
    form = Form({"x": [text]})
    assert isinstance(form.centavos("x"), int)
    form.integer("x", least=1, most=9)
    form.email("x")
    form.phone("x", country="AR")
    form.clock("x")
    form.day("x")
    form.key("x")
    form.version()
    assert parse_key(text) is None
    assert parse_day(text) is None or len(text) == 10
    assert picker.parse_instant(text) is None or "T" in text or len(text) > 10


@given(st.text(max_size=60))
def test_clean_text_has_nothing_invisible(text: str) -> None:
    cleaned = clean(text)
    assert cleaned == clean(cleaned)
    assert not set(cleaned) & set("\x00\x1b\n\r\t\u200f\u202e\u2066")


def test_languages_are_matched_and_sorted_by_wish() -> None:
    offered = ("es-AR", "en")
    assert language.choose(None, "en-US,es;q=0.8", "es-AR", offered) == "en"
    assert language.choose("en", "es-AR", "es-AR", offered) == "en"
    assert language.choose("xx", "fr", "es-AR", offered) == "es-AR"
    assert language.choose(None, "es;q=0, en", "es-AR", offered) == "en"


@given(st.text(max_size=200))
def test_any_accept_language_is_survived(header: str) -> None:
    assert language.choose(None, header, "es-AR", ("es-AR", "en")) in {"es-AR", "en"}


@given(SPANS, SPANS)
def test_free_time_is_work_that_nothing_takes(work: list[Span], taken: list[Span]) -> None:
    free = lanes.free_spans(work, taken)

    def covered(spans: list[Span], instant: datetime) -> bool:
        return any(span.start <= instant < span.end for span in spans)

    for minute in range(0, 730, 7):
        instant = START + timedelta(minutes=minute)
        expected = covered(work, instant) and not covered(taken, instant)
        assert covered(free, instant) == expected


def test_a_fortnight_starts_at_today_or_a_multiple_of_it() -> None:
    today = date(2026, 11, 24)
    assert picker.strip_start(today, today) == today
    assert picker.strip_start(today + timedelta(days=13), today) == today
    assert picker.strip_start(today + timedelta(days=14), today) == today + timedelta(days=14)
    assert picker.strip_start(today - timedelta(days=3), today) == today


def test_what_telephones_put_in_by_themselves_is_kept_on_paper() -> None:
    typed = "\u201cLo de Ana\u201d \u2013 D\u2019Angelo \u2022 \u0141ód\u017a \u2026"
    assert plain(typed) == '"Lo de Ana" - D\'Angelo · ?ódz .'
