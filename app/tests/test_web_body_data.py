"""The pages of progress, activities and nutrition, by plain forms without scripts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from fastapi import FastAPI
from support_activities import CSV, fit_file
from support_postgres import TestServer
from support_web import ORIGIN, Browser, Page, deployment, use

from barberpro_app.identity.repository import Subject
from barberpro_app.settings import Settings

SERVICES = ["api-gateway", "booking", "provider", "client", "catalog",
            "biometric-integration-service", "progress-tracking-service", "nutrition-service"]  # fmt: skip
HTML = "<script>alert(1)</script>"


@pytest.fixture
def settings(tmp_path: Path, postgres_server: TestServer) -> Iterator[Settings]:
    with deployment(tmp_path, postgres_server, services=SERVICES, vertical="fitness") as found:
        yield found


def query(settings: Settings, statement: str, *values: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(settings.secrets.database_url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode(), values)
        return list(cursor.fetchall()) if cursor.description else []


def a_client(settings: Settings) -> UUID:
    """Somebody who trained with the provider yesterday."""
    client: UUID = query(
        settings,
        "WITH c AS (INSERT INTO client (name, email) VALUES ('Ana Paz', 'ana@gym.example')"
        " RETURNING id)"
        " INSERT INTO booking (code, status, client_id, provider_id, service_id, location_id,"
        "  starts_at, ends_at, zone, price_centavos)"
        " SELECT new_booking_code(), 'completed', c.id, p.id, s.id, l.id, now() - interval '1 day',"
        "  now() - interval '23 hours', l.zone, 0 FROM c, location l, service s, provider p LIMIT 1"
        " RETURNING client_id",
    )[0][0]
    return client


async def signed_in(
    application: FastAPI, settings: Settings, role: str, *, treats: bool = False
) -> Browser:
    staff = query(
        settings,
        "INSERT INTO staff_user (email, name, role, provider_id) SELECT %s, %s, %s,"
        " CASE WHEN %s THEN (SELECT id FROM provider LIMIT 1) END RETURNING id",
        f"{role}{treats:d}@gym.example", f"Lic. {role.title()}", role, treats,
    )[0][0]  # fmt: skip
    browser = Browser(application)
    await browser.sign_in(application, Subject(staff_id=staff))
    return browser


async def own(application: FastAPI, client_id: UUID) -> Browser:
    browser = Browser(application)
    await browser.sign_in(application, Subject(client_id=client_id))
    return browser


async def agree(browser: Browser, *purposes: str) -> None:
    for purpose in purposes:
        page = await browser.get("/mi-progreso/permisos")
        form = next(f for f in page.forms if f.values.get("proposito") == [purpose])
        page = await browser.send(page, form, acepto="1", firma="Ana Paz")
        assert page.status == 200


async def upload(browser: Browser, page: Page, content: bytes) -> Page:
    form = page.form("/importar")
    values = {name: found[0] for name, found in form.values.items() if name != "archivo"}
    headers = {"origin": ORIGIN, "sec-fetch-site": "same-origin"}
    files = {"archivo": ("a.fit", content, "application/octet-stream")}
    return Page(await browser.client.post(form.action, data=values, files=files, headers=headers))


def well_made(page: Page) -> Page:
    assert page.status == 200, page.text[:300]
    assert not page.inline, page.inline
    assert len(page.ids) == len(set(page.ids)), page.path
    assert len(page.headings) == 1
    assert HTML not in page.html
    return page


def test_consent_comes_first_and_its_withdrawal_deletes(settings: Settings) -> None:
    client = a_client(settings)

    async def steps(application: FastAPI) -> None:
        ana = await own(application, client)
        assert "/mi-progreso" in well_made(await ana.get("/mis-reservas")).links
        page = well_made(await ana.get("/mi-progreso"))
        assert not [form for form in page.forms if "/medir" in form.action]
        ask = page.form("/permisos")
        refused = await ana.send(page, ask, firma="")
        assert refused.status == 422
        page = await ana.send(page, ask, acepto="1", firma="Ana Paz")
        assert "Ya podés empezar" in well_made(page).text
        page = await ana.send(page, page.form("/medir"), valor="71,5", nota=HTML)
        assert "71,5" in well_made(page).text
        permissions = well_made(await ana.get("/mi-progreso/permisos"))
        sure = await ana.send(permissions, permissions.form("/retirar"))
        assert "Se borran ahora" in well_made(sure).text
        assert query(settings, "SELECT count(*) FROM measurement") == [(1,)]
        done = await ana.send(sure, sure.form("/retirar"))
        assert "Retiraste" in well_made(done).text
        assert query(settings, "SELECT count(*) FROM measurement") == [(0,)]

    use(settings, steps)


def test_measures_and_goals_by_forms(settings: Settings) -> None:
    client = a_client(settings)

    async def steps(application: FastAPI) -> None:
        ana = await own(application, client)
        await agree(ana, "progress_data")
        page = await ana.get("/mi-progreso")
        for value, said in (("mucho", "Escribí un número"), ("900", "fuera de lo posible"),
                            ("", "Completá")):  # fmt: skip
            wrong = await ana.send(page, page.form("/medir"), valor=value)
            assert wrong.status == 422
            assert said in wrong.text or value == ""
        early = await ana.send(page, page.form("/objetivo"), meta_valor="60", meta_dia="2034-01-01")
        assert early.status == 409
        for day, value in (("2025-10-01", "72"), ("2025-11-01", "70,2")):
            page = await ana.send(page, page.form("/medir"), valor=value, dia=day, nota=HTML)
        page = await ana.send(page, page.form("/objetivo"), meta_valor="65", meta_dia="2034-01-01")
        assert "65 kg" in well_made(page).text
        chart = well_made(await ana.get(page.link("/medida/weight")))
        assert 'role="img"' in chart.html
        assert "2 valores, de 72 kg" in chart.text
        gone = await ana.send(chart, chart.form("/borrar"))
        assert "Borrado" in well_made(gone).text
        assert "peso" in (await ana.get("/mi-progreso/descargar")).html.lower()
        ended = await ana.send(page, page.form("/terminar"))
        assert "Terminado" in well_made(ended).text
        assert (await ana.get("/mi-progreso/medida/nothing")).status == 404

    use(settings, steps)


def test_a_file_by_a_form(settings: Settings) -> None:
    client = a_client(settings)

    async def steps(application: FastAPI) -> None:
        ana = await own(application, client)
        await agree(ana, "activity_data", "share_progress")
        page = await ana.get("/mi-progreso/actividades")
        done = await upload(ana, page, fit_file())
        assert "Se importó una actividad" in well_made(done).text
        again = await upload(ana, page, fit_file())
        assert again.status == 409
        assert "Ya estaba importada" in again.text
        half = await upload(ana, page, fit_file()[:400])
        assert half.status == 422
        assert "incompleto o dañado" in half.text
        assert (await upload(ana, page, b"")).status == 422
        large = await upload(ana, page, b"x" * (7 * 1_048_576))
        assert large.status == 413
        trainer = await signed_in(application, settings, "provider", treats=True)
        theirs = well_made(await trainer.get(f"/progreso/{client}/actividades"))
        assert "Se importaron 2 actividades" in (await upload(trainer, theirs, CSV)).text
        assert query(settings, "SELECT count(*) FROM activity") == [(3,)]
        listed = well_made(await ana.get("/mi-progreso/actividades"))
        assert "5,2 km" in listed.text
        gone = await ana.send(listed, listed.form("/borrar"))
        assert "Borrado" in well_made(gone).text
        stranger = await trainer.post("/progreso/importar", cliente="x")
        assert stranger.status == 403  # no token: another site's form

    use(settings, steps)


def test_a_trainer_sees_who_shares(settings: Settings) -> None:
    client = a_client(settings)

    async def steps(application: FastAPI) -> None:
        trainer = await signed_in(application, settings, "provider", treats=True)
        page = well_made(await trainer.get("/progreso"))
        assert "No comparte" in page.text
        for path in ("", "/actividades", "/plan"):
            closed = await trainer.get(f"/progreso/{client}{path}")
            assert closed.status == 403
            assert "no comparte estos datos" in closed.text
        ana = await own(application, client)
        await agree(ana, "progress_data", "share_progress")
        page = well_made(await trainer.get("/progreso?q=ana"))
        home = well_made(await trainer.get(page.link(f"/progreso/{client}")))
        saved = await trainer.send(home, home.form("/medir"), valor="80", medida="waist")
        assert "Cintura" in well_made(saved).text
        assert "Lic. Provider" in well_made(await ana.get("/mi-progreso/permisos")).text
        assert (await trainer.get(f"/progreso/{client}/plan")).status == 409
        owner = await signed_in(application, settings, "owner")
        assert (await owner.get(f"/progreso/{client}")).status == 404
        assert "para quienes atienden" in well_made(await owner.get("/progreso")).text
        assert (await ana.get(f"/progreso/{client}")).status == 404
        assert (await Browser(application).get("/mi-progreso")).path.startswith("/entrar?volver=")

    use(settings, steps)


def test_a_plan_from_draft_to_signature(settings: Settings) -> None:
    client = a_client(settings)

    async def steps(application: FastAPI) -> None:
        ana = await own(application, client)
        await agree(ana, "nutrition_data", "share_progress")
        page = well_made(await ana.get("/mi-plan"))
        data = {"nacimiento": "1990-05-01", "sexo": "female", "altura": "165", "peso": "62,5",
                "actividad": "moderate", "objetivo": "keep", "evita": "peanut"}  # fmt: skip
        wrong = await ana.send(page, page.form("/datos"), **{**data, "altura": "1,65"})
        assert wrong.status == 422
        page = await ana.send(page, page.form("/datos"), **data)
        assert "kcal" in well_made(page).text
        pro = await signed_in(application, settings, "provider", treats=True)
        home = well_made(await pro.get(f"/progreso/{client}/plan"))
        editor = well_made(
            await pro.send(home, home.form("/nuevo"), titulo=f"Semana {HTML}", kcal="1800")
        )
        assert "Desayuno" in editor.text
        bad = await pro.send(editor, editor.form("/cambiar"), gramos="0")
        assert bad.status == 422
        add = next(f for f in editor.forms if f.values.get("que") == ["agregar"])
        stale = editor
        editor = await pro.send(editor, add, alimento="peanuts", gramos="30")
        assert "No puede: Maní" in well_made(editor).text
        lost = await pro.send(stale, add, alimento="apple", gramos="30")
        assert lost.status == 409
        day = next(f for f in editor.forms if f.values.get("que") == ["dia"])
        editor = well_made(await pro.send(editor, day, nombre="Martes"))
        assert editor.text.count("No puede: Maní") == 2
        assert (await ana.get("/mi-plan")).text.count("Semana") == 0
        assert "lo tiene que firmar un nutricionista" in editor.text
        owner = await signed_in(application, settings, "owner")
        listed = well_made(await owner.get("/ajustes/nutricionistas"))
        entry = well_made(await owner.get(listed.link("/ajustes/nutricionistas/")))
        entered = await owner.send(entry, entry.forms[-1], matricula="MP 1", jurisdiccion="Córdoba")
        assert "Puede firmar" in well_made(entered).text
        editor = well_made(await pro.get(editor.path))
        sign = editor.form("/firmar")
        assert (await pro.send(editor, sign)).status == 422
        avoided = await pro.send(editor, sign, respondo="1")
        assert avoided.status == 409
        remove = next(f for f in editor.forms if f.values.get("que") == ["quitar-dia"])
        editor = await pro.send(editor, remove)
        remove = next(f for f in editor.forms if f.values.get("que") == ["quitar"])
        editor = await pro.send(editor, remove)
        add = next(f for f in editor.forms if f.values.get("que") == ["agregar"])
        editor = await pro.send(editor, add, alimento="oats", gramos="60")
        signed = await pro.send(editor, editor.form("/firmar"), respondo="1")
        assert "La persona ya lo ve" in well_made(signed).text
        mine = well_made(await ana.get("/mi-plan"))
        plan = well_made(await ana.get(mine.link("/mi-plan/")))
        assert "Avena arrollada" in plan.text
        assert "matrícula MP 1 (Córdoba)" in plan.text
        ended = await pro.send(signed, signed.form("/terminar"))
        assert "Terminado" in well_made(ended).text
        assert (await ana.get(plan.path)).status == 404

    use(settings, steps)


def test_measures_of_the_business(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        owner = await signed_in(application, settings, "owner")
        page = well_made(await owner.get("/ajustes/medidas/nueva"))
        form = page.forms[-1]
        values = {"nombre": f"Plancha {HTML}", "unidad": "s", "minimo": "600", "maximo": "1"}
        assert (await owner.send(page, form, **values)).status == 422
        listed = await owner.send(page, form, **{**values, "minimo": "1", "maximo": "600"})
        assert "Plancha" in well_made(listed).text
        own = await owner.get(listed.link("/ajustes/medidas/mplancha"))
        off = await owner.send(own, own.forms[-1], activa="0")
        assert "No se ofrece" in well_made(off).text
        trainer = await signed_in(application, settings, "provider", treats=True)
        assert (await trainer.get("/ajustes/medidas")).status == 403
        both = await owner.get("/ajustes/medidas/nothing")
        assert both.status == 404

    use(settings, steps)


def test_the_pages_are_there_only_with_their_services(
    tmp_path: Path, postgres_server: TestServer
) -> None:
    plain = SERVICES[:5]
    with deployment(tmp_path, postgres_server, services=plain) as settings:
        client = a_client(settings)

        async def steps(application: FastAPI) -> None:
            ana = await own(application, client)
            for path in ("/mi-progreso", "/mi-plan", "/mi-progreso/actividades"):
                assert (await ana.get(path)).status == 404
            assert "/mi-progreso" not in (await ana.get("/mis-reservas")).links

        use(settings, steps)


def test_a_food_by_a_form(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        pro = await signed_in(application, settings, "provider", treats=True)
        page = well_made(await pro.get("/alimentos"))
        assert "Avena arrollada" in page.text
        assert not [form for form in page.forms if form.action == "/alimentos"]
        query(
            settings,
            "INSERT INTO nutritionist (provider_id, licence_number, jurisdiction, entered_by)"
            " SELECT id, '1', 'AR', 'x' FROM provider LIMIT 1",
        )
        page = well_made(await pro.get("/alimentos"))
        form = page.form("/alimentos")
        values = {"nombre": f"Empanada {HTML}", "kcal": "260", "proteinas": "10,5", "hidratos": "26",
                  "grasas": "12,5", "fibra": "1,5", "contiene": "gluten", "fuente": "Rótulo"}  # fmt: skip
        assert (await pro.send(page, form, **{**values, "kcal": ""})).status == 422
        wrong = await pro.send(page, form, **{**values, "kcal": "10"})
        assert wrong.status == 422
        assert "no cierran" in wrong.text
        page = await pro.send(page, form, **values)
        assert "Empanada" in well_made(page).text
        gone = await pro.send(page, page.form("/quitar"))
        assert "Empanada" not in well_made(gone).text

    use(settings, steps)
