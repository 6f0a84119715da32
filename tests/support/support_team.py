"""A member of the team at a browser, and what the database holds."""

from __future__ import annotations

from typing import Any

import psycopg
from fastapi import FastAPI
from support_web import Browser

from barberpro_app.identity.repository import Subject
from barberpro_app.settings import Settings


def query(settings: Settings, statement: str, *values: object) -> list[tuple[Any, ...]]:
    """Rows of the deployment's database."""
    with psycopg.connect(settings.secrets.database_url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode(), values)
        return list(cursor.fetchall()) if cursor.description else []


async def signed_in(application: FastAPI, settings: Settings, role: str = "owner") -> Browser:
    """A browser of a member of the team; who is not there yet is added."""
    query(
        settings,
        "INSERT INTO staff_user (email, name, role, provider_id) SELECT %s, %s, %s,"
        " CASE WHEN %s = 'provider' THEN (SELECT id FROM provider LIMIT 1) END"
        " ON CONFLICT (email) DO NOTHING",
        f"{role}@example.com", role.title(), role, role,
    )  # fmt: skip
    user = query(settings, "SELECT id FROM staff_user WHERE email = %s", f"{role}@example.com")
    browser = Browser(application)
    page = await browser.sign_in(application, Subject(staff_id=user[0][0]))
    assert page.path == "/agenda/hoy"
    return browser
