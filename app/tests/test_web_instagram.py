"""Instagram by pages: connected by a token nobody reads back, posts that wait, fail, are tried again
or taken back, and what has to be deleted there by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from fastapi import FastAPI
from instagram import TOKEN, InstagramDouble
from support_postgres import TestServer
from support_web import Browser, Page, deployment, use

from barberpro_app.identity.repository import Subject
from barberpro_app.settings import Settings
from barberpro_app.social_sharing import jobs

SERVICES = ["api-gateway", "booking", "provider", "client", "catalog", "notification",
            "media-processor", "portfolio-service", "social-sharing-service"]  # fmt: skip
HOME = "/ajustes/instagram"


@pytest.fixture
def double() -> Iterator[InstagramDouble]:
    with InstagramDouble() as found:
        yield found


@pytest.fixture
def settings(
    tmp_path: Path, postgres_server: TestServer, double: InstagramDouble
) -> Iterator[Settings]:
    with deployment(tmp_path, postgres_server, services=SERVICES) as found:
        (tmp_path / "secrets/instagram-api").write_text(double.address)
        yield found.model_copy(update={"media_dir": tmp_path / "media"})


def query(settings: Settings, statement: str, *values: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(settings.secrets.database_url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode(), values)
        return list(cursor.fetchall()) if cursor.description else []


def published(settings: Settings) -> UUID:
    """A published pair; its photographs have a JPEG each, by name."""
    client = query(settings, "INSERT INTO client (name) VALUES ('Ana') RETURNING id")[0][0]
    keys = []
    for _ in range(2):
        key = query(settings, "INSERT INTO media_file (state, uploaded_by, bytes)"
                    " VALUES ('ready', 'x', 1) RETURNING id")[0][0]  # fmt: skip
        for kind, ending in (("image/jpeg", "jpg"), ("image/webp", "webp")):
            query(settings, "INSERT INTO media_variant VALUES (%s, %s, %s, 320, 320, 1)",
                  key, f"{uuid4().hex}{uuid4().hex}.{ending}", kind)  # fmt: skip
        keys.append(key)
    made: UUID = query(
        settings,
        "WITH c AS (INSERT INTO consent (client_id, purpose, reference_id, text_version, locale,"
        " text_sha256, text, how, given_by) VALUES (%s, 'portfolio', %s, '1', 'es-AR',"
        " sha256('x'), 'x', 'in_person', 'x') RETURNING id) INSERT INTO portfolio_item"
        " (provider_id, service_id, client_id, consent_id, before_id, after_id, before_alt,"
        " after_alt, state, published_at) SELECT p.id, s.id, %s, c.id, %s, %s, 'Antes', 'Después',"
        " 'published', now() FROM provider p, service s, c LIMIT 1 RETURNING id",
        client, keys[1], client, *keys,
    )[0][0]  # fmt: skip
    return made


async def member(application: FastAPI, settings: Settings, role: str) -> Browser:
    key = query(settings, "INSERT INTO staff_user (email, name, role) VALUES (%s, %s, %s)"
                " RETURNING id", f"{uuid4().hex[:8]}@example.com", role, role)[0][0]  # fmt: skip
    browser = Browser(application)
    await browser.sign_in(application, Subject(staff_id=key))
    return browser


async def work(settings: Settings, application: FastAPI, turns: int = 4) -> None:
    """The worker's turns, each as if its time had come."""
    public = settings.app.model_copy(update={"public_url": "https://barber.example"})
    for _ in range(turns):
        query(settings, "UPDATE social_post SET next_attempt_at = now()"
              " WHERE next_attempt_at < now() + interval '30 minutes'")  # fmt: skip
        await jobs.run(application.state.database, settings.model_copy(update={"app": public}))


async def connected(owner: Browser) -> Page:
    page = await owner.get(HOME)
    return await owner.send(page, page.form("/conectar"), token=f"  {TOKEN} ")


