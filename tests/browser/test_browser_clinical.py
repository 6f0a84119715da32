"""Recording and playing in a real Chromium, and every page of health services looked at by axe."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright, ViewportSize, sync_playwright
from support_axe import SCREENS_OF_WAYS, check
from support_browser import ARGUMENTS, CHROMIUM, DESKTOP, PHONE, ServedVertical, served
from support_postgres import TestServer

pytestmark = pytest.mark.xdist_group("browser")
SERVICES = ("encrypted-notes-service", "provider-verification-service",
            "privacy-compliance-service", "session-recording-service", "odontogram-service",
            "treatment-plan-service")  # fmt: skip
PASSPHRASE = "cuatro palabras al azar"
FAKE_MEDIA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """With a microphone and camera that make noise and colours."""
    if not CHROMIUM:
        pytest.skip("there is no Chromium on this machine (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = _launch(playwright)
        yield browser
        browser.close()


def _launch(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS, *FAKE_MEDIA])


@pytest.fixture(scope="module")
def clinic(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: TestServer, chromium: Browser
) -> Iterator[ServedVertical]:
    assert chromium.is_connected()
    folder: Path = tmp_path_factory.mktemp("clinic")
    with served("dental", folder, postgres_server, *SERVICES) as found:
        found.rows(
            "UPDATE staff_user SET provider_id = (SELECT id FROM provider ORDER BY sort LIMIT 1)"
        )
        yield found


def a_patient(clinic: ServedVertical, name: str) -> tuple[Any, Any]:
    """Somebody whose appointment is now: the client's and the booking's key."""
    return clinic.rows(
        "WITH c AS (INSERT INTO client (name, email) VALUES (%s, %s) RETURNING id)"
        " INSERT INTO booking (code, status, client_id, provider_id, service_id, location_id,"
        "  starts_at, ends_at, zone, price_centavos)"
        " SELECT new_booking_code(), 'arrived', c.id, u.provider_id, s.id, l.id,"
        "  now() - interval '1 min', now() + interval '40 min', l.zone, 0"
        " FROM c, location l, service s, staff_user u LIMIT 1 RETURNING client_id, id",
        name, f"{secrets.token_hex(4)}@clinic.example",
    )[0]  # fmt: skip


def sign_in(page: Page, clinic: ServedVertical, client: Any = None) -> None:
    """The owner, who attends, or a client."""
    if client is None:
        page.goto(clinic.owner_link())
    else:
        token = secrets.token_urlsafe(32)
        clinic.rows(
            "INSERT INTO sign_in_link (token_hash, client_id, expires_at)"
            " VALUES (%s, %s, now() + interval '5 min')",
            hashlib.sha256(token.encode()).digest(), client,
        )  # fmt: skip
        page.goto(f"{clinic.url}/sign-in/{token}")
    page.get_by_role("button", name="Entrar").click()
    page.wait_for_load_state()


@pytest.fixture(params=SCREENS_OF_WAYS)
def screen(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def opened(chromium: Browser, size: dict[str, int], **options: Any) -> Page:
    context = chromium.new_context(
        viewport=ViewportSize(width=size["width"], height=size["height"]), locale="es-AR", **options
    )
    page = context.new_page()
    page.set_default_timeout(60_000)
    return page


@pytest.fixture
def page(chromium: Browser, screen: str) -> Iterator[Page]:
    found = opened(chromium, PHONE if screen == "phone" else DESKTOP, bypass_csp=True)
    yield found
    found.context.close()


def test_a_session_is_recorded_encrypted_and_played(
    chromium: Browser, clinic: ServedVertical
) -> None:
    client, booking = a_patient(clinic, "Rita Grabada")
    page = opened(chromium, DESKTOP)  # under the product's own policy
    faults: list[str] = []
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    sign_in(page, clinic)
    page.goto(f"{clinic.url}/agenda/reserva/{booking}/grabar")
    page.get_by_label("Leí el texto").check()
    page.get_by_label("Nombre y apellido").fill("Rita Grabada")
    page.get_by_role("button", name="Firmar").click()
    page.get_by_label("Tu frase secreta").fill(PASSPHRASE)
    page.get_by_label("Otra vez").fill("otra frase distinta")
    page.get_by_role("button", name="Crear mi llave").click()
    page.get_by_text("no coinciden").wait_for()
    page.get_by_label("Otra vez").fill(PASSPHRASE)
    page.get_by_role("button", name="Crear mi llave").click()
    page.get_by_role("button", name="Empezar a grabar").click()
    page.get_by_text("Grabando.").wait_for()
    page.wait_for_timeout(2500)
    page.get_by_role("button", name="Terminar").click()
    page.get_by_text("guardada y cifrada").wait_for()
    stored = clinic.rows(
        "SELECT r.state, r.chunks, c.content, k.private_key_sealed, r.wrapped_key"
        " FROM session_recording r JOIN session_recording_chunk c ON c.recording_id = r.id"
        " JOIN recording_key k ON k.id = r.key_id"
    )
    state, chunks, content, private_key, wrapped = stored[0]
    assert (state, chunks, len(wrapped)) == ("complete", len(stored), 384)
    # a WebM file begins with the EBML mark, and a PKCS #8 key with an ASN.1 sequence; neither is here
    assert b"\x1aE\xdf\xa3" not in content
    assert b"webm" not in content
    assert not private_key[12:].startswith(b"\x30\x82")
    everything = str(clinic.rows("SELECT row_to_json(k)::text FROM recording_key k"))
    assert PASSPHRASE not in everything
    page.goto(f"{clinic.url}/pacientes/{client}/grabaciones")
    page.get_by_label("Tu frase secreta").fill("una frase equivocada")
    page.get_by_role("button", name="Abrir").click()
    page.get_by_text("no abre esta grabación").wait_for()
    page.get_by_label("Tu frase secreta").fill(PASSPHRASE)
    page.get_by_role("button", name="Abrir").click()
    page.locator("audio").wait_for()
    played = page.evaluate(
        """async () => { const player = document.querySelector('audio'); player.muted = true;
        await player.play();
        for (let tries = 0; tries < 600 && !player.error && !player.currentTime; tries++)
          await new Promise(done => setTimeout(done, 100));
        return [player.error, player.currentTime]; }"""
    )
    assert played[0] is None
    assert played[1] > 0
    clinic.rows(
        "UPDATE session_recording_chunk SET content = set_byte(content, 20, get_byte(content, 20) # 1)"
    )
    page.reload()
    page.get_by_label("Tu frase secreta").fill(PASSPHRASE)
    page.get_by_role("button", name="Abrir").click()
    page.get_by_text("no abre esta grabación").wait_for()
    assert page.locator("audio").count() == 0
    page.context.close()
    assert faults == []


def test_the_pages_of_a_professional(page: Page, clinic: ServedVertical, screen: str) -> None:
    client, booking = a_patient(clinic, f"Ana {screen.title()}")
    home = f"{clinic.url}/pacientes/{client}"
    sign_in(page, clinic)
    page.goto(home)
    for text in ("Consulta por dolor en pieza 16.", "Se indica endodoncia."):
        page.get_by_label("Texto").fill(text)
        page.get_by_role("button", name="Guardar con mi firma").click()
    check(page, f"c-record-{screen}")
    page.get_by_role("link", name="Corregir").first.click()
    check(page, f"c-correct-{screen}")
    page.get_by_label("Por qué se corrige").fill("Era la pieza 26, no la 16")
    page.get_by_role("button", name="Guardar con mi firma").click()
    check(page, f"c-corrected-{screen}")
    page.goto(f"{home}/copia")
    check(page, f"c-copy-{screen}")
    page.goto(f"{home}/notas")
    page.get_by_label("Nota", exact=True).first.fill("Teme al torno.")
    page.get_by_role("button", name="Guardar nota").click()
    check(page, f"c-notes-{screen}")
    for tooth, surface, state in ((16, "O", "caries"), (11, "M", "filling"), (46, "", "crown"),
                                  (38, "", "missing"), (75, "O", "sealant")):  # fmt: skip
        page.goto(f"{home}/odontograma?pieza={tooth}")
        page.get_by_label("Cara").select_option(surface)
        page.get_by_label("Estado").select_option(state)
        page.get_by_role("button", name="Guardar con mi firma").click()
    check(page, f"c-chart-{screen}")
    page.goto(f"{home}/odontograma")
    tooth = page.get_by_role("link", name="18: sin hallazgos")
    tooth.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**pieza=18**")
    page.goto(f"{home}/tratamiento")
    page.get_by_text("Nueva alerta").click()
    page.get_by_label("Alerta", exact=True).fill("Alergia a la penicilina")
    page.get_by_role("button", name="Agregar alerta").click()
    page.get_by_text("Nuevo plan").click()
    page.get_by_label("Título").fill("Endodoncia y corona")
    page.locator("#etapa_1").fill("Endodoncia")
    page.locator("#importe_1").fill("120.000")
    check(page, f"c-treatment-{screen}")
    page.get_by_role("button", name="Guardar borrador").click()
    check(page, f"c-plan-{screen}")
    page.get_by_label("Válido hasta").fill("2099-01-01")
    page.get_by_role("button", name="Entregar presupuesto").click()
    check(page, f"c-offered-{screen}")
    page.goto(f"{home}/accesos")
    check(page, f"c-accesses-{screen}")
    page.goto(f"{home}/grabaciones")
    check(page, f"c-recordings-{screen}")
    page.goto(f"{clinic.url}/agenda/reserva/{booking}/grabar")
    check(page, f"c-consent-{screen}")
    page.goto(f"{clinic.url}/pacientes")
    check(page, f"c-patients-{screen}")
    page.goto(f"{clinic.url}/agenda/reserva/{booking}")
    check(page, f"c-booking-{screen}")
    page.goto(f"{clinic.url}/agenda")
    check(page, f"c-agenda-{screen}")
    for path in ("matriculas", "ajustes/historias-clinicas", "ajustes/datos-personales"):
        page.goto(f"{clinic.url}/{path}")
        check(page, f"c-{path.replace('/', '-')}-{screen}")
    stranger = clinic.rows("INSERT INTO client (name) VALUES ('Ajena') RETURNING id")[0][0]
    page.goto(f"{clinic.url}/pacientes/{stranger}")
    check(page, f"c-closed-{screen}")


def test_the_pages_of_a_patient(page: Page, clinic: ServedVertical, screen: str) -> None:
    client, booking = a_patient(clinic, f"Paz {screen.title()}")
    sign_in(page, clinic, client)
    page.goto(f"{clinic.url}/mis-datos")
    page.get_by_label("Qué querés pedir").select_option("erasure")
    page.get_by_role("button", name="Enviar pedido").click()
    check(page, f"p-data-{screen}")
    for path in ("historia-clinica", "presupuestos", "grabaciones", f"grabaciones/{booking}"):
        page.goto(f"{clinic.url}/mis-datos/{path}")
        check(page, f"p-{path.partition('/')[0]}{len(path)}-{screen}")
    page.goto(f"{clinic.url}/mis-reservas")
    check(page, f"p-mine-{screen}")
