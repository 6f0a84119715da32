"""Activity files are read into the same figures whatever their format, or refused whole."""

from __future__ import annotations

import gzip
import io
import tracemalloc
import zipfile
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support_activities import CSV, START, fit_file, gpx_file, tcx_file

from barberpro_app.biometric_integration.errors import (
    FileBrokenError,
    FileRefusedError,
    FileUnsafeError,
    ImplausibleError,
    NoActivityError,
)
from barberpro_app.biometric_integration.files import LARGEST, Parsed, parse

ZONE = ZoneInfo("America/Argentina/Buenos_Aires")
FIT, GPX, TCX = fit_file(), gpx_file(), tcx_file()


def read(content: bytes) -> Parsed:
    return parse(content, ZONE)


def zipped(content: bytes, name: str = "a.fit", *more: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
        for other in more:
            archive.writestr(other, b"x")
    return out.getvalue()


def test_a_fit_file() -> None:
    found = read(FIT)
    assert found.format == "fit"
    (run,) = found.activities
    assert (run.sport, run.starts_at, run.ends_at - run.starts_at) == (
        "run",
        START,
        timedelta(minutes=30),
    )
    assert (run.moving_seconds, run.distance_m) == (1770, 5000)
    assert (run.heart_rate_avg, run.heart_rate_max, run.ascent_m) == (141, 167, 42)
    assert run.energy_j == 320 * 4184


def test_a_fit_file_of_several_sessions() -> None:
    found = read(fit_file(sessions=3, minutes=10)).activities
    assert [item.starts_at for item in found] == [
        START + timedelta(minutes=10 * i) for i in range(3)
    ]


def test_a_gpx_file() -> None:
    found = read(GPX)
    assert found.format == "gpx"
    (ride,) = found.activities
    assert (ride.sport, ride.starts_at, ride.moving_seconds) == ("ride", START, 1800)
    assert ride.distance_m == pytest.approx(60 * 13.9, rel=0.01)
    assert ride.ascent_m == pytest.approx(30, abs=3)
    assert (ride.heart_rate_max, ride.energy_j) == (149, None)


def test_a_tcx_file() -> None:
    found = read(TCX)
    assert found.format == "tcx"
    (run,) = found.activities
    assert (run.sport, run.moving_seconds, run.distance_m) == ("run", 1800, 5500)
    assert run.ends_at - run.starts_at == timedelta(minutes=31)
    assert (run.heart_rate_avg, run.heart_rate_max) == (145, 171)
    assert run.energy_j == 340 * 4184


def test_a_table() -> None:
    found = read(CSV)
    assert found.format == "csv"
    run, ride = found.activities
    assert run.starts_at == datetime(2025, 11, 3, 10, 30, tzinfo=UTC)
    assert (run.sport, run.moving_seconds, run.distance_m, run.heart_rate_avg) == (
        "run",
        1800,
        5200,
        141,
    )
    assert (ride.sport, ride.moving_seconds, ride.distance_m) == ("ride", 3630, 20000)
    assert ride.heart_rate_avg is None


def test_miles_and_kilojoules_are_normalised() -> None:
    table = b"start,duration_s,distance_mi,energy_kj\n2025-11-03T10:00:00Z,600,1,418.4\n"
    (found,) = read(table).activities
    assert (found.distance_m, found.energy_j) == (1609, 418400)


@pytest.mark.parametrize("content", [FIT, GPX, TCX, CSV])
def test_packed_files(content: bytes) -> None:
    plain = read(content)
    assert read(gzip.compress(content)) == plain
    assert read(zipped(content)) == plain


@pytest.mark.parametrize("part", [0.02, 0.25, 0.5, 0.9, 0.999])
def test_a_file_that_was_cut_off(part: float) -> None:
    for content in (FIT, GPX, TCX, gzip.compress(GPX), zipped(FIT)):
        with pytest.raises(FileRefusedError):
            read(content[: int(len(content) * part)])


def test_half_a_fit_file_is_told_plainly() -> None:
    with pytest.raises(FileBrokenError, match="incomplete or damaged"):
        read(FIT[: len(FIT) // 2])
    with pytest.raises(FileBrokenError):  # a bit of it turned over: the checksum tells
        read(FIT[:200] + bytes([FIT[200] ^ 1]) + FIT[201:])


def test_bombs() -> None:
    zeros = b"\0" * (32 * 1_048_576)
    tracemalloc.start()
    try:
        for bomb in (gzip.compress(zeros), zipped(zeros)):
            with pytest.raises(FileUnsafeError):
                read(bomb)
        assert tracemalloc.get_traced_memory()[1] < 100 * 1_048_576
    finally:
        tracemalloc.stop()
    laughs = (
        b'<?xml version="1.0"?><!DOCTYPE gpx [<!ENTITY a "ha">%s]><gpx><trk>&b9;</trk></gpx>'
        % (b"".join(b'<!ENTITY b%d "%s">' % (i, b"&b%d;" % (i - 1) * 10) for i in range(1, 10)))
    )
    outside = b'<!DOCTYPE gpx [<!ENTITY a SYSTEM "file:///etc/passwd">]><gpx>&a;</gpx>'
    deep = b"<gpx>" + b"<a>" * 100_000
    for content in (laughs, outside, deep, b"x" * (LARGEST + 1)):
        with pytest.raises(FileUnsafeError):
            read(content)
    with pytest.raises(FileRefusedError):
        read(zipped(FIT, "a.fit", "b.txt"))
    with pytest.raises(FileRefusedError):
        read(zipped(zipped(FIT)))


def test_a_wide_tree_takes_no_memory() -> None:
    wide = b"<gpx>" + b"<a/>" * 1_000_000 + b"</gpx>"
    tracemalloc.start()
    try:
        with pytest.raises(NoActivityError):
            read(wide)
        assert tracemalloc.get_traced_memory()[1] < 20 * 1_048_576
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (b"", FileRefusedError),
        (b"hello", FileRefusedError),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, FileRefusedError),
        (b"<html></html>", FileRefusedError),
        (b"<gpx></gpx>", NoActivityError),
        (b"start,duration_min\n", NoActivityError),
        (b"start,duration_min\n2025-11-03T10:00,\n", FileBrokenError),
        (b"start,duration_min\n2025-11-03T10:00,NaN\n", FileBrokenError),
        (b"start,duration_min\nayer,30\n", FileBrokenError),
        (b"start,duration_min\n2099-11-02T10:00,30\n", ImplausibleError),
        (b"start,duration_min\n0001-01-01T00:00+14:00,30\n", ImplausibleError),
        (b"start,duration_min\n9999-12-31T23:59-14:00,30\n", ImplausibleError),
        (b"start,duration_min\n1890-11-02T10:00,30\n", ImplausibleError),
        (b"start,duration_min\n2025-11-03T10:00,9999\n", ImplausibleError),
        (b'start,duration_min\n"2025-11-03T10:00,30\n', FileRefusedError),
    ],
)
def test_what_is_no_activity(content: bytes, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        read(content)


def test_figures_that_cannot_be_are_left_out() -> None:
    table = b"start,duration_min,fc_media,fc_max,distance_km\n2025-11-03T10:00,30,0,255,99999\n"
    (found,) = read(table).activities
    assert (found.heart_rate_avg, found.heart_rate_max, found.distance_m) == (None, None, None)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from([FIT, GPX, TCX, CSV, gzip.compress(FIT), zipped(GPX)]),
    st.lists(st.tuples(st.integers(0, 10**6), st.binary(max_size=6)), max_size=6),
    st.integers(0, 10**6),
)
def test_damaged_files_are_read_or_refused(
    content: bytes, changes: list[tuple[int, bytes]], cut: int
) -> None:
    damaged = bytearray(content)
    for place, what in changes:
        at = place % len(damaged)
        damaged[at : at + len(what)] = what
    whole = bytes(damaged[: len(damaged) - cut % len(damaged) if cut % 3 == 0 else None])
    try:
        found = read(whole)
    except FileRefusedError:
        return
    assert all(item.moving_seconds >= 1 for item in found.activities)


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=2000),
    st.sampled_from([b"", b"<gpx", b"\x0e\x10\0\0\0\0\0\0.FIT", b"PK\x03\x04", b"\x1f\x8b"]),
)
def test_any_bytes_are_read_or_refused(content: bytes, head: bytes) -> None:
    try:
        read(head + content)
    except FileRefusedError:
        return
