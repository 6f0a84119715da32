"""Fixtures that every test folder shares."""

from __future__ import annotations

import compileall
import gc
import os
import platform
import signal
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from httpx._config import DEFAULT_TIMEOUT_CONFIG
from hypothesis import settings
from support_order import Recorder, longest_first
from support_postgres import TestServer

# a busy machine is slow at any moment, and no test may fail for that
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

# The folder of tests is called like a module of the standard library, and pytest would put a module
# of that folder in its place. With a path it counts as a package, and the tests go inside it.
platform.__path__ = [str(Path(__file__).parent / "platform")]  # type: ignore[attr-defined]


# What the product sets itself stays; a test that says nothing does not want to be told of a busy machine.
for part in ("connect", "read", "write", "pool"):
    setattr(DEFAULT_TIMEOUT_CONFIG, part, 60.0)

# The modules of the app and the platform are compiled once, not by each process that is started.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


def pytest_configure(config: pytest.Config) -> None:
    # a shell that runs this in the background has it deaf to Ctrl-C, and all that the tests start
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if os.environ.get("PYTEST_XDIST_WORKER"):
        return
    for package in ("app", "platform"):  # releases of the app are copied with what is compiled
        compileall.compile_dir(config.rootpath / package / "src", quiet=2)
    if wanted := os.environ.get("BARBERPRO_TEST_DURATIONS"):
        config.pluginmanager.register(Recorder(config.rootpath / wanted))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    longest_first(items)


def pytest_collection_finish() -> None:
    """What is loaded stays: later collections need not look at it again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def _nothing_left_open() -> Iterator[None]:
    """A connection that nobody closed is told of when it is collected: here, so that the file that
    left it open fails for it, and no other."""
    yield
    gc.collect()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):  # type: ignore[no-untyped-def]
    """Where everything a test may need is promised to be there, a skip is a failure."""
    report = yield
    if (
        report.skipped
        and os.environ.get("BARBERPRO_TEST_REQUIRE_ALL")
        and not hasattr(report, "wasxfail")
    ):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be missing: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[TestServer]:
    """One real PostgreSQL per test worker."""
    server = TestServer.start()
    yield server
    server.stop()


@pytest.fixture
def database_url(postgres_server: TestServer) -> Iterator[str]:
    """A fresh database, dropped afterwards."""
    name = f"t_{uuid.uuid4().hex[:12]}"
    postgres_server.execute(f"CREATE DATABASE {name}")
    yield postgres_server.url(name)
    postgres_server.execute(f"DROP DATABASE {name} WITH (FORCE)")
