"""A day of a business in a browser: the steps that all kinds of business share.

The business lies in a zone where it is about ten in the morning, so that a day is the same whenever
the tests run. Where time has to pass, what is stored is set back.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from mercado_pago import SECRET, TOKEN, MercadoPagoDouble, Seller
from playwright.sync_api import Browser, Page, ViewportSize, expect
from support_accounts import MailServer, mail_server
from support_axe import SCREENS
from support_browser import DESKTOP, PHONE, ServedVertical, served
from support_postgres import TestServer

from barberpro_app.location.holidays import holiday_name


def morning_zone() -> str:
    """A zone where it is between ten and eleven."""
    ahead = 10 - datetime.now(UTC).hour
    if ahead < -12:
        ahead += 24
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


@dataclass
class Day:
    """One business on one day. `earned` is what its clients paid, in centavos, by account."""

    deployed: ServedVertical
    chromium: Browser
    mail: MailServer
    seller: Seller
    zone: str
    earned: dict[str, int] = field(default_factory=lambda: {"Caja": 0, "Mercado Pago": 0})
    pages: list[Page] = field(default_factory=list)
    people: dict[str, Page] = field(default_factory=dict)

    @property
    def today(self) -> str:
        return str(datetime.now(ZoneInfo(self.zone)).date())

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        return self.deployed.rows(query, *values)

    def go(self, page: Page, path: str) -> None:
        page.goto(self.deployed.url + path)

    def screen(self, size: dict[str, int], **options: Any) -> Page:
        context = self.chromium.new_context(
            viewport=ViewportSize(width=size["width"], height=size["height"]),
            locale="es-AR",
            has_touch=size is PHONE,
            **options,
        )
        page = context.new_page()
        page.set_default_timeout(60_000)
        self.pages.append(page)
        return page

    def phone(self) -> Page:
        """A client's."""
        return self.screen(PHONE)

    def look(self, page: Page, name: str) -> None:
        """Nothing is wider than the screen; a photograph where they are asked for."""
        page.wait_for_load_state()
        size = page.viewport_size
        assert size is not None
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= size["width"], f"{name} is {width} pixels wide"
        if photographs():
            SCREENS.mkdir(exist_ok=True)
            page.screenshot(path=SCREENS / f"day-{self.deployed.name}-{name}.png", full_page=True)

    # -- the morning

    def opens(self, *, phone: bool = False) -> Page:
        """The owner signs in, attends, and is there every day from eight to eight."""
        page = self.screen(PHONE if phone else DESKTOP)
        page.goto(self.deployed.owner_link())
        page.get_by_role("button", name="Entrar").click()
        page.wait_for_url("**/agenda**")
        self.people["owner"] = page
        self.rows(
            "UPDATE staff_user SET provider_id = (SELECT id FROM provider ORDER BY sort LIMIT 1)"
        )
        provider = self.provider
        self.go(page, f"/ajustes/profesionales/{provider}")
        form = page.locator("form[action$='/horario']").first
        for weekday in range(1, 8):
            form.locator(f"[name=desde_{weekday}]").fill("08:00")
            form.locator(f"[name=hasta_{weekday}]").fill("20:00")
            for name in ("pausa_desde", "pausa_hasta"):
                form.locator(f"[name={name}_{weekday}]").fill("")
        form.get_by_role("button", name="Guardar").click()
        page.wait_for_url("**hecho=**")
        self.look(page, "1-hours")
        today = datetime.now(ZoneInfo(self.zone)).date()
        if holiday_name("AR", today, "es-AR"):
            self.rows("INSERT INTO holiday_override (day, open, name) VALUES (%s, true, '')", today)
        self.go(page, "/ajustes/reglas")
        page.get_by_label("Minutos mínimos de anticipación para reservar").fill("15")
        page.get_by_role("button", name="Guardar").click()
        page.wait_for_url("**hecho=**")
        return page

    @property
    def provider(self) -> str:
        return str(self.rows("SELECT id FROM provider ORDER BY sort LIMIT 1")[0][0])

    def asks_deposit(self, page: Page, service: str, percent: int) -> None:
        self.go(page, "/ajustes/precios/sena/nueva")
        page.locator("#servicio").select_option(label=service)
        page.locator("#tipo").select_option("percent")
        page.locator("#valor").fill(str(percent))
        page.get_by_role("button", name="Guardar").click()
        page.wait_for_url("**/ajustes/precios**hecho=**")
        self.look(page, "1-prices")

    def verifies_licence(self, page: Page) -> None:
        """The owner's own matrícula is noted and checked."""
        self.go(page, "/matriculas")
        card = page.locator("section.card").first
        card.locator("details", has=page.locator("[name=numero]")).locator("summary").click()
        card.locator("[name=numero]").fill("MN 12345")
        card.locator("[name=jurisdiccion]").fill("Nacional")
        card.locator("form[action$='matriculas/" + self.provider + "'] button").click()
        page.wait_for_load_state()
        card.locator("details", has=page.locator("[name=resultado]")).locator("summary").click()
        card.locator("form[action$='/revision'] button").click()
        page.wait_for_load_state()
        expect(card.locator(".tag.completed").first).to_be_visible()
        self.look(page, "1-licence")

    def reminds(self, page: Page, hours: int) -> None:
        self.go(page, "/ajustes/recordatorios/nuevo")
        page.get_by_label("Cuántas horas antes").fill(str(hours))
        page.get_by_role("button", name="Guardar").click()
        page.get_by_text(f"{hours} h antes").first.wait_for()
        self.look(page, "1-reminders")

    # -- clients

    def chooses(self, page: Page, service: str, hours: int) -> None:
        """The first free time so many hours from now with who has opened, up to the form of details."""
        self.go(page, "/")
        page.locator("a.service", has_text=service).first.click()
        page.wait_for_url("**/reservar?**")
        page.goto(f"{page.url}&profesional={self.provider}&dia={self.today}")
        least = datetime.now(UTC) + timedelta(hours=hours)
        values = [str(b.get_attribute("value")) for b in page.locator("button.slot").all()]
        chosen = next(value for value in values if datetime.fromisoformat(value) >= least)
        page.locator(f"button.slot[value='{chosen}']").click()
        page.wait_for_url("**/reservar/datos/**")

    def tells(self, page: Page, name: str, email: str) -> None:
        page.get_by_label("Nombre y apellido").fill(name)
        page.get_by_label("Correo electrónico").fill(email)
        page.get_by_role("button", name=re.compile("^(Confirm|Continuar)")).click()

    def books(self, page: Page, service: str, hours: int, name: str) -> str:
        """Until it is confirmed; the booking's code."""
        self.chooses(page, service, hours)
        self.tells(page, name, address_of(name))
        page.wait_for_url("**/reservar/listo/**")
        self.look(page, "2-booked")
        return page.locator("dd.code").first.inner_text()

    def books_and_pays(self, page: Page, service: str, hours: int, name: str) -> str:
        """The same where a deposit comes first, by Mercado Pago."""
        self.chooses(page, service, hours)
        self.look(page, "2-details")
        self.tells(page, name, address_of(name))
        link = page.get_by_role("link", name=re.compile("^Ir a Mercado Pago"))
        link.wait_for()
        self.look(page, "3-deposit")
        preference = str(link.get_attribute("href")).partition("pref_id=")[2]
        number = self.seller.pay(preference)
        self.earned["Mercado Pago"] += round(
            self.seller.payments[number]["transaction_amount"] * 100
        )
        notice = self.seller.notice(number, secrets.token_hex(8))
        answer = httpx.post(self.deployed.url + notice.pop("url"), **notice)
        assert answer.status_code in {200, 202, 204}, answer.text
        page.get_by_role("link", name="Ya pagué: revisar").click()
        page.wait_for_url("**/reservar/listo/**")
        self.look(page, "3-paid")
        return page.locator("dd.code").first.inner_text()

    def signs_in(self, page: Page, email: str) -> None:
        """A client, by a link as it comes by mail."""
        token = secrets.token_urlsafe(32)
        self.rows(
            "INSERT INTO sign_in_link (token_hash, client_id, expires_at)"
            " SELECT %s, id, now() + interval '5 min' FROM client WHERE email = %s",
            hashlib.sha256(token.encode()).digest(), email,
        )  # fmt: skip
        self.go(page, f"/sign-in/{token}")
        page.get_by_role("button", name="Entrar").click()
        page.wait_for_url(lambda url: "/sign-in/" not in url)
        self.people["client"] = page

    # -- time

    def was_booked_days_ago(self, code: str) -> None:
        """A reminder is for who booked before it was due."""
        self.rows(
            "UPDATE audit_event SET at = at - interval '2 days' WHERE object_id ="
            " (SELECT id::text FROM booking WHERE code = %s)", code,
        )  # fmt: skip
        self.rows(
            "UPDATE booking SET created_at = created_at - interval '2 days' WHERE code = %s", code
        )
        self.rows("DELETE FROM reminder")  # the worker may have looked at it already

    def begins(self, code: str, minutes_ago: int) -> None:
        """The booking's time comes."""
        ((key, by),) = self.rows(
            "SELECT id, starts_at - (now() - make_interval(mins => %s)) FROM booking WHERE code = %s",
            minutes_ago, code,
        )  # fmt: skip
        self.rows(
            "UPDATE occupancy SET period = tstzrange(lower(period) - %s, upper(period) - %s)"
            " WHERE booking_id = %s", by, by, key,
        )  # fmt: skip
        self.rows(
            "UPDATE booking SET starts_at = starts_at - %s, ends_at = ends_at - %s WHERE id = %s",
            by, by, key,
        )  # fmt: skip

    def is_reminded(self, email: str) -> str:
        """Waits for the reminder, as the mail server got it; its subject."""
        for _ in range(600):
            for message in self.mail.received:
                if email in str(message["To"]) and "ecord" in str(message["Subject"]):
                    return str(message["Subject"])
            self.pages[0].wait_for_timeout(100)  # the server's thread gets its turn
        raise AssertionError([(str(m["To"]), str(m["Subject"])) for m in self.mail.received])

    # -- reception

    def opens_booking(self, page: Page, code: str) -> str:
        """By the agenda; its key."""
        ((key, name),) = self.rows(
            "SELECT b.id, coalesce(b.contact->>'name', c.name) FROM booking b"
            " JOIN client c ON c.id = b.client_id WHERE b.code = %s", code,
        )  # fmt: skip
        self.go(page, f"/agenda?vista=lista&dia={self.today}")
        self.look(page, "4-agenda")
        page.get_by_role("link", name=name, exact=True).first.click()
        page.wait_for_url(f"**/agenda/reserva/{key}")
        return str(key)

    def says(self, page: Page, *moves: str) -> None:
        """What happened, by the buttons of the booking's page."""
        for move in moves:
            page.get_by_role("button", name=move, exact=True).click()
            page.get_by_text("Guardado.").wait_for()
        self.look(page, "5-booking")

    def takes_cash(self, page: Page, amount: str) -> None:
        """At the booking's page; the amount as typed, in whole pesos."""
        page.locator("summary", has_text="Registrar un pago").click()
        page.locator("#importe").fill(amount)
        page.get_by_role("button", name="Registrar un pago").click()
        page.get_by_text("Pago registrado.").wait_for()
        self.earned["Caja"] += int(amount.replace(".", "")) * 100
        self.look(page, "6-cash")

    def walks_in(self, page: Page, name: str, service: str) -> None:
        """Somebody without a booking is added to the queue, called, and their booking shown."""
        self.go(page, "/agenda/fila")
        page.get_by_label("Nombre y apellido").fill(name)
        page.locator("#servicio").select_option(label=service)
        page.get_by_role("button", name="Anotar en la fila").click()
        page.wait_for_url("**turno=**")
        self.look(page, "7-queue")
        page.get_by_role("button", name=re.compile("^Llamar")).first.click()
        page.wait_for_url("**hecho=llamado**")
        self.look(page, "7-called")
        page.get_by_role("link", name=re.compile(name)).first.click()
        page.wait_for_url("**/agenda/reserva/**")

    # -- the evening

    def closes(self, page: Page, revenue: int, kept: int = 0) -> None:
        """What was earned stands in the books, and they balance. Centavos."""
        self.go(page, "/ajustes/pagos")
        self.look(page, "8-payments")
        self.go(page, "/ajustes/pagos/balance")
        expect(page.get_by_text("Las cuentas cierran.")).to_be_visible()
        self.look(page, "9-books")
        shown = {
            row.locator("th").inner_text(): row.locator("td").last.inner_text()
            for row in page.locator("tbody tr").all()
        }
        wanted = {**self.earned, "Ingresos": revenue, "Señas retenidas": kept}
        for name, centavos in wanted.items():
            assert pesos(shown.get(name, "0")) == centavos, (name, shown)
        ledger = dict(
            self.rows("SELECT account, abs(sum(amount)) FROM ledger_line GROUP BY account")
        )
        assert ledger.get("cash", 0) == self.earned["Caja"]
        assert ledger.get("revenue", 0) == revenue
        assert self.rows("SELECT coalesce(sum(amount), 0) FROM ledger_line") == [(0,)]


