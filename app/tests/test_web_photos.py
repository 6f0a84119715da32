"""Before and after by pages: sent from the telephone, asked, agreed to, looked at, shown, taken down."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from fastapi import FastAPI
from support_photographs import photograph
from support_postgres import TestServer
from support_web import ORIGIN, Browser, Page, deployment, token_of, use

from barberpro_app.identity.repository import Subject
from barberpro_app.kit.links import BookingLinks
from barberpro_app.media_processor import jobs as media_jobs
from barberpro_app.notification.compose import Composer, OutgoingMessage
from barberpro_app.portfolio import jobs as portfolio_jobs
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


def a_visit(settings: Settings, status: str = "completed") -> UUID:
    """Of Ana, an hour ago."""
    client = query(settings, "INSERT INTO client (name, email, phone) VALUES ('Ana <i>Paz</i>',"
                   " %s, '+5491123456789') RETURNING id", f"{uuid4().hex}@a.example")[0][0]  # fmt: skip
    key: UUID = query(
        settings,
        "INSERT INTO booking (code, status, client_id, provider_id, service_id, location_id,"
        " starts_at, ends_at, zone, price_centavos) SELECT new_booking_code(), %s, %s,"
        " p.id, s.id, l.id, now() - interval '1 h', now() - interval '30 min', l.zone, 100"
        " FROM provider p, service s, location l LIMIT 1 RETURNING id", status, client,
    )[0][0]  # fmt: skip
    return key


async def member(application: FastAPI, settings: Settings, role: str) -> Browser:
    provider = query(settings, "SELECT id FROM provider")[0][0] if role == "provider" else None
    key = query(
        settings,
        "INSERT INTO staff_user (email, name, role, provider_id) VALUES (%s, %s, %s, %s)"
        " RETURNING id", f"{uuid4().hex[:8]}@example.com", role, role, provider,
    )[0][0]  # fmt: skip
    browser = Browser(application)
    await browser.sign_in(application, Subject(staff_id=key))
    return browser


async def send(browser: Browser, page: Page, before: bytes, after: bytes, **values: str) -> Page:
    form = next(form for form in page.forms if form.action == "")
    data = {
        name: value[0] for name, value in form.values.items() if name in {"form_token", "reserva"}
    }
    files = {name: (f"{name}.jpg", content, "image/jpeg")
             for name, content in (("antes", before), ("despues_elegida", after)) if content}  # fmt: skip
    answer = await browser.client.post(
        "/trabajos/nuevo", data={**data, **values}, files=files or {"nada": ("", b"")},
        headers={"origin": ORIGIN, "sec-fetch-site": "same-origin"},
    )  # fmt: skip
    return Page(answer)


def bomb() -> bytes:
    """A PNG of 200 megapixels in a few bytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", 20_000, 10_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def a_letter(settings: Settings) -> str:
    """The message that asks, as it is sent."""
    row = query(settings, "SELECT id, kind, recipient, locale, payload, created_at, client_id"
                " FROM message")[0]  # fmt: skip
    message = OutgoingMessage(*row[:5], 1, row[5], row[0], row[6])
    links = BookingLinks(settings.secrets.key("session-key"), settings.app.public_url)
    body = Composer(settings.app, links).compose(message).get_body(("plain",))
    assert body is not None
    return str(body.get_content())


async def ready(application: FastAPI, settings: Settings) -> None:
    assert await media_jobs.run(application.state.database, settings) == 2


