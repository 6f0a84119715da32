"""Keys of WhatsApp and Google that the owner types: each is tried, sealed, used at once and never shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi import FastAPI
from google_calendar import CLIENT_ID, CLIENT_SECRET, google_calendar
from meta_whatsapp import APP_SECRET, NUMBER_ID, TOKEN, meta_whatsapp
from support_postgres import TestServer
from support_team import query, signed_in
from support_web import Browser, HtmlForm, Page, deployment, use

from barberpro_app.integration_processor.channel import Channel
from barberpro_app.integration_processor.setup import is_heard
from barberpro_app.kit.metrics import Metrics
from barberpro_app.settings import Settings

SERVICES = ("notification", "whatsapp-webhook", "integration-processor", "calendar-sync")
META = {"numero": NUMBER_ID, "token": TOKEN, "secreta": APP_SECRET}
GOOGLE = {"cliente": CLIENT_ID, "secreta": CLIENT_SECRET}
WRONG_META = [
    ({"numero": "+54 9 11 5555"}, "no el número"),
    ({"numero": "999999"}, "no conoce ese número"),
    ({"token": "EAAG-of-somebody"}, "no acepta este token"),
    ({"token": "<script>alert(1)</script>"}, "No parece un token"),
    ({"token": "x" * 700}, "Token del usuario"),
    ({"secreta": "another-secret"}, "no es la de la aplicación"),
    ({"secreta": "\x00\u202e"}, "Clave secreta"),
]


@dataclass
class Running:
    settings: Settings
    google: str


@pytest.fixture
def running(tmp_path: Path, postgres_server: TestServer) -> Iterator[Running]:
    with ExitStack() as stack:
        meta, google = stack.enter_context(meta_whatsapp()), stack.enter_context(google_calendar())
        calendars = {"google_api": google.url, "google_accounts": google.url,
                     "google_oauth": google.url, "own_network": True}  # fmt: skip
        settings = stack.enter_context(deployment(
            tmp_path, postgres_server, services=SERVICES, calendars=calendars,
            whatsapp={"api": meta.url, "timeout_seconds": 5},
        ))  # fmt: skip
        yield Running(settings, google.url)


def keys_form(page: Page) -> HtmlForm:
    return next(form for form in page.forms if "secreta" in form.values)


async def refused(owner: Browser, page: Page, good: dict[str, str], wrong: dict[str, str]) -> str:
    answer = await owner.send(page, keys_form(page), **{**good, **wrong})
    assert answer.status == 422, wrong
    for secret in ("token", "secreta"):
        typed = {**good, **wrong}.get(secret)
        assert not typed or typed not in answer.html
    return answer.text


def test_a_number_is_tried_with_meta_and_messages_go_by_it_at_once(running: Running) -> None:
    settings = running.settings

    async def steps(application: FastAPI) -> None:
        owner = await signed_in(application, settings)
        page = await owner.get("/ajustes/whatsapp")
        channel = Channel(settings, application.state.database, Metrics())
        await channel.run()
        assert type(channel._now).__name__ == "ByEmailInstead"
        for wrong, said in WRONG_META:
            text = await refused(owner, page, META, wrong)
            assert said in text, (wrong, text[:900])
        assert query(settings, "SELECT 1 FROM sealed_setting") == []

        saved = await owner.send(page, keys_form(page), **META)
        assert saved.status == 200
        assert "WhatsApp está conectado" in saved.text
        assert TOKEN not in saved.html
        assert APP_SECRET not in saved.html
        assert is_heard(settings)
        await channel.run()
        assert type(channel._now).__name__ == "Processor"
        await channel.stop()

        # Meta shakes hands with what the page shows
        word = re.search(r"<code>([A-Za-z0-9_-]{24})</code>", saved.html)
        assert word is not None
        hello = "/webhooks/whatsapp?hub.mode=subscribe&hub.challenge=42&hub.verify_token="
        assert (await owner.get(hello + word[1])).html == "42"
        assert (await owner.get(hello + "another")).status == 403

        # what is left empty stays; a new number alone is tried with the token that is kept
        again = await owner.send(saved, keys_form(saved), token="", secreta="")
        assert again.status == 200
        text = await refused(owner, saved, {"numero": "424242", "token": "", "secreta": ""}, {})
        assert "no conoce ese número" in text

        gone = await owner.send(again, again.form("/quitar"))
        assert "no está conectado" in gone.text
        assert not is_heard(settings)
        assert query(settings, "SELECT 1 FROM sealed_setting") == []
        actions = query(
            settings,
            "SELECT action, count(*) FROM audit_event WHERE object_kind = 'secret' GROUP BY 1",
        )
        assert dict(actions) == {"secret.kept": 8, "secret.removed": 4}

    use(settings, steps)


def test_googles_client_is_tried_and_then_a_provider_can_connect(running: Running) -> None:
    settings = running.settings

    async def steps(application: FastAPI) -> None:
        owner = await signed_in(application, settings)
        page = await owner.get("/ajustes/google")
        for wrong, said in (({"secreta": "another-secret"}, "no acepta"),
                            ({"cliente": "no client"}, "No parece un identificador")):  # fmt: skip
            assert said in await refused(owner, page, GOOGLE, wrong)
        provider = query(settings, "SELECT id FROM provider LIMIT 1")[0][0]
        assert (
            f"/calendarios/{provider}/google"
            not in (await owner.get(f"/calendarios/{provider}")).links
        )
        saved = await owner.send(page, keys_form(page), **GOOGLE)
        assert "se puede conectar" in saved.text
        assert CLIENT_SECRET not in saved.html
        shown = await owner.get(f"/calendarios/{provider}")
        assert f"/calendarios/{provider}/google" in shown.links
        sent = await owner.client.get(f"/calendarios/{provider}/google", follow_redirects=False)
        assert sent.headers["location"].startswith(f"{running.google}/o/oauth2/v2/auth?")
        for role in ("manager", "reception"):
            other = await signed_in(application, settings, role)
            assert (await other.get("/ajustes/google")).status == 403
            assert (await other.get("/ajustes/whatsapp")).status == 403

    use(settings, steps)


def test_who_does_not_answer_is_not_taken_for_a_refusal(running: Running) -> None:
    app = running.settings.app
    away = running.settings.model_copy(update={"app": app.model_copy(update={
        "whatsapp": app.whatsapp.model_copy(update={"api": "http://127.0.0.1:9"}),
        "calendars": app.calendars.model_copy(update={"google_oauth": "http://127.0.0.1:9"}),
    })})  # fmt: skip

    async def steps(application: FastAPI) -> None:
        owner = await signed_in(application, away)
        for home, keys, name in (("whatsapp", META, "Meta"), ("google", GOOGLE, "Google")):
            page = await owner.get(f"/ajustes/{home}")
            assert f"{name} no responde ahora" in await refused(owner, page, keys, {})

    use(away, steps)