def pesos(shown: str) -> int:
    """Centavos of an amount as the pages write it, without its sign."""
    digits = re.sub(r"[^\d,]", "", shown)
    whole, _, rest = digits.partition(",")
    return int(whole or 0) * 100 + int((rest + "00")[:2])


def address_of(name: str) -> str:
    return f"{name.split()[0].lower()}@clientes.example"


def photographs() -> bool:
    return bool(os.environ.get("BARBERPRO_SCREENS"))


@contextmanager
def day(
    vertical: str, folder: Path, server: TestServer, chromium: Browser, *services: str
) -> Iterator[Day]:
    """A business that was deployed this morning, with its mail server and Mercado Pago."""
    zone = morning_zone()
    with mail_server() as mail, MercadoPagoDouble() as double:
        payments = {"methods": ["cash", "transfer"], "mercado_pago_api": double.address}
        post = {"host": "127.0.0.1", "port": mail.port, "from": f"turnos@{vertical}.example"}
        with served(
            vertical, folder, server, "payment", *services,
            with_worker=True, timezone=zone, payments=payments, mail=post,
        ) as deployed:  # fmt: skip
            for name, value in (("access-token", TOKEN), ("webhook-secret", SECRET)):
                (folder / "secrets" / f"mercado-pago-{name}").write_text(value)
            found = Day(deployed, chromium, mail, double.seller, zone)
            try:
                yield found
            finally:
                for page in found.pages:
                    page.context.close()
