"""Calendar files by RFC 5545: whatever is in the texts, an unfolding reader gets it back."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from barberpro_app.notification.calendar import Event, render_event

TEXT = st.text(max_size=200)
STAMP = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


def _event(**changes: object) -> Event:
    values: dict[str, object] = {
        "uid": "id@shop.localhost", "sequence": 3,
        "starts_at": datetime(2026, 12, 1, 15, 30, tzinfo=timezone(timedelta(hours=-3))),
        "ends_at": datetime(2026, 12, 1, 19, 0, tzinfo=UTC), "stamp": STAMP,
        "summary": "Corte", "description": "", "location": "", "url": "https://shop.localhost/r/1",
        **changes,
    }  # fmt: skip
    return Event(**values)  # type: ignore[arg-type]


def _read(content: str) -> dict[str, str]:
    """Unfolds and unescapes, as §3.1 and §3.3.11 say."""
    unfolded = re.sub(r"\r\n[ \t]", "", content)
    pairs = [line.partition(":")[::2] for line in unfolded.split("\r\n") if line]
    plain = {"n": "\n", "N": "\n"}
    return {
        name: re.sub(r"\\(.)", lambda found: plain.get(found[1], found[1]), value)
        for name, value in pairs
    }


@given(summary=TEXT, description=TEXT, location=TEXT)
def test_texts_come_back_and_add_no_line(summary: str, description: str, location: str) -> None:
    content = render_event(
        _event(summary=summary, description=description, location=location), "Test"
    )
    assert content.count("\r\nBEGIN:") == 1
    assert content.count("\r\nEND:") == 2
    lines = content.split("\r\n")
    assert lines[-1] == ""
    assert all(len(line.encode()) <= 75 for line in lines)
    assert "\n" not in "".join(lines)
    read = _read(content)
    for name, value in (("SUMMARY", summary), ("DESCRIPTION", description), ("LOCATION", location)):
        normal = value.replace("\r\n", "\n").replace("\r", "\n")
        assert read[name] == "".join(s for s in normal if s in "\t\n" or s.isprintable())


def test_instants_are_utc_and_a_cancellation_says_so() -> None:
    read = _read(render_event(_event(), "Test"))
    assert (read["DTSTART"], read["DTEND"]) == ("20261201T183000Z", "20261201T190000Z")
    assert (read["UID"], read["SEQUENCE"], read["STATUS"]) == (
        "id@shop.localhost",
        "3",
        "CONFIRMED",
    )
    assert read["METHOD"] == "PUBLISH"
    cancelled = _read(render_event(_event(cancelled=True, sequence=4), "Test"))
    assert (cancelled["METHOD"], cancelled["STATUS"]) == ("CANCEL", "CANCELLED")
