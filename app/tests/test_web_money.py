"""Money by plain forms: a visitor pays a deposit, reception takes cash, the owner sets prices, pays back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from fastapi import FastAPI
from mercado_pago import SECRET, TOKEN, MercadoPagoDouble, Seller
from support_app import CONFIGURATION
from support_postgres import TestServer
from support_web import Browser, HtmlForm, Page, deployment, first_slot, token_of, use

from barberpro_app.identity.repository import Subject
from barberpro_app.payment.signature import OLDEST_SECONDS, Signed, is_genuine, sign
from barberpro_app.settings import Settings

PAYING = [*CONFIGURATION["services"], "payment"]


@pytest.fixture
def seller() -> Iterator[tuple[Seller, str]]:
    with MercadoPagoDouble() as double:
        yield double.seller, double.address


@pytest.fixture
def settings(
    tmp_path: Path, postgres_server: TestServer, seller: tuple[Seller, str]
) -> Iterator[Settings]:
    payments = {"methods": ["cash", "transfer"], "mercado_pago_api": seller[1]}
    with deployment(
        tmp_path, postgres_server, services=PAYING, payments=payments,
        policies={"cancel_notice_hours": 0},
    ) as found:  # fmt: skip
        yield found


def connect_provider(folder: Path) -> None:
    """The owner writes the two secrets; nothing is started again."""
    for name, value in (
        ("mercado-pago-access-token", TOKEN),
        ("mercado-pago-webhook-secret", SECRET),
    ):
        (folder / "secrets" / name).write_text(value)


def run_sql(settings: Settings, statement: str, *values: object) -> list[tuple[object, ...]]:
    with psycopg.connect(settings.secrets.database_url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode(), values)
        return list(cursor.fetchall()) if cursor.description else []


def ask_deposit(settings: Settings, percent: int = 30) -> None:
    run_sql(
        settings, "INSERT INTO deposit_rule (applies, kind, percent) VALUES ('always', 'percent', %s)",
        percent,
    )  # fmt: skip


async def to_details(browser: Browser) -> Page:
    page = await browser.get("/")
    page = await browser.get(page.link("/reservar?"))
    return await browser.send(page, page.form("/reservar"), inicio=first_slot(page))


def form_of(page: Page, field: str) -> HtmlForm:
    return next(form for form in page.forms if field in form.values)


def details(page: Page) -> HtmlForm:
    return form_of(page, "nombre")


async def owner(application: FastAPI, settings: Settings) -> Browser:
    browser = Browser(application)
    ((key,),) = run_sql(settings, "SELECT id FROM staff_user WHERE role = 'owner'")
    await browser.sign_in(application, Subject(staff_id=key))  # type: ignore[arg-type]
    return browser


def test_a_visitor_pays_the_deposit_and_comes_back_confirmed(
    settings: Settings, tmp_path: Path, seller: tuple[Seller, str]
) -> None:
    connect_provider(tmp_path)
    ask_deposit(settings)

    async def steps(application: FastAPI) -> None:
        browser = Browser(application)
        page = await to_details(browser)
        assert "Seña para confirmar: $ 3.600" in page.text
        page = await browser.send(page, details(page), nombre="Ana", email="ana@example.com")
        assert page.headings == ["Pagá la seña"]
        assert page.link("https://www.mercadopago.com.ar/checkout/").endswith(
            next(iter(seller[0].preferences))
        )
        assert not page.inline
        token = token_of(page.path)
        again = await browser.get(f"/reservar/datos/{token}")
        assert again.headings == ["Pagá la seña"]
        waiting = await browser.get(f"/reserva/{token}/pago")
        assert "Todavía no nos llegó el pago" in waiting.text
        seller[0].pay(next(iter(seller[0].preferences)))
        done = await browser.get(f"/reserva/{token}/pago?status=rejected&payment_id=1")
        assert done.headings == ["El turno quedó confirmado"]
        manage = await browser.get(f"/reserva/{token}")
        assert "$ 8.400" in manage.text
        receipt = await browser.client.get(manage.link(f"/reserva/{token}/recibo/"))
        assert receipt.headers["content-type"] == "application/pdf"
        assert receipt.content.startswith(b"%PDF")
        assert (await browser.get(f"/reserva/{token}/recibo/nonsense")).status == 404

    use(settings, steps)


def test_where_nothing_is_set_up_the_time_is_kept_and_reception_takes_the_deposit(
    settings: Settings,
) -> None:
    ask_deposit(settings)

    async def steps(application: FastAPI) -> None:
        browser = Browser(application)
        page = await to_details(browser)
        page = await browser.send(page, details(page), nombre="Ana", email="ana@example.com")
        assert page.headings == ["Pagá la seña"]
        assert "comunicate antes de esa hora" in page.text
        assert not any("mercadopago" in link for link in page.links)
        ((booking,),) = run_sql(settings, "SELECT id FROM booking")
        desk = await owner(application, settings)
        page = await desk.get(f"/agenda/reserva/{booking}")
        form = page.form("/pago")
        wrong = await desk.send(page, form, medio="cash", importe="mucho")
        assert wrong.status == 422
        much = await desk.send(page, form, medio="cash", importe="12.000,01")
        assert "Es más de lo que falta pagar." in much.text
        page = await desk.send(page, form, medio="cash", importe="3.600")
        assert "Pago registrado." in page.text
        assert "Confirmado" in page.text
        await desk.send(page, form, medio="cash", importe="3.600")
        assert run_sql(settings, "SELECT count(*) FROM payment") == [(1,)]
        receipt = await desk.client.get(page.link(f"/agenda/reserva/{booking}/recibo/"))
        assert receipt.content.startswith(b"%PDF")

    use(settings, steps)


def test_the_owner_sets_prices_pays_back_and_sees_the_books(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        desk = await owner(application, settings)
        page = await desk.get("/ajustes/precios/precio/nueva")
        form = form_of(page, "valor")
        bad = await desk.send(page, form, tipo="percent", valor="-5", desde="10:00")
        assert bad.status == 422
        page = await desk.send(page, form, tipo="percent", valor="150", dias=["1", "2", "3", "4",
                               "5", "6", "7"], desde="00:00", hasta="23:59")  # fmt: skip
        assert "150 %" in page.text
        page = await desk.get("/ajustes/precios/sena/nueva")
        page = await desk.send(
            page, form_of(page, "valor"), tipo="percent", valor="10", quien="no_shows", faltas="3"
        )
        assert "Desde la falta número 3: 10 %" in page.text
        browser = Browser(application)
        page = await to_details(browser)
        assert "$ 18.000" in page.text
        assert "puede ser de hasta $ 1.800" in page.text
        page = await browser.send(page, details(page), nombre="Ana", email="ana@example.com")
        assert page.headings == ["El turno quedó confirmado"]
        ((booking,),) = run_sql(settings, "SELECT id FROM booking")
        page = await desk.get(f"/agenda/reserva/{booking}")
        await desk.send(page, page.form("/pago"), medio="transfer", importe="18.000")
        page = await desk.get("/ajustes/pagos")
        page = await desk.get(page.link("/ajustes/pagos/0"))
        refund = form_of(page, "importe")
        assert (await desk.send(page, refund, importe="18.000,01")).status == 422
        done = await desk.send(page, refund, importe="500", motivo="<b>gentileza</b>")
        assert "$ 500" in done.text
        await desk.send(page, refund, importe="500", motivo="<b>gentileza</b>")
        assert run_sql(settings, "SELECT sum(amount_centavos) FROM refund") == [(50_000,)]
        books = await desk.get("/ajustes/pagos/balance")
        assert "Las cuentas cierran." in books.text
        assert "$ 17.500" in books.text
        removed = await desk.get("/ajustes/precios")
        removed = await desk.send(removed, removed.form("/ajustes/precios/precio/"))
        assert "150 %" not in removed.text
        assert (await browser.get("/ajustes/pagos")).status in (401, 403, 200)
        assert "Balance" not in (await browser.get("/ajustes/pagos")).text

    use(settings, steps)


def test_packages_are_sold_at_the_desk_and_online_and_pay_bookings(
    settings: Settings, tmp_path: Path, seller: tuple[Seller, str]
) -> None:
    connect_provider(tmp_path)

    async def steps(application: FastAPI) -> None:
        desk = await owner(application, settings)
        page = await desk.get("/ajustes/abonos/nuevo")
        form = form_of(page, "creditos")
        assert (await desk.send(page, form, nombre="x", precio="0", creditos="900")).status == 422
        page = await desk.send(
            page, form, nombre="Cuatro cortes", precio="40.000", tipo="membership"
        )
        assert "Cuatro cortes" in page.text
        browser = Browser(application)
        page = await to_details(browser)
        await browser.send(page, details(page), nombre="Ana", email="ana@example.com")
        ((booking, key),) = run_sql(settings, "SELECT id, client_id FROM booking")
        page = await desk.get(f"/agenda/reserva/{booking}")
        refused = await desk.send(page, page.form("/credito"))
        assert "No hay un crédito" in refused.text
        page = await desk.get(f"/agenda/reserva/{booking}/abono")
        sale = form_of(page, "medio")
        for _ in range(2):
            sold = await desk.send(page, sale)
            assert "Abono vendido." in sold.text
        assert run_sql(settings, "SELECT count(*) FROM pass") == [(1,)]
        page = await desk.send(sold, sold.form("/credito"))
        assert "Pagado con un abono" in page.text
        await browser.sign_in(application, Subject(client_id=key))  # type: ignore[arg-type]
        page = await browser.get("/mis-abonos")
        assert "Quedan 3" in page.text
        page = await browser.send(page, page.form("/mis-abonos"))
        seller[0].pay(page.link("https://www.mercadopago").partition("pref_id=")[2])
        paid = next(iter(seller[0].payments))
        await browser.client.post(**seller[0].notice(paid, "pass-1"))
        page = await browser.get("/mis-abonos")
        assert "4 en el próximo período" in page.text
        plan = await desk.get((await desk.get("/ajustes/abonos")).link("/ajustes/abonos/0"))
        await desk.send(plan, plan.form("/ajustes/abonos/0"))
        assert not any(f.values.get("plan") for f in (await browser.get("/mis-abonos")).forms)

    use(settings, steps)


def test_notices_are_taken_only_signed_and_only_once(
    settings: Settings, tmp_path: Path, seller: tuple[Seller, str]
) -> None:
    ask_deposit(settings)

    async def steps(application: FastAPI) -> None:
        browser = Browser(application)
        post = browser.client.post
        assert (await post(**seller[0].notice("1", "r"))).status_code == 404
        connect_provider(tmp_path)
        page = await to_details(browser)
        page = await browser.send(page, details(page), nombre="Ana", email="ana@example.com")
        paid = seller[0].pay(next(iter(seller[0].preferences)))
        for notice in (
            seller[0].notice(paid, "r-0", secret="forged"),
            {**seller[0].notice(paid, "r-0"), "headers": {}},
            {**seller[0].notice(paid, "r-0"), "headers": {"x-signature": "ts=,v1=", "x-request-id": "r"}},
            {**seller[0].notice("7", "r-0"), "url": f"/webhooks/mercado-pago?data.id={paid}&type=payment",
             "json": [1]},
        ):  # fmt: skip
            assert (await post(**notice)).status_code == 401
        assert run_sql(settings, "SELECT count(*) FROM mercado_pago_notice") == [(0,)]
        other = seller[0].notice(paid, "r-1")
        other["url"] = other["url"].replace("type=payment", "type=merchant_order")
        assert (await post(**other)).status_code == 200
        asked = len(seller[0].requests)
        seller[0].misbehave("500")
        assert (await post(**seller[0].notice(paid, "r-2"))).status_code == 200
        assert run_sql(settings, "SELECT state FROM mercado_pago_notice") == [("pending",)]
        assert (await post(**seller[0].notice(paid, "r-2"))).status_code == 200
        assert (
            len(seller[0].requests) == asked
        )  # the failed call is not counted, the replay made none
        notice = seller[0].notice(paid, "r-3", milliseconds=False)
        assert (await post(**notice)).status_code == 200
        assert len(seller[0].requests) == asked + 1
        assert run_sql(settings, "SELECT status FROM booking") == [("confirmed",)]

    use(settings, steps)


def test_the_signature_is_the_documented_one() -> None:
    signature = sign("123456", "req-1", "1704908010", "test-secret")
    assert signature == "fe601d434b9782c32a2863aec99718a9263c4300835e75d990041d9b7cbfaebe"
    now = 1_704_908_010.0
    header = f"ts=1704908010,v1={signature}"
    assert is_genuine(Signed("123456", "req-1", header), "test-secret", now)
    assert not is_genuine(Signed("123457", "req-1", header), "test-secret", now)
    assert not is_genuine(Signed("123456", "req-2", header), "test-secret", now)
    assert not is_genuine(
        Signed("123456", "req-1", header), "test-secret", now + OLDEST_SECONDS + 1
    )
    milliseconds = f"ts=1704908010123,v1={sign('123456', 'req-1', '1704908010123', 'test-secret')}"
    assert is_genuine(Signed("123456", "req-1", milliseconds), "test-secret", now)
    lower = f"ts=1704908010,v1={sign('abc', 'req-1', '1704908010', 'test-secret')}"
    assert is_genuine(Signed("ABC", "req-1", lower), "test-secret", now)
    for broken in (
        "",
        "ts=1704908010",
        "v1=ab",
        "ts=x,v1=ab",
        "ts=1704908010,v1=" + "a" * 64,
        ",,,",
    ):
        assert not is_genuine(Signed("123456", "req-1", broken), "test-secret", time.time())


def test_a_business_without_the_service_has_none_of_it(
    tmp_path: Path, postgres_server: TestServer
) -> None:
    with deployment(tmp_path, postgres_server) as found:

        async def steps(application: FastAPI) -> None:
            desk = await owner(application, found)
            for path in ("/ajustes/pagos", "/ajustes/precios", "/api/v1/payments", "/api/v1/quote",
                         "/api/v1/ledger/trial-balance", "/pagos/vuelta"):  # fmt: skip
                assert (await desk.client.get(path)).status_code == 404
            assert (await desk.client.post("/webhooks/mercado-pago")).status_code == 404
            assert "/ajustes/pagos" not in (await desk.get("/ajustes/marca")).links

        use(found, steps)
