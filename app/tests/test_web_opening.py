"""The first steps: resumable, each can be skipped, and once ended they never come back by themselves."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from support_postgres import TestServer
from support_team import query, signed_in
from support_web import ORIGIN, deployment, use

from barberpro_app.settings import Settings

HOME = "/ajustes/primeros-pasos"


@pytest.fixture
def settings(tmp_path: Path, postgres_server: TestServer) -> Iterator[Settings]:
    with deployment(tmp_path, postgres_server, services=("payment",)) as found:
        yield found


def test_from_the_first_sign_in_to_the_open_door(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        owner = await signed_in(application, settings, "owner")
        assert HOME in (await owner.get("/agenda")).links
        page = await owner.get(HOME)
        assert "0 de 7 pasos" in page.text
        assert not page.inline
        kinds = [form.action.rpartition("/")[2] for form in page.forms if HOME in form.action]
        assert kinds == [
            "business",
            "team",
            "services",
            "money",
            "messages",
            "look",
            "open",
            "terminar",
        ]
        for link in page.links:
            if link.startswith("/ajustes/"):
                assert (await owner.get(link)).status == 200, link
        assert HOME in (await owner.get("/ajustes/servicios")).links
        for number, step in enumerate(kinds[:-1]):
            page = await owner.get(HOME)
            assert f"{number} de 7 pasos" in page.text
            answer = {"respuesta": "saltar"} if step == "money" else {}
            page = await owner.send(page, page.form(f"{HOME}/{step}"), **answer)
            assert page.status == 200
        assert "¡Listo!" in page.text
        assert f"{ORIGIN}/" in page.links
        assert "/ajustes/cartel.pdf" in page.links
        for path in ("/agenda", "/ajustes"):
            assert "No mostrar más" not in (await owner.get(path)).text
        events = query(
            settings, "SELECT object_id FROM audit_event WHERE action = 'opening.answered'"
        )
        assert [row[0] for row in events] == kinds[:-1]
        page = await owner.send(page, page.form("/otra-vez"))
        assert "0 de 7 pasos" in page.text

    use(settings, steps)


def test_who_does_not_want_it_is_not_asked_again(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        owner = await signed_in(application, settings, "owner")
        page = await owner.get("/agenda")
        await owner.send(page, page.form("/terminar"))
        assert "Primeros pasos" not in (await owner.get("/agenda")).text

    use(settings, steps)


def test_what_is_missing_is_said(settings: Settings) -> None:
    query(settings, "DELETE FROM working_hours")
    query(settings, "UPDATE location SET address = ''")
    query(settings, "DELETE FROM provider_service")

    async def steps(application: FastAPI) -> None:
        text = (await (await signed_in(application, settings, "owner")).get(HOME)).text
        assert "Falta la dirección" in text
        assert "Sin horarios: 1" in text
        assert "Sin nadie que los dé: 1" in text

    use(settings, steps)


def test_it_is_for_who_leads(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        manager = await signed_in(application, settings, "manager")
        assert "No mostrar más" not in (await manager.get("/agenda")).text
        page = await manager.get(HOME)
        assert page.status == 200
        for wrong in ("nada", "business2", "%00", "x" * 300):
            answer = await manager.send(page, page.form(f"{HOME}/business"), respuesta="x" * 99)
            assert answer.status == 200
            token = page.form(f"{HOME}/business").values["form_token"][0]
            assert (await manager.post(f"{HOME}/{wrong}", form_token=token)).status == 404
        assert (await manager.post(f"{HOME}/business", form_token="")).status == 403
        reception = await signed_in(application, settings, "reception")
        assert (await reception.get(HOME)).status == 403

    use(settings, steps)
