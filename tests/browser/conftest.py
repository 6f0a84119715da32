"""A real Chromium and a served app for browser tests; without Chromium they are skipped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, expect, sync_playwright
from support_browser import CHROMIUM, ServedVertical, launch, served
from support_postgres import TestServer

expect.set_options(timeout=60_000)  # a busy machine is slow at any moment


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """For one module: while it is open its event loop runs in this thread, and other tests need theirs."""
    if not CHROMIUM:
        pytest.skip("there is no Chromium on this machine (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def vertical(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: TestServer, chromium: Browser
) -> Iterator[Callable[[str], ServedVertical]]:
    """Serves a vertical when it is first asked for; all of them end with the module."""
    assert chromium.is_connected()
    running: dict[str, ServedVertical] = {}
    with ExitStack() as stack:

        def get(name: str) -> ServedVertical:
            if name not in running:
                folder = tmp_path_factory.mktemp(name)
                running[name] = stack.enter_context(served(name, folder, postgres_server))
            return running[name]

        yield get
