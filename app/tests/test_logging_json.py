"""Log lines: one JSON object each, whatever is in them; no secrets, no addresses."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from barberpro_app.kit.logging import configure_logging, get_logger, redact


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    configure_logging("info", stream)
    yield stream
    root.handlers[:] = before
    root.setLevel(level)
    configure_logging()
    root.handlers[:] = before


def _lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=40), st.text(max_size=40))
def test_every_event_is_one_line_of_json(log: io.StringIO, event: str, value: str) -> None:
    log.seek(0)
    log.truncate()
    get_logger("t").info("e", text=value, other=event)
    assert len(log.getvalue().splitlines()) == 1
    assert json.loads(log.getvalue())["source"] == "t"


def test_levels_and_libraries(log: io.StringIO) -> None:
    get_logger("t").debug("hidden")
    logging.getLogger("some.library").info("chatter")
    logging.getLogger("some.library").warning("cannot reach %s", "postgresql://app:pw@db/x")
    assert [(line["event"], line["source"]) for line in _lines(log)] == [
        ("cannot reach postgresql://db/x", "some.library")
    ]


def test_an_exception_says_where_and_not_with_what(log: io.StringIO) -> None:
    def fail(secret: str) -> None:
        raise RuntimeError(f"no mailbox for {secret}")

    try:
        fail("clara@example.com")
    except RuntimeError:
        get_logger("t").exception("job_failed")
    line = _lines(log)[0]
    assert line["error"] == "RuntimeError: no mailbox for ***@***"
    assert line["trace"][-1].endswith(" fail")
    assert "clara" not in log.getvalue()


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("to <clara@example.com>: no", "clara"),
        ("Authorization: Bearer eyJhbGciOi.eyJ.sig-_", "eyJ"),
        ("GET /x?token=abc123&a=b", "abc123"),
        ("postgresql://app:hunter2@/db", "hunter2"),
        ("client_secret=s3cr3t", "s3cr3t"),
        ("Basic cHJvZ3JhbTpzZWNyZXQ=", "cHJvZ3"),
    ],
)
def test_secrets_are_taken_out_of_texts_from_elsewhere(text: str, secret: str) -> None:
    assert secret not in redact(text)


@given(st.emails(), st.text(max_size=20))
def test_no_address_survives(address: str, around: str) -> None:
    assert address not in redact(f"{around} {address}")
