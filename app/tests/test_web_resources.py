"""The owner's chairs and rooms, on their pages, and what a service uses of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from support_postgres import TestServer
from support_team import query, signed_in
from support_web import deployment, use

from barberpro_app.settings import Settings

TOMORROW = datetime.now(UTC).date() + timedelta(days=2)


@pytest.fixture
def settings(tmp_path: Path, postgres_server: TestServer) -> Iterator[Settings]:
    with deployment(tmp_path, postgres_server) as found:
        yield found


def test_a_chair_is_set_up_and_used(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        owner = await signed_in(application, settings)
        page = await owner.get("/ajustes/recursos/nuevo")
        place = query(settings, "SELECT id FROM location ORDER BY sort, key LIMIT 1")[0][0]
        wrong = await owner.send(page, page.forms[-1], nombre="", sede="x")
        assert wrong.status == 422
        done = await owner.send(
            page,
            page.forms[-1],
            nombre="Sillón <1>",
            tipo="sillón",
            sede=str(place),
        )
        assert done.status == 200
        assert "Sillón &lt;1&gt;" in done.html
        again = await owner.send(
            page,
            page.forms[-1],
            nombre="Sillón <1>",
            tipo="sillón",
            sede=str(place),
        )
        assert again.status == 409
        service = query(settings, "SELECT id FROM service ORDER BY sort, key LIMIT 1")[0][0]
        page = await owner.get(f"/ajustes/servicios/{service}")
        field = re.search(r'name="(usa_[0-9a-f]+)"', page.html)
        assert field
        bad = await owner.send(page, page.forms[-1], **{field.group(1): "9"})
        assert bad.status == 422
        done = await owner.send(page, page.forms[-1], **{field.group(1): "1"})
        assert done.status == 200
        assert query(settings, "SELECT kind, count FROM service_resource") == [("sillón", 1)]
        page = await owner.get(f"/agenda/nuevo?servicio={service}")
        hours = re.findall(r'type="radio" name="inicio" value="([^"]+)"', page.html)
        if not hours:  # late in the day
            page = await owner.get(f"/agenda/nuevo?servicio={service}&dia={TOMORROW}")
            hours = re.findall(r'type="radio" name="inicio" value="([^"]+)"', page.html)
        form = page.form("/agenda/nuevo")
        booked = await owner.send(
            page, form, inicio=hours[0], nombre="Carla", telefono="11 2345 6789"
        )
        assert "Sillón &lt;1&gt;" in booked.html
        resource = query(settings, "SELECT id FROM resource")[0][0]
        page = await owner.get(f"/ajustes/recursos/{resource}")
        done = await owner.send(page, page.forms[-1], nombre="Sillón 1")
        assert "Sillón 1" in done.html
        stale = await owner.send(page, page.forms[-1], nombre="Sillón 2")
        assert stale.status == 409

    use(settings, steps)


def test_only_who_may_change_settings_sees_them(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        desk = await signed_in(application, settings, "reception")
        assert (await desk.get("/ajustes/recursos")).status == 403

    use(settings, steps)
