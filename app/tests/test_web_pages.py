"""Every page, in both languages and four vocabularies: whole, safe, and without a foreign word."""

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from fastapi import FastAPI
from support_postgres import TestServer
from support_web import Browser, HtmlForm, Page, deployment, first_slot, token_of, use

from barberpro_app.identity.repository import Subject
from barberpro_app.settings import Settings
from barberpro_app.web.site import assets

PUBLIC = ["/", "/profesionales", "/buscar-reserva", "/entrar", "/entrar/correo", "/arrepentimiento",
          "/arrepentimiento/A23456789B", "/baja", "/baja/B23456789A", "/privacidad", "/terminos", "/no-hay"]  # fmt: skip
STAFF = ["/agenda", "/agenda/hoy", "/agenda/nuevo", "/ajustes/marca", "/ajustes/sedes", "/ajustes/sedes/nueva",
         "/ajustes/profesionales", "/ajustes/profesionales/nuevo", "/ajustes/servicios",
         "/ajustes/servicios/nuevo", "/ajustes/feriados", "/ajustes/reglas", "/ajustes/equipo",
         "/ajustes/equipo/nueva", "/ajustes/api", "/ajustes/api/nuevo", "/ajustes/auditoria",
         "/ajustes/mensajes", "/ajustes/arrepentimientos"]  # fmt: skip
# Words that only one of the languages has, to find a text that was left untranslated.
SPANISH = re.compile(r"\b(de|del|para|con|los|las|una|Guardar|Volver|Elegí|Día|hasta|horario)\b")
ENGLISH = re.compile(r"\b(the|with|your|of|Save|Back|Choose|until|please)\b", re.IGNORECASE)
# Names and texts that the business or the law wrote stay as they are.
OWN = re.compile(
    r"BarberShop Prueba|Corte clásico|Olga Dueña|«.*?»|Ley [\d.]+|Disposición 954/2025"
    r"|Day of [^.]*|Botón de arrepentimiento|Botón de baja|[a-z_]+\.[a-z_]+|Español|[\w.]+@[\w.-]+"
)


@pytest.fixture(scope="module")
def settings(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: TestServer
) -> Iterator[Settings]:
    with deployment(tmp_path_factory.mktemp("pages"), postgres_server) as found:
        yield found


def owner_of(settings: Settings) -> Subject:
    with psycopg.connect(settings.secrets.database_url) as connection:
        row = connection.execute("SELECT id FROM staff_user WHERE role = 'owner'").fetchone()
    assert row is not None
    return Subject(staff_id=row[0])


def check(page: Page, locale: str) -> None:
    """What holds for every page."""
    where = page.path
    assert page.lang == locale, where
    assert len(page.headings) == 1, where
    assert len(page.ids) == len(set(page.ids)), where
    assert page.inline == [], where
    assert re.search(r"<title>[^<]+</title>", page.html), where
    assert "content" in page.ids, where
    # both buttons of the law are for clients, on each of their pages
    team = where.startswith(("/agenda", "/ajustes"))
    assert ("/arrepentimiento" in page.links) is not team, where
    outside = [link for link in page.links if link.startswith("http")]
    assert all(link.startswith("https://calendar.google.com/") for link in outside), where
    for label in re.findall(r'<label for="([^"]*)"', page.html):
        assert label in page.ids, (where, label)
    for ids in re.findall(r'aria-describedby="([^"]*)"', page.html):
        assert set(ids.split()) <= set(page.ids), (where, ids)


def foreign(page: Page, locale: str) -> list[str]:
    text = OWN.sub("", page.text)
    return (ENGLISH if locale.startswith("es") else SPANISH).findall(text)


@pytest.mark.parametrize("locale", ["es-AR", "en"])
def test_every_page_is_whole_and_in_one_language(settings: Settings, locale: str) -> None:
    async def steps(application: FastAPI) -> None:
        browser = Browser(application, **{"accept-language": locale})
        for path in PUBLIC:
            page = await browser.get(path)
            check(page, locale)
            assert foreign(page, locale) == [], path
        page = await browser.get("/")
        page = await browser.get(page.link("/reservar?"))
        check(page, locale)
        page = await browser.send(page, page.form("/reservar"), inicio=last_slot(page))
        check(page, locale)
        await browser.sign_in(application, owner_of(settings))
        for path in STAFF:
            page = await browser.get(path)
            assert page.status == 200, path
            check(page, locale)
            assert foreign(page, locale) == [], path

    use(settings, steps)


def last_slot(page: Page) -> str:
    return [value for form in page.forms for name, value in form.buttons if name == "inicio"][-1]


