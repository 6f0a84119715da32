"""The waiting list on the pages: joining, one's place, taking and leaving what is offered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from support_postgres import TestServer
from support_team import query, signed_in
from support_web import Browser, Page, deployment, token_of, use

from barberpro_app.settings import Settings
from barberpro_app.waiting_list.jobs import look_through


@pytest.fixture
def settings(tmp_path: Path, postgres_server: TestServer) -> Iterator[Settings]:
    with deployment(tmp_path, postgres_server) as found:
        # the whole team is away
        query(
            found,
            "INSERT INTO time_off (provider_id, period) SELECT id, tstzrange(now() - interval '1 d',"
            " now() + interval '90 d') FROM provider",
        )
        yield found


async def join(browser: Browser, name: str, **values: object) -> Page:
    page = await browser.get((await browser.get("/")).link("/reservar"))
    page = await browser.get(page.link("/espera"))
    form = next(form for form in page.forms if "nombre" in form.values)
    filled = {"nombre": name, "email": f"{name}@w.example", **values}
    return await browser.send(page, form, **filled)


async def back_at_work(application: FastAPI, settings: Settings) -> None:
    query(settings, "DELETE FROM time_off")
    query(settings, "UPDATE waiting_entry SET last_day = current_date + 20")
    async with application.state.database.connection() as connection:
        await look_through(connection, settings.app)


def test_from_the_end_of_the_line_to_a_booking(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        ana, eva = Browser(application), Browser(application)
        first, second = await join(ana, "ana"), await join(eva, "eva")
        assert "Sos el 1º" in first.text
        assert "Sos el 2º" in second.text
        assert first.inline == []
        await back_at_work(application, settings)
        page = await ana.get(first.path)
        assert "Se liberó un horario" in page.text
        booking = page.link("/lugar")
        offered = await ana.get(booking)
        assert (await ana.get(booking.removesuffix("/lugar"))).path == booking
        done = await ana.send(offered, offered.form("/lugar"), respuesta="si")
        assert done.path.startswith("/reservar/listo/")
        assert "Ya tenés tu lugar" in (await ana.get(first.path)).text
        other = (await eva.get(second.path)).link("/lugar")
        page = await eva.get(other)
        no = await eva.send(page, page.form("/lugar"), respuesta="no")
        assert "Sos el 1º" in no.text
        left = await eva.send(no, no.form("/salir"))
        assert "Ya no estás en la lista" in left.text
        assert (await eva.get(other)).path == other.removesuffix("/lugar")

    use(settings, steps)


def test_wrong_input_is_said_beside_it(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        ana = Browser(application)
        for values in (
            {"email": "no"}, {"nombre": ""}, {"partes": []}, {"desde": "mañana"},
            {"desde": "2030-02-02", "hasta": "2030-02-01"},
        ):  # fmt: skip
            page = await join(ana, "ana", **values)
            assert page.status == 422, values
        assert (await join(ana, "ana", desde="2001-01-01", hasta="2001-01-02")).status == 422
        assert (await join(ana, "ana", profesional="x" * 36)).status == 200
        assert (await join(ana, "ana")).status == 409
        assert (await ana.get("/espera")).status == 404
        assert (await ana.get("/espera/" + "A" * 43)).status == 404
        assert (await ana.get("/espera?servicio=x&sede=y")).status == 404
        token = query(settings, "SELECT id FROM waiting_entry")[0][0]
        wrong_kind = application.state.booking_links.token(token)
        assert (await ana.get(f"/espera/{wrong_kind}")).status == 404

    use(settings, steps)


def test_the_team_sees_the_line_and_sets_the_rules(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        place = await join(Browser(application), "ana")
        owner = await signed_in(application, settings)
        page = await owner.get("/agenda/espera")
        assert "ana" in page.text
        removed = await owner.send(page, page.form("/quitar"))
        assert "No hay nadie esperando" in removed.text
        assert token_of(place.path)
        page = await owner.get("/ajustes/espera")
        form = next(form for form in page.forms if "minutos" in form.values)
        assert (await owner.send(page, form, minutos="1")).status == 422
        saved = await owner.post(page.path, **{**form.values, "activa": []})
        assert "hecho=1" in saved.path
        closed = await Browser(application).get(
            (await Browser(application).get("/")).link("/reservar").replace("reservar", "espera")
        )
        assert "no hay lista de espera" in closed.text
        provider = await signed_in(application, settings, "provider")
        assert (await provider.get("/agenda/espera")).status == 403

    use(settings, steps)
