"""A business with money, asked by its API: the owner, its clients, Mercado Pago and the worker."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psycopg
from mercado_pago import SECRET, TOKEN, MercadoPagoDouble
from support_accounts import ORIGIN, Accounts, Caller
from support_app import CONFIGURATION
from support_invariants import books_against, violations
from support_shop import Shop

from barberpro_app.booking import jobs as booking_jobs
from barberpro_app.identity.auth import SESSION_COOKIE
from barberpro_app.identity.repository import Subject
from barberpro_app.payment import jobs as payment_jobs
from barberpro_app.payment.online import PaymentDesk
from barberpro_app.waiting_list.jobs import look_through

API = "/api/v1"
SERVICES = [*CONFIGURATION["services"], "payment", "loyalty-program-service"]


class RefusedError(AssertionError):
    """An answer that was not expected; `answer` is it."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__(f"{answer.request.method} {answer.request.url.path}: {answer.text}")
        self.answer = answer


@dataclass
class Desk:
    """The business while it is open. What is asked for is under `/api/v1`."""

    shop: Shop
    accounts: Accounts
    caller: Caller
    double: MercadoPagoDouble
    connection: psycopg.Connection[Any]
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    jobs: dict[str, Callable[[], Coroutine[Any, Any, int]]] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        cursor = self.connection.execute(query.encode(), values)
        return cursor.fetchall() if cursor.description else []

    def sign_in(self, who: str, subject: Subject) -> None:
        cookie = self.accounts.session(subject)
        self.headers[who] = {"Cookie": f"{SESSION_COOKIE}={cookie}", "Origin": ORIGIN}

    def client(self, name: str) -> str:
        """A new client who is signed in as `name`; the key."""
        body = {"name": f"Clienta {name}", "email": f"{name}@desk.example"}
        key = str(self.ask("POST", "/clients", body)["id"])
        self.sign_in(name, Subject(client_id=UUID(key)))
        return key

    def ask(self, method: str, path: str, body: Any = None, *, who: str = "owner") -> Any:
        """The answer's body. Raises `RefusedError` for anything but success."""
        answer = self.caller.request(method, API + path, json=body, headers=self.headers[who])
        if answer.status_code >= 300:
            raise RefusedError(answer)
        return answer.json() if answer.content else None

    def pay(self, booking_id: str, who: str) -> str:
        """A client pays what has to be paid ahead at Mercado Pago, which tells of it twice."""
        asked = self.ask("POST", f"/bookings/{booking_id}/checkout", {}, who=who)
        preference = next(
            key
            for key, wish in self.double.seller.preferences.items()
            if wish["external_reference"] == asked["id"]
        )
        number = self.double.seller.pay(preference)
        for _ in range(2):
            notice = self.double.seller.notice(number, f"notice-{next(self.numbers)}")
            self.caller.post(notice.pop("url"), **notice).raise_for_status()
        return number

    def work(self) -> None:
        """One turn of the worker's jobs about bookings and money."""

        async def turn() -> None:
            state = self.caller.app.state
            desk = PaymentDesk(state.database, state.settings.app, state.online_payments)
            await booking_jobs.expire_holds(state.database)
            await payment_jobs.work(desk)

        self.caller.run(turn())

    def look_through(self) -> int:
        """The waiting list is looked through; how many offers were made."""

        async def look() -> int:
            state = self.caller.app.state
            async with state.database.connection() as connection:
                return await look_through(connection, state.settings.app)

        return self.caller.run(look())

    def wrong(self, *, after_worker: bool = False) -> list[str]:
        """What is not as it must be. Nobody sends messages here."""
        found = violations(self.rows, after_worker=after_worker)
        found = [fault for fault in found if not fault.startswith("a message that did not leave")]
        if after_worker:
            found += books_against(self.rows, list(self.double.seller.payments.values()))
        books = self.ask("GET", "/ledger/trial-balance")
        if any(books["difference"].values()):
            found.append(f"the trial balance: {books['difference']}")
        return found


@contextmanager
def open_desk(shop: Shop, folder: Path, **changes: Any) -> Iterator[Desk]:
    """The business with its owner signed in, until the end of the block."""
    with MercadoPagoDouble() as double:
        payments = {
            "methods": ["cash", "transfer", "mercado-pago"],
            "mercado_pago_api": double.address,
        }
        accounts = Accounts.make(folder, shop.url, services=SERVICES, payments=payments, **changes)
        (folder / "secrets/mercado-pago-access-token").write_text(TOKEN)
        (folder / "secrets/mercado-pago-webhook-secret").write_text(SECRET)
        with (
            accounts.browser() as caller,
            psycopg.connect(shop.url, autocommit=True) as connection,
        ):
            desk = Desk(shop, accounts, caller, double, connection)
            owner = accounts.staff("owner", email="desk-owner@desk.example")
            desk.sign_in("owner", Subject(staff_id=owner.id))
            yield desk