def test_the_reader_chooses_the_language(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        browser = Browser(application, **{"accept-language": "fr;q=0.9, en-GB;q=0.5"})
        assert (await browser.get("/")).lang == "en"
        page = await browser.get("/idioma/es-AR?volver=/privacidad")
        assert (page.lang, page.path) == ("es-AR", "/privacidad")
        assert (await browser.get("/")).lang == "es-AR"
        for away in ("//evil.example", "https://evil.example", "/\\evil.example"):
            page = await browser.get(f"/idioma/en?volver={away}")
            assert page.path == "/"

    use(settings, steps)


def test_nothing_comes_from_elsewhere_and_files_are_kept_for_ever(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        browser = Browser(application)
        page = await browser.get("/")
        policy = page.response.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert page.response.headers["cache-control"] == "no-store"
        addresses = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.html)
        assert len(addresses) == 4
        for address in addresses:
            answer = await browser.client.get(address)
            assert answer.status_code == 200
            assert answer.headers["cache-control"] == assets.FOREVER
            assert re.search(r"\.[0-9a-f]{10}\.(css|js|svg)$", address)

    use(settings, steps)


def test_the_first_load_is_light(settings: Settings) -> None:
    """Uncompressed, so what travels is less: at most 60 kB, everything counted."""

    async def steps(application: FastAPI) -> None:
        browser = Browser(application)
        page = await browser.get((await browser.get("/")).link("/reservar?"))
        size = len(page.response.content)
        for address in re.findall(r'(?:src|href)="(/static/[^"]+)"', page.html):
            size += len((await browser.client.get(address)).content)
        assert size < 60_000

    use(settings, steps)


def test_errors_have_a_page_in_the_style_of_the_brand(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        browser = Browser(application)
        gone = await browser.get("/sign-in/" + "A" * 43)
        assert gone.status == 410
        assert gone.headings == ["Este enlace ya no sirve"]
        signed_out = await browser.get("/ajustes/marca")
        assert signed_out.path.startswith("/entrar?equipo=1")
        refused = await browser.post("/salir")
        assert refused.status == 403
        wrong = await browser.client.delete("/")
        assert wrong.status_code == 405
        for page in (gone, refused):
            check(page, "es-AR")

    use(settings, steps)


def test_a_fault_of_ours_has_a_page_with_a_number(settings: Settings) -> None:
    async def fault() -> None:
        raise ZeroDivisionError

    async def steps(application: FastAPI) -> None:
        application.add_api_route("/fault", fault)
        page = await Browser(application).get("/fault")
        assert page.status == 500
        assert page.headings == ["Algo salió mal de nuestro lado"]
        assert page.response.headers["x-request-id"] in page.text
        assert "ZeroDivision" not in page.html

    use(settings, steps)


def test_no_database_is_told_kindly(settings: Settings, tmp_path: Path) -> None:
    nowhere = tmp_path / "secrets"
    nowhere.mkdir()
    for name in ("session-key", "token-key"):
        (nowhere / name).write_text(settings.secrets.text(name).reveal())
    (nowhere / "database-url").write_text(f"postgresql://nobody@/none?host={tmp_path}")
    lost = settings.model_copy(update={"secrets": type(settings.secrets)(nowhere)})

    async def steps(application: FastAPI) -> None:
        page = await Browser(application).get("/")
        assert page.status == 503
        assert page.headings == ["Volvemos enseguida"]
        assert "retry-after" in page.response.headers

    use(lost, steps)


def test_a_withdrawal_is_stored_and_mailed(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        browser = Browser(application)
        page = await browser.get("/arrepentimiento")
        form: HtmlForm = page.forms[-1]
        assert (await browser.send(page, form, nombre="", email="x")).status == 422
        done = await browser.send(
            page, form, nombre="Ana <b>", email="ana@example.com", detalle="No lo quiero"
        )
        code = re.search(r"A[2-9A-Z]{9}", done.path)
        assert code is not None
        assert code[0] in done.text
        with psycopg.connect(settings.secrets.database_url) as connection:
            kinds = connection.execute(
                "SELECT kind, recipient FROM message WHERE payload->>'code' = %s ORDER BY kind",
                (code[0],),
            ).fetchall()
        assert kinds == [
            ("withdrawal_received", "ana@example.com"),
            ("withdrawal_to_answer", "hola@barbershop-test.localhost"),
        ]
        owner = Browser(application)
        await owner.sign_in(application, owner_of(settings))
        listed = await owner.get("/ajustes/arrepentimientos")
        assert code[0] in listed.text
        assert "Ana <b>" in listed.text
        answered = await owner.send(listed, listed.form("/respondido"))
        assert "Respondido" in answered.text

    use(settings, steps)


def test_the_privacy_notice_says_what_the_law_asks(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        page = await Browser(application).get("/privacidad")
        for words in (
            "BarberShop Prueba es responsable",
            "AGENCIA DE ACCESO A LA INFORMACIÓN PÚBLICA, en su carácter de Órgano de Control de la"
            " Ley N° 25.326",
            "acceso, rectificación, actualización y supresión",
            "diez días corridos",
        ):
            assert words in page.text

    use(settings, steps)


def test_a_client_signs_in_by_mail_and_sees_only_own_bookings(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        for name in ("ana", "beto"):
            browser = Browser(application)
            page = await browser.get((await browser.get("/")).link("/reservar?"))
            page = await browser.send(page, page.form("/reservar"), inicio=first_slot(page))
            form = next(form for form in page.forms if "nombre" in form.values)
            done = await browser.send(page, form, nombre=name, email=f"{name}@example.com")
            assert token_of(done.path)
        with psycopg.connect(settings.secrets.database_url) as connection:
            row = connection.execute("SELECT id FROM client WHERE email = 'ana@example.com'")
            client = row.fetchone()
        assert client is not None
        browser = Browser(application)
        asked = await browser.get("/mis-reservas")
        assert asked.headings == ["Entrar"]
        sent = await browser.send(asked, asked.form("/entrar"), email="nobody@example.com")
        assert sent.headings == ["Mirá tu correo"]
        mine = await browser.sign_in(application, Subject(client_id=client[0]))
        assert mine.headings == ["Mis turnos"]
        assert len([link for link in mine.links if link.startswith("/reserva/")]) == 1
        assert (await browser.get("/agenda")).status == 403
        page = await browser.get((await browser.get("/")).link("/reservar?"))
        page = await browser.send(page, page.form("/reservar"), inicio=first_slot(page))
        assert "Reservás como ana" in page.text
        done = await browser.send(page, page.forms[-1])
        assert done.headings == ["El turno quedó confirmado"]
        mine = await browser.get("/mis-reservas")
        assert len([link for link in mine.links if link.startswith("/reserva/")]) == 2
        out = await browser.send(mine, mine.form("/salir"))
        assert out.path == "/"
        assert (await browser.get("/mis-reservas")).headings == ["Entrar"]

    use(settings, steps)
