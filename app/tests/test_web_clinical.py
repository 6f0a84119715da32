"""The pages of clinical records, dentistry, licences and privacy, by plain forms without scripts."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from fastapi import FastAPI
from support_postgres import TestServer
from support_web import ORIGIN, Browser, Page, deployment, use

from barberpro_app.identity.repository import Subject
from barberpro_app.settings import Settings

SERVICES = ["api-gateway", "booking", "provider", "client", "catalog", "encrypted-notes-service",
            "provider-verification-service", "privacy-compliance-service",
            "session-recording-service", "odontogram-service", "treatment-plan-service"]  # fmt: skip
HTML = "<script>alert(1)</script>"
PDF = b"%PDF-1.4\n" + b"0" * 50 + b"\n%%EOF\n"


@pytest.fixture
def settings(tmp_path: Path, postgres_server: TestServer) -> Iterator[Settings]:
    health = {"health_data": True, "clinical_retention_years": 10}
    with deployment(tmp_path, postgres_server, services=SERVICES, compliance=health) as found:
        key = base64.b64encode(os.urandom(32)).decode()
        (tmp_path / "secrets" / "notes-key").write_text(key)
        yield found


def query(settings: Settings, statement: str, *values: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(settings.secrets.database_url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode(), values)
        return list(cursor.fetchall()) if cursor.description else []


def a_patient(settings: Settings, name: str = "Ana Paz") -> tuple[UUID, UUID]:
    """Somebody whose session is going on: the client's and the booking's key."""
    client, booking = query(
        settings,
        "WITH c AS (INSERT INTO client (name, email) VALUES (%s, %s) RETURNING id)"
        " INSERT INTO booking (code, status, client_id, provider_id, service_id, location_id,"
        "  starts_at, ends_at, zone, price_centavos)"
        " SELECT new_booking_code(), 'arrived', c.id, p.id, s.id, l.id, now() - interval '1 min',"
        "  now() + interval '40 min', l.zone, 0 FROM c, location l, service s, provider p LIMIT 1"
        " RETURNING client_id, id",
        name, f"{name.split()[0].lower()}@clinic.example",
    )[0]  # fmt: skip
    return client, booking


async def member(
    application: FastAPI, settings: Settings, role: str, *, treats: bool = False
) -> Browser:
    staff = query(
        settings,
        "INSERT INTO staff_user (email, name, role, provider_id) SELECT %s, %s, %s,"
        " CASE WHEN %s THEN (SELECT id FROM provider LIMIT 1) END RETURNING id",
        f"{role}{treats:d}@clinic.example", f"Lic. {role.title()}", role, treats,
    )[0][0]  # fmt: skip
    browser = Browser(application)
    await browser.sign_in(application, Subject(staff_id=staff))
    return browser


async def professional(application: FastAPI, settings: Settings) -> Browser:
    return await member(application, settings, "provider", treats=True)


async def patient(application: FastAPI, client_id: UUID) -> Browser:
    browser = Browser(application)
    await browser.sign_in(application, Subject(client_id=client_id))
    return browser


def well_made(page: Page) -> Page:
    assert page.status == 200, page.text[:300]
    assert not page.inline, page.inline
    assert len(page.ids) == len(set(page.ids)), page.path
    assert len(page.headings) == 1
    assert HTML not in page.html
    return page


def test_a_record_is_written_corrected_and_copied(settings: Settings) -> None:
    client, _ = a_patient(settings)
    home = f"/pacientes/{client}"

    async def steps(application: FastAPI) -> None:
        desk = await professional(application, settings)
        assert "Ana Paz" in well_made(await desk.get("/pacientes?q=ana")).text
        assert "Todavía no hay pacientes" in (await desk.get("/pacientes?q=%25")).text
        page = well_made(await desk.get(home))
        empty = await desk.send(page, page.form("/entrada"), texto=" ")
        assert empty.status == 422
        page = await desk.send(page, page.form("/entrada"), texto=f"Duerme mal {HTML}")
        assert "Guardado" in well_made(page).text
        assert "Duerme mal" in page.text
        form_page = well_made(await desk.get(page.link("/corregir/")))
        short = await desk.send(form_page, form_page.form("/corregir/"), motivo="no")
        assert short.status == 422
        page = await desk.send(
            form_page,
            form_page.form("/corregir/"),
            texto="Duerme bien",
            motivo="Era de otra sesión",
        )
        assert "<del" in well_made(page).html
        copy = well_made(await desk.get(f"{home}/copia"))
        assert "Duerme bien" in copy.text
        assert (await desk.get(f"{home}/copia?formato=json")).response.json()["intact"]
        assert "Sacó una copia" in well_made(await desk.get(f"{home}/accesos")).text

    use(settings, steps)


def test_another_professionals_patient_is_entered_with_a_reason_only(settings: Settings) -> None:
    client, _ = a_patient(settings)
    home = f"/pacientes/{client}"

    async def steps(application: FastAPI) -> None:
        query(
            settings,
            "INSERT INTO provider (key, name) VALUES ('other', 'Otro')",
        )
        other = query(settings, "SELECT id FROM provider WHERE key = 'other'")[0][0]
        desk = await professional(application, settings)
        query(settings, "UPDATE staff_user SET provider_id = %s WHERE role = 'provider'", other)
        closed = await desk.get(home)
        assert closed.status == 403
        assert "No es tu paciente" in closed.text
        short = await desk.send(closed, closed.form("/emergencia"), motivo="corto")
        assert short.status == 422
        opened = await desk.send(
            closed, closed.form("/emergencia"), motivo="Guardia: llegó descompensada"
        )
        assert "Entraste por excepción" in well_made(opened).text
        owner = await member(application, settings, "owner")
        seen = well_made(await owner.get("/ajustes/historias-clinicas"))
        assert "Guardia: llegó descompensada" in seen.text
        assert (await owner.get(home)).status == 404
        form = seen.form("/ajustes/historias-clinicas/")
        granted = await owner.send(seen, form, nivel="read", todos="1")
        assert "Guardado" in granted.text or granted.status == 200
        own = await patient(application, client)
        mine = well_made(await own.get("/mis-datos"))
        assert "Guardia: llegó descompensada" in mine.text

    use(settings, steps)


def test_notes_by_forms(settings: Settings) -> None:
    client, _ = a_patient(settings)
    home = f"/pacientes/{client}/notas"

    async def steps(application: FastAPI) -> None:
        desk = await professional(application, settings)
        page = well_made(await desk.get(home))
        page = await desk.send(page, page.form("/notas"), texto=f"Sueña con trenes {HTML}")
        assert "Sueña con trenes" in well_made(page).text
        found = await desk.send(page, page.form("/buscar"), palabras="trenes")
        assert "Encontradas: 1" in found.text
        none = await desk.send(page, page.form("/buscar"), palabras="aviones")
        assert "Encontradas: 0" in none.text
        short = await desk.send(page, page.form("/buscar"), palabras="a b c d")
        assert short.status == 422
        note = re.search(r"/notas/([0-9a-f-]{36})\"", page.html)
        assert note
        form = page.form(f"/notas/{note[1]}")
        changed = await desk.send(page, form, texto="Sueña con barcos")
        assert "barcos" in changed.text
        stale = await desk.send(page, form, texto="otra cosa")
        assert stale.status == 409
        gone = await desk.send(changed, changed.form(f"{note[1]}/borrar"))
        assert "barcos" not in gone.text
        owner = await member(application, settings, "owner")
        assert (await owner.get(home)).status == 404

    use(settings, steps)


def test_the_chart_by_forms(settings: Settings) -> None:
    client, _ = a_patient(settings)
    home = f"/pacientes/{client}/odontograma"

    async def steps(application: FastAPI) -> None:
        desk = await professional(application, settings)
        page = well_made(await desk.get(f"{home}?pieza=16"))
        assert page.html.count('class="tooth') == 52
        assert 'aria-label="16: sin hallazgos"' in page.html
        page = await desk.send(page, page.form("/odontograma"), cara="O", estado="caries")
        assert 'aria-label="16: oclusal: caries"' in well_made(page).html
        for values in ({"pieza": "19"}, {"cara": "I"}, {"estado": "crown"}, {"estado": "x"}):
            wrong = await desk.send(
                page, page.form("/odontograma"), **{"cara": "M", "estado": "caries", **values}
            )
            assert wrong.status == 422, values
        for odd in ("99", "xx", "-1", "１６"):
            assert (await desk.get(f"{home}?pieza={odd}")).status == 200

    use(settings, steps)


def test_an_estimate_by_forms_signed_at_home(settings: Settings) -> None:
    client, booking = a_patient(settings)
    home = f"/pacientes/{client}/tratamiento"

    async def steps(application: FastAPI) -> None:
        desk = await professional(application, settings)
        page = well_made(await desk.get(home))
        page = await desk.send(page, page.form("/alerta"), tipo="allergy", alerta="Penicilina")
        assert "Penicilina" in page.text
        day = query(settings, "SELECT (starts_at AT TIME ZONE zone)::date FROM booking")[0][0]
        assert "Ver alertas" in (await desk.get(f"/agenda?dia={day}")).text
        reception = await member(application, settings, "reception")
        assert "Ver alertas" not in (await reception.get(f"/agenda?dia={day}")).text
        page = await desk.send(page, page.form("/cobertura"), obra="OSDE", afiliado="61-1")
        assert 'value="OSDE"' in page.html
        none = await desk.send(page, page.form("/tratamiento/plan"), titulo="Corona")
        assert none.status == 422
        bad = await desk.send(page, page.form("/tratamiento/plan"), titulo="Corona",
                              etapa_1="Perno", importe_1="-5", pieza_1="99")  # fmt: skip
        assert bad.status == 422
        plan = await desk.send(page, page.form("/tratamiento/plan"), titulo="Corona",
                               etapa_1="Perno", importe_1="12.000,50", pieza_1="16")  # fmt: skip
        assert "$ 12.000,50" in well_made(plan).text
        own = await patient(application, client)
        assert "Corona" not in well_made(await own.get("/mis-datos/presupuestos")).text
        past = await desk.send(plan, plan.form("/ofrecer"), valido="2020-01-01")
        assert past.status == 422
        until = (datetime.now(UTC).date() + timedelta(days=10)).isoformat()
        offered = await desk.send(plan, plan.form("/ofrecer"), valido=until)
        assert "firma digital" not in well_made(offered).text.lower()
        listed = await own.get("/mis-datos/presupuestos")
        estimate = well_made(await own.get(listed.link("/presupuestos/")))
        unsigned = await own.send(estimate, estimate.form("/firmar"), firma="Ana Paz")
        assert unsigned.status == 422
        signed = await own.send(estimate, estimate.form("/firmar"), acepto="1", firma="Ana Paz")
        assert "Aceptado por Ana Paz" in well_made(signed).text
        late = await own.send(estimate, estimate.form("/rechazar"))
        assert late.status == 409
        page = await desk.get(offered.path.partition("?")[0])
        done = await desk.send(page, page.form("/etapa/1"), estado="done")
        assert "Terminado" in well_made(done).text
        page = await desk.get(home)
        page = await desk.send(page, page.form("/laboratorio"), laboratorio="Sur", trabajo="Perno")
        assert "Enviado" in page.text
        sent = await desk.send(page, page.form("/laboratorio/"), estado="sent")
        assert "Recibido" in sent.text
        assert str(booking)

    use(settings, steps)


def test_recording_pages_may_use_the_microphone_and_no_other_page_may(settings: Settings) -> None:
    client, booking = a_patient(settings)

    async def steps(application: FastAPI) -> None:
        desk = await professional(application, settings)
        page = well_made(await desk.get(f"/agenda/reserva/{booking}/grabar"))
        assert "microphone=(self)" in page.response.headers["permissions-policy"]
        assert "media-src 'self' blob:" in page.response.headers["content-security-policy"]
        record = await desk.get(f"/pacientes/{client}")
        assert "microphone=()" in record.response.headers["permissions-policy"]
        unsigned = await desk.send(page, page.form("/consentimiento"), firma="Ana")
        assert unsigned.status == 422
        own = await patient(application, client)
        ask = well_made(await own.get(f"/mis-datos/grabaciones/{booking}"))
        given = await own.send(ask, ask.form("/grabaciones/"), acepto="1", firma="Ana Paz")
        assert "está firmado" in given.text
        assert "está firmado" in (await desk.get(f"/agenda/reserva/{booking}/grabar")).text
        assert "Ana" not in (await own.get("/mis-datos/grabaciones")).text
        stranger = await patient(application, a_patient(settings, "Beto Gil")[0])
        assert (await stranger.get(f"/mis-datos/grabaciones/{booking}")).status == 404
        again = await own.send(ask, ask.form("/grabaciones/"), acepto="1", firma="Ana Paz")
        assert again.status == 409

    use(settings, steps)


def test_my_data_by_forms(settings: Settings) -> None:
    client, _ = a_patient(settings)

    async def steps(application: FastAPI) -> None:
        own = await patient(application, client)
        page = well_made(await own.get("/mis-datos"))
        form = next(f for f in page.forms if f.values.get("proposito") == ["health_data"])
        given = await own.send(page, form, acepto="1", firma="Ana Paz")
        assert "Consentimiento guardado" in well_made(given).text
        taken = await own.send(given, given.form("/retirar"))
        assert "Consentimiento retirado" in taken.text
        unclear = await own.send(page, page.form("/pedido"), que="rectification", detalle="")
        assert unclear.status == 422
        asked = await own.send(page, page.form("/pedido"), que="erasure")
        assert "Vence el" in well_made(asked).text
        twice = await own.send(page, page.form("/pedido"), que="erasure")
        assert twice.status == 409
        data = (await own.get("/mis-datos/descargar")).response.json()
        assert data["data"]["client"][0]["name"] == "Ana Paz"
        owner = await member(application, settings, "owner")
        work = well_made(await owner.get("/ajustes/datos-personales"))
        refused = await owner.send(work, work.form("/datos-personales/"), respuesta="refused")
        assert refused.status == 422
        await owner.send(work, work.form("/datos-personales/"), respuesta="done")
        assert query(settings, "SELECT name FROM client WHERE id = %s", client) == [("—",)]
        desk = await professional(application, settings)
        for path in ("/mis-datos", "/mis-datos/descargar", "/mis-datos/historia-clinica"):
            assert (await desk.get(path)).status == 404
        assert (await desk.get("/ajustes/datos-personales")).status == 403

    use(settings, steps)


def test_licences_by_forms(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        query(settings, "SELECT verification_require(true)")
        desk = await professional(application, settings)
        page = well_made(await desk.get("/matriculas"))
        assert "plazo provisorio" in page.text.lower()
        provider = query(settings, "SELECT id FROM provider")[0][0]
        empty = await desk.send(page, page.form(f"/matriculas/{provider}"), numero="")
        assert empty.status == 422
        added = await desk.send(
            page, page.form(f"/matriculas/{provider}"), numero="1234", jurisdiccion="CABA"
        )
        assert "Por verificar" in well_made(added).text
        form = added.form("/documento")
        token = form.values["form_token"][0]
        headers = {"origin": ORIGIN, "sec-fetch-site": "same-origin"}
        for content, shown in (
            (PDF, "Descargar el documento"),
            (b"<html>", "tiene que ser un PDF"),
        ):
            sent = await desk.client.post(
                form.action, data={"form_token": token}, headers=headers,
                files={"documento": ("x.pdf", content, "application/pdf")},
            )  # fmt: skip
            assert shown in sent.text
        forged = await desk.client.post(
            form.action, data={"form_token": "no"}, headers=headers,
            files={"documento": ("x.pdf", PDF, "application/pdf")},
        )  # fmt: skip
        assert forged.status_code == 403
        owner = await member(application, settings, "owner")
        page = well_made(await owner.get("/matriculas"))
        done = await owner.send(page, page.form("/revision"), resultado="verified")
        assert "Revisó Lic. Owner" in well_made(done).text
        assert "plazo provisorio para empezar" not in done.text
        reception = await member(application, settings, "reception")
        assert (await reception.get("/matriculas")).status == 403

    use(settings, steps)


def test_pages_of_services_that_are_not_enabled_are_not_there(
    tmp_path: Path, postgres_server: TestServer
) -> None:
    with deployment(tmp_path, postgres_server, services=["api-gateway", "booking"]) as plain:

        async def steps(application: FastAPI) -> None:
            owner = await member(application, plain, "owner")
            for path in ("/pacientes", "/matriculas", "/mis-datos/historia-clinica"):
                assert (await owner.get(path)).status == 404
            assert "/pacientes" not in (await owner.get("/agenda")).links

        use(plain, steps)


def test_without_the_key_pages_say_so(settings: Settings, tmp_path: Path) -> None:
    client, _ = a_patient(settings)
    (tmp_path / "secrets" / "notes-key").unlink()

    async def steps(application: FastAPI) -> None:
        desk = await professional(application, settings)
        assert (await desk.get(f"/pacientes/{client}")).status == 503
        assert (await desk.get("/pacientes")).status == 200

    use(settings, steps)
