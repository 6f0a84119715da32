"""The poster and the code: files that print well, in colours that a camera can tell apart."""

import io
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import segno
from fastapi import FastAPI
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import Image
from support_postgres import TestServer
from support_web import ORIGIN, Browser, deployment, use

from barberpro_app.brand.colours import AA_TEXT, WHITE, contrast
from barberpro_app.brand.poster import Poster, dark, render
from barberpro_app.identity.repository import Subject
from barberpro_app.kit import qr
from barberpro_app.settings import Settings


@pytest.fixture
def settings(tmp_path: Path, postgres_server: TestServer) -> Iterator[Settings]:
    with deployment(tmp_path, postgres_server) as found:
        yield found


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_every_colour_stands_out_from_white(colour: tuple[int, int, int]) -> None:
    assert contrast(dark("#{:02x}{:02x}{:02x}".format(*colour)), WHITE) >= AA_TEXT


@hypothesis_settings(max_examples=25, deadline=None)
@given(st.text(max_size=120), st.text(max_size=200), st.text(max_size=60))
def test_whatever_a_business_is_called_it_fits_on_one_page(name: str, text: str, foot: str) -> None:
    steps = ("Apuntá", "Elegí", "Listo")
    made = render(
        Poster("es-AR", name, "Reservá", text, steps, "https://a.example/", foot, "#7a1f2b")
    )
    assert made.startswith(b"%PDF-")
    assert made.count(b"/Type /Page\n") == 1


def test_the_code_of_the_picture_is_that_of_the_address() -> None:
    address = "https://barbershop-palermo.example/"
    picture = Image.open(io.BytesIO(qr.file(address, "png", "#7a1f2b"))).convert("L")
    expected = segno.make(address, error="q", micro=False)
    side = expected.symbol_size(border=4)[0]
    scale = picture.width / side
    assert 1000 <= picture.width <= 1400
    found = [
        [picture.getpixel((int((x + 4.5) * scale), int((y + 4.5) * scale))) < 128
         for x in range(side - 8)]
        for y in range(side - 8)
    ]  # fmt: skip
    assert found == qr.modules(address) == [[bool(m) for m in row] for row in expected.matrix]


def test_pages_and_files_of_the_poster(settings: Settings) -> None:
    with psycopg.connect(settings.secrets.database_url, autocommit=True) as connection:
        row = connection.execute("SELECT id FROM staff_user WHERE role = 'owner'").fetchone()
        place = connection.execute("SELECT id FROM location").fetchone()
    assert row is not None
    assert place is not None

    async def steps(application: FastAPI) -> None:
        owner = Browser(application)
        await owner.sign_in(application, Subject(staff_id=row[0]))
        page = await owner.get("/ajustes/cartel")
        assert page.status == 200
        assert f"{ORIGIN}/" in page.links
        assert not page.inline
        for kind, start in (("pdf", b"%PDF-"), ("png", b"\x89PNG"), ("svg", b"<?xml")):
            for query in ("", f"?sede={place[0]}"):
                file = await owner.client.get(f"/ajustes/cartel.{kind}{query}")
                assert file.status_code == 200
                assert file.content.startswith(start)
                assert file.headers["content-disposition"].endswith(f'.{kind}"')
        for wrong in ("cartel.exe", "cartel.pdf?sede=nada", f"cartel.png?sede={row[0]}"):
            assert (await owner.get(f"/ajustes/{wrong}")).status == 404
        picture = Image.new("RGB", (300, 90), (10, 90, 60))
        out = io.BytesIO()
        picture.save(out, "PNG")
        brand = await owner.get("/ajustes/marca")
        token = brand.form("/ajustes/marca/logo").values["form_token"][0]
        await owner.client.post(
            "/ajustes/marca/logo", data={"form_token": token},
            files={"logo": ("logo.png", out.getvalue())},
            headers={"origin": ORIGIN, "sec-fetch-site": "same-origin"},
        )  # fmt: skip
        assert b"/Subtype /Image" in (await owner.client.get("/ajustes/cartel.pdf")).content
        stranger = Browser(application)
        assert "/entrar" in (await stranger.get("/ajustes/cartel.pdf")).path

    use(settings, steps)
