"""A client books, moves and cancels by plain forms, without JavaScript; what goes wrong on the way."""

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from fastapi import FastAPI
from support_postgres import TestServer
from support_web import Browser, HtmlForm, Page, deployment, first_slot, token_of, use

from barberpro_app.settings import Settings

NO_NOTICE = {"policies": {"cancel_notice_hours": 0, "reschedule_notice_hours": 0}}


@pytest.fixture
def settings(tmp_path: Path, postgres_server: TestServer) -> Iterator[Settings]:
    with deployment(tmp_path, postgres_server, **NO_NOTICE) as found:
        yield found


def run_sql(settings: Settings, statement: str) -> list[tuple[object, ...]]:
    """Runs a statement as the owner of the database would."""
    with psycopg.connect(settings.secrets.database_url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return list(cursor.fetchall()) if cursor.description else []


async def choose(browser: Browser) -> Page:
    """From the first page to the one that asks who it is for."""
    page = await browser.get("/")
    page = await browser.get(page.link("/reservar?"))
    assert page.status == 200
    return await browser.send(page, page.form("/reservar"), inicio=first_slot(page))


async def booked(browser: Browser, email: str = "ana@example.com") -> Page:
    page = await choose(browser)
    return await browser.send(page, details(page), nombre="Ana Pérez", email=email)


def details(page: Page) -> HtmlForm:
    """The form that asks who the booking is for."""
    return next(form for form in page.forms if "nombre" in form.values)


def test_books_in_four_pages_and_finds_the_booking_again(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        browser = Browser(application)
        page = await booked(browser)
        assert page.path.startswith("/reservar/listo/")
        assert page.headings == ["El turno quedó confirmado"]
        assert "$ 12.000" in page.text
        code = re.search(r'<dd class="code">([A-Z0-9]{8})</dd>', page.html)
        assert code is not None
        stranger = Browser(application)
        finder = await stranger.get("/buscar-reserva")
        wrong = await stranger.send(
            finder, finder.forms[-1], codigo=code[1], email="otra@example.com"
        )
        assert wrong.status == 422
        assert "No encontramos" in wrong.text
        found = await stranger.send(
            finder, finder.forms[-1], codigo=code[1].lower(), email="ANA@example.com"
        )
        assert found.headings == ["Tu turno"]
        ics = await stranger.client.get(f"/reserva/{token_of(found.path)}/calendario.ics")
        assert ics.headers["content-type"].startswith("text/calendar")
        assert "BEGIN:VEVENT\r\n" in ics.text

    use(settings, steps)


def test_moves_and_cancels_by_the_link(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        browser = Browser(application)
        token = token_of((await booked(browser)).path)
        page = await browser.get(f"/reserva/{token}/cambiar")
        later = [v for f in page.forms for n, v in f.buttons if n == "inicio"][-1]
        moved = await browser.send(page, page.form("/cambiar"), inicio=later)
        assert "cambiamos el turno" in moved.text
        stale = await browser.send(page, page.form("/cambiar"), inicio=first_slot(page))
        assert stale.status == 409
        assert "Alguien cambió esto" in stale.text
        ask = await browser.get(f"/reserva/{token}/cancelar")
        assert "Podés cancelar" in ask.text
        gone = await browser.send(ask, ask.form("/cancelar"), motivo="viaje")
        assert "Cancelamos el turno" in gone.text
        assert "Cancelado" in gone.text
        assert not any(form.action.endswith("/cancelar") for form in gone.forms)

    use(settings, steps)


def test_a_time_taken_meanwhile_shows_the_free_ones(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        slow, quick = Browser(application), Browser(application)
        page = await slow.get((await slow.get("/")).link("/reservar?"))
        slot = first_slot(page)
        other = await quick.get((await quick.get("/")).link("/reservar?"))
        await quick.send(other, other.form("/reservar"), inicio=slot)
        late = await slow.send(page, page.form("/reservar"), inicio=slot)
        assert late.status == 409
        assert "Justo se ocupó ese horario" in late.text
        assert first_slot(late) != slot

    use(settings, steps)


def test_an_expired_hold_is_taken_again_and_nothing_typed_is_lost(settings: Settings) -> None:
    expire = "UPDATE booking SET hold_expires_at = now() - interval '1 s' WHERE status = 'held'"
    stale = "UPDATE occupancy SET expires_at = now() - interval '1 s' WHERE expires_at IS NOT NULL"

    async def steps(application: FastAPI) -> None:
        browser = Browser(application)
        page = await choose(browser)
        run_sql(settings, expire)
        run_sql(settings, stale)
        done = await browser.send(page, details(page), nombre="Ana", email="ana@example.com")
        assert done.path.startswith("/reservar/listo/")

        page = await choose(browser)
        run_sql(settings, expire)
        run_sql(settings, stale)
        rival = Browser(application)
        other = await rival.get((await rival.get("/")).link("/reservar?"))
        await rival.send(other, other.form("/reservar"), inicio=first_slot(other))
        typed = {"nombre": "Ana <i>", "email": "ana@example.com", "nota": "línea 1"}
        late = await browser.send(page, details(page), **typed)
        assert late.status == 409
        assert details(late).values["nombre"] == ["Ana <i>"]
        assert details(late).values["nota"] == ["línea 1"]
        choice = re.findall(r'type="radio" name="inicio" value="([^"]+)"', late.html)
        assert choice
        done = await browser.send(late, details(late), **typed, inicio=choice[0])
        assert done.path.startswith("/reservar/listo/")

    use(settings, steps)


def test_more_time_may_be_asked_for_again_and_again(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        browser = Browser(application)
        page = await choose(browser)
        for _ in range(12):
            page = await browser.send(page, page.form("/extender"))
            assert page.status == 200
            assert page.headings == ["Tus datos"]
        done = await browser.send(page, details(page), nombre="Ana", telefono="11 2345 6789")
        assert done.path.startswith("/reservar/listo/")

    use(settings, steps)


def test_sending_the_confirmation_twice_books_once(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        browser = Browser(application)
        page = await choose(browser)
        for _ in range(2):
            last = await browser.send(page, details(page), nombre="Ana", email="ana@example.com")
            assert last.status == 200
        assert run_sql(settings, "SELECT count(*) FROM booking WHERE status = 'confirmed'") == [
            (1,)
        ]

    use(settings, steps)


def test_problems_stand_beside_their_fields(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        browser = Browser(application)
        page = await choose(browser)
        wrong = await browser.send(page, details(page), nombre="", email="ana@", telefono="12")
        assert wrong.status == 422
        for name in ("nombre", "email", "telefono"):
            assert f'id="{name}-error"' in wrong.html
            assert re.search(rf'id="{name}"[^>]*aria-invalid="true"', wrong.html)
            assert f'href="#{name}"' in wrong.html
        assert details(wrong).values["email"] == ["ana@"]
        none = await browser.send(page, details(page), nombre="Ana")
        assert "Dejanos un correo o un teléfono" in none.text

    use(settings, steps)


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7*7 }}{% raw %}",
    "\x00\x1b[31m\u202enada\u2066",
    "' OR 1=1 --",
    "Ñandú O’Higgins 李小龙",
]


def test_hostile_names_are_text(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        for name in HOSTILE:
            await book_as(Browser(application), name)

    async def book_as(browser: Browser, name: str) -> None:
        page = await choose(browser)
        done = await browser.send(
            page, details(page), nombre=name, email="h@example.com", nota=name
        )
        shown = await browser.get(f"/reserva/{token_of(done.path)}")
        for each in (done, shown):
            assert each.status == 200
            assert each.inline == []
            assert "<script>alert" not in each.html
            assert "<img" not in each.html

    use(settings, steps)


def test_long_and_strange_input_is_refused_kindly(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        browser = Browser(application)
        page = await choose(browser)
        long = await browser.send(page, details(page), nombre="x" * 10_000, email="a@example.com")
        assert long.status == 422
        assert "demasiado largo" in long.text
        huge = await browser.send(page, details(page), nombre="x" * 70_000)
        assert huge.status == 413
        many = await browser.post(page.path, **{f"f{n}": "1" for n in range(300)})
        assert many.status == 413
        unsigned = await browser.post(page.path, nombre="Ana", email="a@example.com")
        assert unsigned.status == 403
        for slot in ("", "mañana", "9999-99-99", "2026-01-01T10:00:00", "1" * 400):
            chosen = await browser.get((await browser.get("/")).link("/reservar?"))
            answer = await browser.send(chosen, chosen.form("/reservar"), inicio=slot)
            assert answer.status == 404

    use(settings, steps)


NOWHERE = [
    "/reservar",
    "/reservar?servicio=x&sede=y",
    "/reservar?servicio=00000000-0000-0000-0000-000000000000&sede=00000000-0000-0000-0000-000000000000",
    "/reserva/" + "A" * 43,
    "/reserva/%00",
    "/reservar/datos/" + "A" * 43,
    "/reservar/listo/x",
    "/reserva/" + "A" * 43 + "/calendario.ics",
    "/static/../settings.py",
    "/static/app.css",
    "/idioma/fr",
    "/no-hay",
]


def test_wrong_addresses_are_not_found(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        for path in NOWHERE:
            page = await Browser(application).get(path)
            assert page.status == 404, path
            assert page.headings == ["No encontramos esa página"]

    use(settings, steps)


def test_any_day_shows_a_page(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        browser = Browser(application)
        address = (await browser.get("/")).link("/reservar?")
        for day in ("9999-12-31", "0001-01-01", "2026-02-30", "x", "2000-01-01"):
            page = await browser.get(f"{address}&dia={day}")
            assert page.status == 200, day
            assert 'aria-current="date"' in page.html

    use(settings, steps)


def test_a_form_works_only_in_the_browser_that_got_it(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        browser, thief = Browser(application), Browser(application)
        page = await browser.get((await browser.get("/")).link("/reservar?"))
        stolen = await thief.send(page, page.form("/reservar"), inicio=first_slot(page))
        assert stolen.status == 403
        cross = await browser.client.post(
            "/reservar",
            data={**page.form("/reservar").values, "inicio": first_slot(page)},
            headers={"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
        )
        assert cross.status_code == 403

    use(settings, steps)