def test_a_token_is_sealed_renewed_and_never_shown(
    settings: Settings, double: InstagramDouble
) -> None:
    async def steps(application: FastAPI) -> None:
        owner = await member(application, settings, "owner")
        page = await owner.get((await owner.get("/ajustes/marca")).link(HOME))
        assert "Todavía no hay una cuenta" in page.text
        assert "hace falta un dominio" in page.text
        for token, text in (("", "Completá"), ("ñandú", "no acepta"), ("IGwrong", "no acepta"),
                            ("x" * 1001, "")):  # fmt: skip
            bad = await owner.send(page, page.form("/conectar"), token=token)
            assert bad.status == 422
            assert text in bad.text
            assert not token or token not in bad.html
        double.account.misbehave("500")
        away = await connected(owner)
        assert away.status == 409
        assert "no responde" in away.text
        assert TOKEN not in away.html
        done = await connected(owner)
        assert "@barber.palermo Conectada" in done.text
        assert TOKEN not in done.html
        sealed = query(settings, "SELECT sealed FROM sealed_setting")[0][0]
        assert TOKEN.encode() not in bytes(sealed)
        told = query(
            settings,
            "SELECT changes::text FROM audit_event  WHERE starts_with(action, 'instagram')",
        )
        assert TOKEN not in str(told)
        database = application.state.database
        assert await jobs.run(database, settings) == 0
        query(settings, "UPDATE instagram_account SET renew_at = now()")
        double.account.misbehave("garbage")
        assert await jobs.run(database, settings) == 0
        query(settings, "UPDATE instagram_account SET renew_at = now()")
        assert await jobs.run(database, settings) == 1
        assert len(double.account.tokens) > 1
        assert "Acceso hasta" in (await owner.get(HOME)).text
        double.account.tokens.clear()
        query(settings, "UPDATE instagram_account SET renew_at = now()")
        await jobs.run(database, settings)
        assert "Hay que conectarla de nuevo" in (await owner.get(HOME)).text
        page = await owner.get(HOME)
        gone = await owner.send(page, page.form("/desconectar"))
        assert "Todavía no hay una cuenta" in gone.text
        for role in ("reception", "provider"):
            other = await member(application, settings, role) if role == "reception" else None
            if other is not None:
                assert (await other.get(HOME)).status == 403

    use(settings, steps)
    assert query(settings, "SELECT count(*) FROM sealed_setting") == [(0,)]


def test_posts_wait_fail_go_out_once_and_are_taken_back(
    settings: Settings, double: InstagramDouble
) -> None:
    first, second, third = published(settings), published(settings), published(settings)

    def states() -> set[str]:
        return {row[0] for row in query(settings, "SELECT state FROM social_post")}

    async def steps(application: FastAPI) -> None:
        owner = await member(application, settings, "owner")
        await connected(owner)
        form = await owner.get(f"/trabajos/{first}/instagram")
        assert "hace falta un dominio" in form.text
        assert not [item for item in form.forms if item.action == ""]
        # as if the site had its domain
        for item in (first, second, third):
            query(settings, "INSERT INTO social_post (item_id, caption) VALUES (%s, 'Hola')", item)
        double.account.total = 1
        await work(settings, application, 6)
        assert len(double.account.published) == 1
        page = await owner.get(HOME)
        assert "quedan 0 de 1" in page.text
        assert "Ya se usaron las publicaciones del día" in page.text
        query(settings, "UPDATE social_post SET attempts = 11 WHERE state = 'container'")
        query(settings, "UPDATE social_post SET next_attempt_at = now()")
        await work(settings, application)
        assert states() == {"published", "container"}  # a used-up quota costs no attempt
        assert "https://www.instagram.com/p/" in page.html

        double.account.total = 100
        double.account.tokens.clear()
        query(settings, "UPDATE social_post SET next_attempt_at = now()")
        await work(settings, application)
        assert states() == {"published", "container"}
        assert "Hay que conectarla de nuevo" in (await owner.get(HOME)).text
        double.account.tokens.add(TOKEN)
        page = await connected(owner)
        taken = await owner.send(page, page.form("/retirar"))
        assert "Retirada" in taken.text
        again = await owner.send(page, page.form("/retirar"))
        assert again.status == 409
        query(settings, "UPDATE social_post SET next_attempt_at = now()")
        await work(settings, application)
        assert len(double.account.published) == 2
        assert states() == {"published", "withdrawn"}

        query(settings, "UPDATE social_post SET state = 'failed', published_at = NULL,"
              " last_error = '400: <b>no</b>' WHERE state = 'withdrawn'")  # fmt: skip
        page = await owner.get(HOME)
        assert "<b>no" not in page.html
        await owner.send(page, page.form("/reintentar"))
        query(settings, "UPDATE consent SET revoked_at = now()")
        await work(settings, application)
        assert len(double.account.published) == 2  # not of a pair that is withdrawn
        page = await owner.get(HOME)
        assert "Borralas en Instagram" in page.text
        while [form for form in page.forms if "/borrada" in form.action]:
            page = await owner.send(page, page.form("/borrada"))
        assert "borrada en Instagram" in page.text
        assert (await owner.get(f"/trabajos/{first}/instagram")).status == 404

    use(settings, steps)
    assert {row[0] for row in query(settings, "SELECT state FROM social_post")} == {
        "published", "withdrawn",
    }  # fmt: skip
