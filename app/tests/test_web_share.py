"""What networks read of a shared address: absolute, the right picture, nothing of a client."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from fastapi import FastAPI
from PIL import Image
from support_photographs import photograph
from support_postgres import TestServer
from support_web import ORIGIN, Browser, Page, deployment, use

from barberpro_app.brand import card
from barberpro_app.media_processor.images import process
from barberpro_app.media_processor.storage import MediaFolder
from barberpro_app.settings import Settings

SERVICES = ["api-gateway", "booking", "provider", "client", "catalog", "notification",
            "media-processor", "portfolio-service"]  # fmt: skip


@pytest.fixture
def settings(tmp_path: Path, postgres_server: TestServer) -> Iterator[Settings]:
    with deployment(tmp_path, postgres_server, services=SERVICES) as found:
        yield found.model_copy(update={"media_dir": tmp_path / "media"})


def query(settings: Settings, statement: str, *values: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(settings.secrets.database_url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode(), values)
        return list(cursor.fetchall()) if cursor.description else []


def tags(page: Page) -> dict[str, str]:
    """The tags of a page; each is there once."""
    found = re.findall(r'<meta (?:property|name)="((?:og|twitter):[a-z:_]+)" content="([^"]*)"',
                       page.html)  # fmt: skip
    assert len(found) == len(dict(found))
    return dict(found)


def published(settings: Settings) -> str:
    """A published pair of Ana's."""
    client = query(settings, "INSERT INTO client (name, email) VALUES ('Ana Secreta',"
                   " 'ana@secreta.example') RETURNING id")[0][0]  # fmt: skip
    folder, keys = MediaFolder(settings.media_folder), []
    for size in ((1400, 900), (700, 900)):
        made = process(photograph(size=size))
        key = query(settings, "INSERT INTO media_file (state, uploaded_by, bytes, width, height)"
                    " VALUES ('ready', 'x', 1, 10, 10) RETURNING id")[0][0]  # fmt: skip
        keys.append(key)
        for part in made.variants:
            folder.publish(part.name, part.content)
            query(settings, "INSERT INTO media_variant VALUES (%s, %s, %s, %s, %s, %s)", key,
                  part.name, part.media_type, part.width, part.height, len(part.content))  # fmt: skip
    return str(query(
        settings,
        "WITH c AS (INSERT INTO consent (client_id, purpose, text_version, locale, text_sha256,"
        " text, how, given_by) VALUES (%s, 'portfolio', '1', 'es-AR', sha256('x'), 'x',"
        " 'in_person', 'x') RETURNING id) INSERT INTO portfolio_item (provider_id, service_id,"
        " client_id, consent_id, before_id, after_id, before_alt, after_alt, state, published_at)"
        " SELECT p.id, s.id, %s, c.id, %s, %s, 'Antes', 'Después', 'published', now()"
        " FROM provider p, service s, c LIMIT 1 RETURNING id", client, client, *keys,
    )[0][0])  # fmt: skip


def test_what_networks_read(settings: Settings) -> None:
    item = published(settings)
    provider = query(settings, "SELECT id FROM provider")[0][0]
    service = query(settings, "SELECT id FROM service")[0][0]
    query(settings, "UPDATE provider SET bio = 'Navaja \"<b>fina</b>\" & tijera'")

    async def steps(application: FastAPI) -> None:
        visitor = Browser(application)
        for path, picture in (
            ("/", "marca"), ("/profesionales", "marca"), ("/galeria", "trabajo"),
            (f"/galeria/{item}", "trabajo"), (f"/profesionales/{provider}", "trabajo"),
            (f"/servicios/{service}", "trabajo"), (f"/galeria?profesional={provider}", "trabajo"),
        ):  # fmt: skip
            page = await visitor.get(path)
            assert page.status == 200, path
            assert "noindex" not in page.html
            found = tags(page)
            assert found["og:url"] == ORIGIN + path
            assert f'<link rel="canonical" href="{ORIGIN}{path}">' in page.html
            assert found["og:image"].startswith(f"{ORIGIN}/compartir/{picture}"), path
            assert found["og:image"] == found["twitter:image"]
            assert found["twitter:card"] == "summary_large_image"
            assert found["og:title"]
            assert found["og:description"]
            assert "Secreta" not in page.html
            assert "martin@example.com" not in page.html
            drawn = await visitor.client.get(found["og:image"].removeprefix(ORIGIN))
            assert drawn.headers["content-type"] == found["og:image:type"]
            with Image.open(io.BytesIO(drawn.content)) as image:
                assert image.size == (1200, 630)
                assert image.size == (
                    int(found["og:image:width"]), int(found["og:image:height"])
                )  # fmt: skip
                assert not image.getexif()
            assert len(drawn.content) < 300_000
        person = await visitor.get(f"/profesionales/{provider}")
        assert "<b>fina" not in person.html
        assert "profesional=" in person.link("/reservar")
        booking = await visitor.get(person.link("/reservar"))
        assert booking.status == 200
        query(settings, "UPDATE consent SET revoked_at = now()")
        gone = await visitor.client.get(f"/compartir/trabajo/{item}.jpg")
        assert gone.status_code == 404
        for path in (f"/profesionales/{uuid4()}", "/profesionales/x", f"/servicios/{uuid4()}",
                     "/servicios/x", "/compartir/trabajo/x.jpg"):  # fmt: skip
            assert (await visitor.client.get(path)).status_code == 404, path
        query(settings, "UPDATE provider SET active = false")
        for path in (f"/profesionales/{provider}", f"/servicios/{service}"):
            assert (await visitor.client.get(path)).status_code == 404, path

    use(settings, steps)


@pytest.mark.parametrize("name", ["Ñandú", "  ", "漢字", "Óptica 5", "x" * 120])
def test_a_picture_for_any_brand(name: str) -> None:
    logo = io.BytesIO()
    Image.new("RGBA", (480, 60), (200, 0, 0, 120)).save(logo, "PNG")
    for content in (None, logo.getvalue()):
        drawn = card.of_brand(name, "#ffffff", "#000000", content)
        with Image.open(io.BytesIO(drawn)) as image:
            assert image.size == (1200, 630)
