"""The owner's brand: on every page and message, readable whatever is chosen, with a safe logo."""

import io
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from support_postgres import TestServer
from support_web import ORIGIN, Browser, Page, deployment, use

from barberpro_app.brand import colours
from barberpro_app.brand.images import LogoRefusedError, VectorLogoError, pictures
from barberpro_app.identity.repository import Subject
from barberpro_app.kit.database import Database
from barberpro_app.kit.metrics import Metrics
from barberpro_app.settings import Settings
from barberpro_app.worker import Worker

COLOURS = st.tuples(*[st.integers(0, 255)] * 3)


@pytest.fixture
def settings(tmp_path: Path, postgres_server: TestServer) -> Iterator[Settings]:
    with deployment(tmp_path, postgres_server) as found:
        yield found


def query(settings: Settings, statement: str, *values: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(settings.secrets.database_url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode(), values)
        return list(cursor.fetchall()) if cursor.description else []


async def owner_of(application: FastAPI, settings: Settings, role: str = "owner") -> Browser:
    query(
        settings,
        "INSERT INTO staff_user (email, name, role) VALUES (%s, 'X', %s) ON CONFLICT DO NOTHING",
        f"{role}@example.com", role,
    )  # fmt: skip
    key = query(settings, "SELECT id FROM staff_user WHERE role = %s LIMIT 1", role)[0][0]
    browser = Browser(application)
    await browser.sign_in(application, Subject(staff_id=key))
    return browser


def drawing(size: tuple[int, int] = (900, 300), kind: str = "PNG", mode: str = "RGBA") -> bytes:
    image = Image.new(mode, size, (255, 255, 255, 0)[: len(mode)])
    drawn = ImageDraw.Draw(image)
    drawn.ellipse((10, 10, size[0] - 10, size[1] - 10), fill=(20, 60, 120))
    out = io.BytesIO()
    image.save(out, kind, **({"exif": Image.Exif()} if kind == "JPEG" else {}))
    return out.getvalue()


async def send_logo(browser: Browser, page: Page, content: bytes, **values: str) -> Page:
    token = page.form("/marca/logo").values["form_token"][0]
    answer = await browser.client.post(
        "/ajustes/marca/logo", data={"form_token": token, **values},
        headers={"origin": ORIGIN, "sec-fetch-site": "same-origin"},
        files={"logo": ("logo.png", content, "image/png")},
    )  # fmt: skip
    return Page(answer)


@given(colour=COLOURS)
def test_the_colour_that_is_offered_can_be_read_and_one_that_can_is_kept(
    colour: tuple[int, int, int],
) -> None:
    found = colours.nearest_readable(colour)
    assert colours.on_page(found) >= colours.AA_TEXT
    if colours.on_page(colour) >= colours.AA_TEXT:
        assert found == colour
    else:
        assert colours.luminance(found) < colours.luminance(colour)


def test_the_brand_is_on_every_page_and_can_be_read(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        owner = await owner_of(application, settings)
        page = await owner.get("/ajustes/marca")
        form = next(f for f in page.forms if "principal" in f.values)
        faint = await owner.send(page, form, principal="#ffd21f", nombre="Lo de Ana")
        assert faint.status == 422
        assert "hace falta 4,5" in faint.text
        offered = next(f for f in faint.forms if "principal" in f.values).buttons[0]
        assert offered[0] == "usar"
        saved = await owner.send(
            faint, form, principal="#ffd21f", nombre="Lo de Ana & <Cía>", usar=offered[1],
            email="hola@ana.example", lema="Sin vueltas",
        )  # fmt: skip
        assert saved.status == 200
        home = await owner.get("/")
        assert "Lo de Ana & <Cía>" in home.text
        assert "<Cía>" not in home.html
        assert "Sin vueltas" in home.text
        assert f'content="{offered[1]}"' in home.html
        theme = home.html.split('href="/static/theme.')[1].split('"')[0]
        assert offered[1] in (await owner.get(f"/static/theme.{theme}")).html
        old = page.html.split('href="/static/theme.')[1].split('"')[0]
        assert (await owner.get(f"/static/theme.{old}")).status == 200
        stale = await owner.send(page, form, nombre="Otra")
        assert stale.status == 409
        for wrong in ({"principal": "red"}, {"acento": "#12"}, {"nombre": ""}, {"email": "x"},
                      {"nombre": "x" * 121}, {"version": "99999999999"}):  # fmt: skip
            assert (await owner.send(saved, form, **wrong)).status in {409, 422}, wrong
        judged = await owner.get("/ajustes/marca/contraste?principal=%23ffd21f")
        assert judged.response.json()["nearest"] == offered[1]
        for bad in ("/ajustes/marca/vista.css?principal=red&acento=blue",
                    "/ajustes/marca/contraste?principal=%23zzzzzz"):  # fmt: skip
            assert (await owner.get(bad)).status == 404
        desk = await owner_of(application, settings, "reception")
        assert (await desk.get("/ajustes/marca")).status == 403
        assert (await desk.send(page, form, nombre="Mía")).status in {401, 403}

    use(settings, steps)
    assert query(settings, "SELECT action FROM audit_event WHERE action LIKE 'brand%%'") == [
        ("brand.changed",)
    ]


def test_another_process_and_the_worker_hear_of_it(settings: Settings) -> None:
    query(settings, "INSERT INTO settings_value (key, value) VALUES ('brand',"
          " '{\"name\": \"Lo de Ana\"}')")  # fmt: skip

    async def steps(application: FastAPI) -> None:
        browser = Browser(application)
        page = await browser.get("/")
        for _ in range(200):  # the process reads it when it begins
            if "Lo de Ana" in page.text:
                break
            page = await browser.get("/")
        assert "Lo de Ana" in page.text
        database = Database(settings.secrets.database_url)
        await database.open()
        worker = Worker(settings, database, Metrics(), listen=False)
        job = next(job for job in worker.jobs if job.name == "brand")
        assert (await job.run(), await job.run()) == (1, 0)
        await database.close()

    use(settings, steps)


def test_a_logo_is_made_anew_and_can_be_taken_away(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        owner = await owner_of(application, settings)
        page = await owner.get("/ajustes/marca")
        sent = await send_logo(owner, page, drawing())
        assert sent.status == 200
        name = next(part for part in sent.html.split('"') if part.startswith("/marca/"))
        nobody = Browser(application)
        picture = (await nobody.get(name)).response
        assert picture.headers["content-type"] == "image/png"
        assert "immutable" in picture.headers["cache-control"]
        assert Image.open(io.BytesIO(picture.content)).size[0] <= 480
        assert name in (await nobody.get("/")).html
        icon = await nobody.client.get("/favicon.ico", follow_redirects=False)
        assert icon.headers["location"].startswith("/marca/")
        for bad, why in (
            (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
            (b"  <svg onload='alert(1)'/>", "SVG"), (b"%PDF-1.7", "no sirve"),
            (drawing()[:900], "no sirve"), (b"", "Elegí un archivo"),
            (random.Random(1).randbytes(1_000_000), "no sirve"),
        ):  # fmt: skip
            refused = await send_logo(owner, page, bad)
            assert refused.status == 422, bad[:20]
            assert why in refused.text
        gone = await send_logo(owner, page, b"", quitar="1")
        assert gone.status == 200
        assert (await nobody.get(name)).status == 404
        for odd in ("/marca/x.png", "/marca/" + "0" * 64 + ".png", "/marca/%2e%2e%2fapp.json"):
            assert (await nobody.get(odd)).status in {404, 422}, odd
        forged = await owner.client.post(
            "/ajustes/marca/logo", data={"form_token": "no"}, files={"logo": ("x", drawing())},
            headers={"origin": ORIGIN, "sec-fetch-site": "same-origin"},
        )  # fmt: skip
        assert forged.status_code == 403

    use(settings, steps)


def test_pictures_keep_shape_and_transparency_and_no_metadata() -> None:
    logo, icon = pictures(drawing((1200, 300)))
    assert logo.width == 480
    assert 110 <= logo.height <= 120
    assert (icon.width, icon.height) == (192, 192)
    opened = Image.open(io.BytesIO(icon.content)).convert("RGBA")
    assert opened.getpixel((0, 0))[3] == 0  # type: ignore[index]
    photograph, _ = pictures(drawing((800, 800), "JPEG", "RGB"))
    assert "exif" not in Image.open(io.BytesIO(photograph.content)).info
    for bad in (drawing((2000, 100)), drawing((60, 60))[:100], b"GIF89a", b"\x00" * 100):
        with pytest.raises(LogoRefusedError):
            pictures(bad)
    with pytest.raises(VectorLogoError):
        pictures(b"\xef\xbb\xbf<SVG>")
    out = io.BytesIO()
    Image.new("RGBA", (50, 50), (0, 0, 0, 0)).save(out, "PNG")
    with pytest.raises(LogoRefusedError, match="empty"):
        pictures(out.getvalue())


def test_the_api_takes_and_gives_the_brand(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        owner = await owner_of(application, settings)
        address = "/api/v1/settings/brand"
        headers = {"origin": ORIGIN, "sec-fetch-site": "same-origin"}

        async def send(method: str, path: str, **options: Any) -> httpx.Response:
            return await owner.client.request(method, path, headers=headers, **options)

        found = (await send("GET", address)).json()
        assert found["version"] == 0
        faint = await send("PATCH", address, json={"version": 0, "primary_color": "#ffff00"})
        assert (faint.status_code, faint.json()["code"]) == (422, "brand_contrast")
        changed = await send("PATCH", address, json={"version": 0, "name": "Nueva"})
        assert (changed.json()["name"], changed.json()["version"]) == ("Nueva", 1)
        assert (await send("PATCH", address, json={"version": 0, "name": "A"})).status_code == 409
        logo = await send("PUT", f"{address}/logo", content=drawing())
        assert [image["kind"] for image in logo.json()["images"]] == ["icon", "logo"]
        assert (await send("PUT", f"{address}/logo", content=b"no")).status_code == 422
        assert (await send("DELETE", f"{address}/logo")).status_code == 204
        assert (await send("DELETE", f"{address}/logo")).status_code == 404

    use(settings, steps)