def test_from_the_telephone_to_the_gallery_and_away(settings: Settings) -> None:
    visit = a_visit(settings)

    async def steps(application: FastAPI) -> None:
        barber = await member(application, settings, "provider")
        booking = await barber.get(f"/agenda/reserva/{visit}")
        form = await barber.get(booking.link("/trabajos/nuevo"))
        assert "camera=(self)" in form.response.headers["permissions-policy"]
        sent = await send(barber, form, photograph(), photograph(size=(500, 700)))
        assert "Falta que la persona conteste" in sent.text
        assert "<i>Paz" not in sent.html
        assert "https://wa.me/5491123456789" in sent.html
        token = token_of(sent.link("/foto/"))
        letter = a_letter(settings)
        assert f"/foto/{token}" in letter
        assert "Sin tu sí no se muestran" in letter

        ana = Browser(application)
        waits = await ana.get(f"/foto/{token}")
        assert "Estamos preparando" in waits.text
        assert [form for form in waits.forms if form.action.endswith("/si")] == []
        await ready(application, settings)
        asked = await ana.get(f"/foto/{token}")
        name = query(settings, "SELECT name FROM media_variant LIMIT 1")[0][0]
        seen = await ana.client.get(f"/foto/{token}/{name}")
        assert (seen.status_code, seen.headers["cache-control"]) == (200, "no-store")
        other = await ana.client.get(f"/foto/{token}/{'a' * 64}.jpg")
        assert other.status_code == 404
        assert (await ana.get(f"/foto/{'A' * 43}")).status == 404
        owner = await member(application, settings, "owner")
        listed = await owner.get("/trabajos")
        assert "Espera la respuesta" in listed.text
        assert not [form for form in listed.forms if "/decision" in form.action]
        wrong = await ana.send(asked, asked.form("/si"), firma="")
        assert wrong.status == 422
        assert {"firma-error", "acepto-error"} <= set(wrong.ids)
        agreed = await ana.send(asked, asked.form("/si"), firma="Ana Paz", acepto="1")
        assert "Aceptaste que se muestren" in agreed.text
        again = await ana.send(asked, asked.form("/si"), firma="Ana Paz", acepto="1")
        assert again.status == 409

        listed = await barber.get("/trabajos")
        assert not [form for form in listed.forms if "/decision" in form.action]
        listed = await owner.get("/trabajos")
        silent = await owner.send(listed, listed.form("/decision"), que="rejected", motivo="")
        assert silent.status == 422
        public = await owner.send(listed, listed.form("/decision"), que="published")
        assert "ya está en la galería" in public.text
        nobody = Browser(application)
        gallery = await nobody.get("/galeria")
        assert 'alt="Antes: Corte clásico"' in gallery.html
        assert "Ana" not in gallery.text
        assert (await nobody.client.get(f"/media/{name}")).status_code == 200

        shown = await ana.get(f"/foto/{token}")
        gone = await ana.send(shown, shown.form("/no"))
        assert "no se muestran" in gone.text
        assert (await nobody.client.get(f"/media/{name}")).status_code == 404
        assert "Corte clásico" not in (await nobody.get("/galeria")).html
        assert (await ana.client.get(f"/foto/{token}/{name}")).status_code == 404

    use(settings, steps)
    assert settings.media_dir is not None
    assert not [path for path in settings.media_dir.rglob("*") if path.is_file()]
    assert query(settings, "SELECT how, signed_name, revoked_at IS NOT NULL FROM consent") == [
        ("by_link", "Ana Paz", True)
    ]


def test_no_is_no_and_so_is_silence(settings: Settings) -> None:
    visits = [a_visit(settings), a_visit(settings)]

    async def steps(application: FastAPI) -> None:
        desk = await member(application, settings, "reception")
        tokens = []
        for visit in visits:
            form = await desk.get(f"/trabajos/nuevo?reserva={visit}")
            sent = await send(desk, form, photograph(), photograph(size=(500, 700)))
            tokens.append(token_of(sent.link("/foto/")))
            await ready(application, settings)
        ana = Browser(application)
        page = await ana.get(f"/foto/{tokens[0]}")
        no = await ana.send(page, page.form("/no"))
        assert "no se muestran" in no.text
        assert "No quiso" in (await desk.get("/trabajos?ver=cerradas")).text
        late = await ana.send(page, page.form("/si"), firma="Ana", acepto="1")
        assert late.status == 409
        query(settings, "UPDATE portfolio_item SET created_at = now() - interval '15 days'")
        assert await portfolio_jobs.run(application.state.database, settings) == 2

    use(settings, steps)
    assert settings.media_dir is not None
    assert not [path for path in settings.media_dir.rglob("*") if path.is_file()]
    assert query(settings, "SELECT DISTINCT state FROM portfolio_item") == [("refused",)]


def test_a_bad_photograph_is_told_beside_its_field(settings: Settings) -> None:
    visit, coming = a_visit(settings), a_visit(settings, "confirmed")

    async def steps(application: FastAPI) -> None:
        desk = await member(application, settings, "reception")
        form = await desk.get(f"/trabajos/nuevo?reserva={visit}")
        good = photograph()
        for content, text in (
            (b"", "Falta esta foto"),
            (b"GIF89a" + b"0" * 50, "No es una foto"),
            (b"<svg onload='alert(1)'/>", "No es una foto"),
            (b"\0\0\0\x18ftypheic" + b"\0" * 40, "HEIC"),
            (bomb(), "demasiados píxeles"),
            (photograph(size=(2000, 100)), "demasiado angosta"),
            (good[:30], "dañado"),
            (good + b"0" * 12_600_000, "más de 12 MB"),
        ):
            answer = await send(desk, form, content, good)
            assert answer.status == 422, text
            assert text in answer.text
            assert "antes-error" in answer.ids
            assert "despues-error" not in answer.ids
        for reserva in ("", "x", str(uuid4()), str(coming)):
            answer = await send(desk, form, good, photograph(size=(500, 700)), reserva=reserva)
            assert answer.status in {404, 409, 422}, reserva
        cut = await send(desk, form, good[: len(good) // 2], photograph(size=(500, 700)))
        await media_jobs.run(application.state.database, settings)
        told = await desk.get(cut.path.partition("?")[0])
        assert "dañado o incompleto" in told.text
        assert "Subirlas de nuevo" in told.text
        big = await desk.client.post(
            "/trabajos/nuevo", content=b"x" * 27_000_000, headers={"origin": ORIGIN}
        )
        assert big.status_code == 413

    use(settings, steps)
    assert len(query(settings, "SELECT id FROM portfolio_item")) == 1
