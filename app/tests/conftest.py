"""Databases with this release's schema, and a small business in one."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator

import pytest
from support_postgres import TestServer
from support_shop import Shop, open_shop

from barberpro_app.migrations.run import run_migrations


@pytest.fixture(scope="session")
def migrated_template(postgres_server: TestServer) -> str:
    """A database to copy: migrating takes a second, copying a tenth of one."""
    name = f"template_{uuid.uuid4().hex[:12]}"
    postgres_server.execute(f"CREATE DATABASE {name}")
    run_migrations(postgres_server.url(name))
    return name


@pytest.fixture
def migrated_url(postgres_server: TestServer, migrated_template: str) -> Iterator[str]:
    """A database of its own with the schema and nothing in it."""
    name = f"t_{uuid.uuid4().hex[:12]}"
    postgres_server.copy(migrated_template, name)
    yield postgres_server.url(name)
    postgres_server.drop(name)


@pytest.fixture
def shop(migrated_url: str) -> Shop:
    """A business of its own: one location, three providers, two services."""
    return asyncio.run(open_shop(migrated_url))
