"""Keys that the owner types: tried, sealed, used at once, never shown, and gone when removed."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from fastapi import FastAPI
from mercado_pago import TOKEN, MercadoPagoDouble
from support_postgres import TestServer
from support_shop import SYSTEM_ACTOR
from support_team import query, signed_in
from support_web import deployment, use

from barberpro_app.kit.metrics import Metrics
from barberpro_app.payment.online import OnlinePayments
from barberpro_app.settings import Secret, Settings, load_settings
from barberpro_app.vault import service as vault
from barberpro_app.vault.service import KeyFormatError
from barberpro_app.worker import Worker

HOME = "/ajustes/cobros-en-linea"
SECRET = "a-webhook-secret-of-the-owner"


@pytest.fixture
def double() -> Iterator[MercadoPagoDouble]:
    with MercadoPagoDouble() as running:
        yield running


@pytest.fixture
def settings(
    tmp_path: Path, postgres_server: TestServer, double: MercadoPagoDouble
) -> Iterator[Settings]:
    payments = {"methods": ["cash"], "mercado_pago_api": double.address}
    with deployment(tmp_path, postgres_server, services=("payment",), payments=payments) as found:
        yield found


def test_an_owner_connects_and_disconnects(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        online: OnlinePayments = application.state.online_payments
        owner = await signed_in(application, settings, "owner")
        page = await owner.get(HOME)
        assert not online.enabled
        assert "No está conectado" in page.text
        for token, said in (("", "required"), ("qwertz", "APP_USR"), ("TEST-of-somebody-else", "no acepta"),
                            ("APP_USR-" + "x" * 400, "")):  # fmt: skip
            refused = await owner.send(page, next(form for form in page.forms if "token" in form.values),
                                       token=token, firma="")  # fmt: skip
            assert refused.status == 422, token
            assert said in refused.html or said == "required"
            assert not token or token not in refused.html
        form = next(form for form in page.forms if "token" in form.values)
        saved = await owner.send(page, form, token=TOKEN, firma=SECRET)
        assert saved.status == 200
        assert "Conectado con Mercado Pago" in saved.text
        assert TOKEN not in saved.html
        assert SECRET not in saved.html
        assert online.enabled
        assert online.webhook_secret == SECRET
        stored = query(settings, "SELECT key, sealed FROM sealed_setting ORDER BY key")
        assert [row[0] for row in stored] == [
            "mercado-pago-access-token",
            "mercado-pago-webhook-secret",
        ]
        assert all(TOKEN.encode() not in bytes(row[1]) for row in stored)
        trail = query(
            settings, "SELECT changes::text FROM audit_event WHERE action = 'secret.kept'"
        )
        assert len(trail) == 2
        assert all(TOKEN not in row[0] and SECRET not in row[0] for row in trail)
        gone = await owner.send(saved, saved.form("/quitar"))
        assert "No está conectado" in gone.text
        assert not online.enabled
        assert query(settings, "SELECT 1 FROM sealed_setting") == []
        for role in ("manager", "reception"):
            assert (await (await signed_in(application, settings, role)).get(HOME)).status == 403

    use(settings, steps)


def test_a_provider_that_is_away_is_not_taken_for_a_refusal(
    settings: Settings, double: MercadoPagoDouble
) -> None:
    payments = settings.app.payments.model_copy(update={"mercado_pago_api": "http://127.0.0.1:9"})
    away = settings.model_copy(
        update={"app": settings.app.model_copy(update={"payments": payments})}
    )
    assert double.address

    async def steps(application: FastAPI) -> None:
        owner = await signed_in(application, away, "owner")
        page = await owner.get(HOME)
        form = next(form for form in page.forms if "token" in form.values)
        answer = await owner.send(page, form, token=TOKEN)
        assert answer.status == 422
        assert "no responde ahora" in answer.text

    use(away, steps)


def test_other_processes_hear_of_it_and_another_key_opens_nothing(
    settings: Settings, tmp_path: Path
) -> None:
    async def steps(application: FastAPI) -> None:
        database = application.state.database
        async with database.transaction() as connection:
            await vault.keep(
                connection, settings.secrets, SYSTEM_ACTOR, {"mercado-pago-access-token": TOKEN}
            )
        environment = {
            "BARBERPRO_APP_CONFIG": str(tmp_path / "app.json"),
            "BARBERPRO_SECRETS_DIR": str(tmp_path / "secrets"),
        }
        elsewhere = load_settings(environment)
        assert elsewhere.secrets.optional("mercado-pago-access-token") is None
        worker = Worker(elsewhere, database, Metrics(), listen=False)
        await next(job for job in worker.jobs if job.name == "brand").run()
        typed = elsewhere.secrets.optional("mercado-pago-access-token")
        assert typed is not None
        assert typed.reveal() == TOKEN
        (tmp_path / "secrets/mercado-pago-access-token").write_text("APP_USR-file")
        assert elsewhere.secrets.text("mercado-pago-access-token").reveal() == TOKEN
        (tmp_path / "secrets/token-key").write_text("A" * 43 + "=")
        async with database.connection() as connection:
            await vault.load(connection, elsewhere.secrets)
        assert elsewhere.secrets.text("mercado-pago-access-token").reveal() == "APP_USR-file"

    use(settings, steps)


@pytest.mark.parametrize("key", ["session-key", "database-url", "token-key", "smtp-password"])
def test_no_other_secret_can_be_typed(settings: Settings, key: str) -> None:
    async def steps(application: FastAPI) -> None:
        async with application.state.database.transaction() as connection:
            with pytest.raises(KeyFormatError):
                await vault.keep(connection, settings.secrets, SYSTEM_ACTOR, {key: "x" * 20})

    use(settings, steps)
    before = settings.secrets.text("session-key").reveal()
    query(settings, "INSERT INTO sealed_setting (key, sealed) VALUES (%s, %s)", key, b"x" * 40)

    async def load() -> None:
        async with await psycopg.AsyncConnection.connect(
            settings.secrets.database_url, row_factory=psycopg.rows.dict_row
        ) as connection:
            await vault.load(connection, settings.secrets)

    asyncio.run(load())
    assert settings.secrets.text("session-key").reveal() == before
    assert str(Secret("x")) == "Secret(***)"
