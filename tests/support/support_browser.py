"""A served app of one vertical, with the words and first data of the catalog, and a real Chromium."""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urljoin
from zoneinfo import ZoneInfo

import psycopg
import yaml
from playwright.sync_api import Browser, Page, Playwright
from support_app import CONFIGURATION, AppHome, free_port
from support_postgres import TestServer

CATALOG = Path(__file__).resolve().parents[2] / "catalog/verticals"
CHROMIUM = shutil.which("chromium") or ""
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ZONE = "America/Argentina/Buenos_Aires"
PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1280, "height": 900}
NAMES = {
    "barbershop": "BarberShop Palermo",
    "psychology": "Consultorio Sur",
    "fitness": "Estudio Fuerza",
    "dental": "Odontología Belgrano",
}


@dataclass
class ServedVertical:
    """One running deployment; `url` is its address for a browser on this machine."""

    name: str
    home: AppHome
    url: str
    owner: str

    def owner_link(self) -> str:
        """A one-time link that signs the owner in."""
        ((owner,),) = self.rows("SELECT id FROM staff_user WHERE email = %s", self.owner)
        return self._link("staff_id", owner)

    def client_link(self, client: object) -> str:
        """A one-time link that signs a client in."""
        return self._link("client_id", client)

    def _link(self, whose: str, key: object) -> str:
        """As a mail would have it, and without a process that makes it."""
        token = secrets.token_urlsafe(32)
        self.rows(
            f"INSERT INTO sign_in_link (token_hash, {whose}, expires_at)"
            " VALUES (sha256(%s), %s, now() + interval '10 minutes')", token.encode(), key,
        )  # fmt: skip
        return f"{self.url}/sign-in/{token}"

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What the superuser sees or arranges."""
        url = (self.home.folder / "secrets/database-url").read_text()
        with psycopg.connect(url, autocommit=True) as connection:
            cursor = connection.execute(query.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def day_of(self, code: str) -> str:
        """The local day of a booking, as the agenda's address takes it."""
        url = (self.home.folder / "secrets/database-url").read_text()
        with psycopg.connect(url) as connection:
            row = connection.execute(
                "SELECT (starts_at AT TIME ZONE zone)::date FROM booking WHERE code = %s", (code,)
            ).fetchone()
        assert row is not None
        return str(row[0])


def _configuration(vertical: str, port: int) -> dict[str, Any]:
    folder = CATALOG / vertical
    words = yaml.safe_load((folder / "words.yaml").read_text("utf-8"))
    facts = yaml.safe_load((folder / "vertical.yaml").read_text("utf-8"))
    brand = dict(facts["brand"])
    return {
        **CONFIGURATION,
        "deployment_id": f"{vertical}-test",
        "brand": {
            "name": NAMES[vertical],
            "tagline": brand["tagline"]["es-AR"],
            "primary_color": brand["primary_color"],
            "accent_color": brand["accent_color"],
            "contact_email": f"hola@{vertical}.example",
            "contact_phone": "+54 11 5550-0100",
        },
        "vertical": vertical,
        "words": words,
        "policies": facts["policies"],
        "payments": facts["payments"],
        "public_url": f"http://localhost:{port}",
        "compliance": {
            "health_data": "health-data" in facts["compliance"].get("traits", []),
            "clinical_retention_years": None,
            "audit_trail": "comprehensive",
        },
    }


def _seed(vertical: str) -> dict[str, Any]:
    text = (CATALOG / vertical / "seed.yaml").read_text("utf-8")
    return dict(yaml.safe_load(text))


_PREPARED: dict[tuple[Path, str], str] = {}


def _prepared(
    configuration: dict[str, Any], seed: dict[str, Any], folder: Path, server: TestServer
) -> str:
    """A database with schema and first data of such a deployment, to be copied: made once per
    server, whatever address the deployment has."""
    key = server.folder, json.dumps({**configuration, "public_url": ""}, sort_keys=True)
    if key not in _PREPARED:
        name = f"template_{uuid.uuid4().hex[:12]}"
        server.execute(f"CREATE DATABASE {name}")
        home = AppHome.make(folder, server.url(name))
        (folder / "app.json").write_text(json.dumps(configuration))
        (folder / "seed.json").write_text(json.dumps(seed, default=str))
        home.prepare()
        _PREPARED[key] = name
    return _PREPARED[key]


@contextmanager
def served(
    vertical: str,
    folder: Path,
    server: TestServer,
    *services: str,
    with_worker: bool = False,
    **changes: Any,
) -> Iterator[ServedVertical]:
    """The app of a vertical on a free port and a fresh database, both gone afterwards; `services`
    are its specialised ones, `changes` are keys of `app.json`."""
    port = free_port()
    configuration = {**_configuration(vertical, port), **changes}
    configuration["services"] = [*configuration["services"], *services]
    seed = _seed(vertical)
    database = f"b_{uuid.uuid4().hex[:12]}"
    server.copy(_prepared(configuration, seed, folder / "template", server), database)
    try:
        home = AppHome.make(folder, server.url(database))
        (folder / "app.json").write_text(json.dumps(configuration))
        (folder / "secrets/notes-key").write_text(base64.b64encode(os.urandom(32)).decode())
        options = ["--with-worker"] if with_worker else []
        if "media-processor" in services:  # the worker makes the sizes of photographs
            (folder / "media").mkdir()
            options = ["--with-worker"]
        with home.serving(*options, port=port):
            yield ServedVertical(vertical, home, f"http://localhost:{port}", seed["owner"]["email"])
    finally:
        server.drop(database)


def launch(playwright: Playwright, *arguments: str) -> Browser:
    """Debian's Chromium, without talking to anybody but the app."""
    return playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS, *arguments])


def times_of(page: Page, url: str, day: date) -> None:
    """Opens the first service's hours on that day, or on the next one that has any."""
    page.goto(url + "/")
    address = page.locator("a.service").first.get_attribute("href")
    page.goto(urljoin(page.url, f"{address}&dia={day}"))
    if page.locator("button.slot").count() == 0:
        page.get_by_role("link", name=re.compile("^Ir al próximo libre")).click()
        page.locator("button.slot").first.wait_for()


def book(page: Page, url: str, *, name: str, email: str, days_ahead: int) -> str:
    """Books the first service at the first free hour so many days from now; the booking's code."""
    times_of(page, url, datetime.now(ZoneInfo(ZONE)).date() + timedelta(days=days_ahead))
    page.locator("button.slot").first.click()
    page.get_by_label("Nombre y apellido").fill(name)
    page.get_by_label("Correo electrónico").fill(email)
    page.get_by_role("button", name=re.compile("^Confirm")).click()
    page.wait_for_url("**/reservar/listo/**")
    return page.locator("dd.code").first.inner_text()
