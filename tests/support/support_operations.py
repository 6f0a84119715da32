"""Many random operations by many at once on one business, and what must hold afterwards."""

from __future__ import annotations

from collections import Counter
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from support_accounts import MailServer, mail_server
from support_actors import World, act, crowd
from support_desk import Desk, open_desk
from support_invariants import books_against, violations
from support_shop import Shop

from barberpro_app.booking import jobs as booking_jobs
from barberpro_app.identity.repository import Subject
from barberpro_app.kit.links import BookingLinks
from barberpro_app.kit.metrics import Metrics
from barberpro_app.notification.compose import Composer
from barberpro_app.notification.outbox import Outbox
from barberpro_app.notification.transport import Transport
from barberpro_app.payment import jobs as payment_jobs
from barberpro_app.payment.online import PaymentDesk
from barberpro_app.series import jobs as series_jobs
from barberpro_app.waiting_list.jobs import Promoter

CLIENTS, TEAM = 15, ("owner", "manager", "reception")
#: Settling ends when the worker finds nothing more to do, and must within so many turns.
MOST_TURNS = 200
SECONDS = 3600.0


@dataclass(frozen=True)
class Ended:
    """What is not as it must be, and what was done: answers by status, moves by name."""

    wrong: list[str]
    answers: Counter[int]
    moves: Counter[str]
    stored: dict[str, int]


def run_operations(shop: Shop, folder: Path, *, operations: int, actors: int, seed: int) -> Ended:
    """Opens the business, lets everybody act, lets the worker end its work, and looks."""
    shop.rows(
        "INSERT INTO holiday_override (day, open) SELECT current_date + n, true"
        " FROM generate_series(-10, 70) n ON CONFLICT DO NOTHING"
    )
    with mail_server() as mail:
        sender = {"host": "127.0.0.1", "port": mail.port, "from": "turnos@shop.localhost"}
        opened: AbstractContextManager[Desk] = open_desk(shop, folder, mail=sender)
        with opened as desk:
            _roomy(desk)
            world = _furnish(desk)
            _employ(desk)
            mail.answers += ["250 OK", "451 4.3.0 later", "250 OK"] * 5
            desk.caller.run(act(crowd(world, actors, seed), operations), SECONDS)
            turns = _settle(desk)
            wrong = [*world.faults, *_look(desk, mail)]
            if turns >= MOST_TURNS:
                wrong.append("the worker does not come to an end")
            return Ended(wrong, world.answers, world.done, _stored(desk))


def _roomy(desk: Desk) -> None:
    """On a busy machine a request waits its turn for a connection instead of being put off."""
    pool = desk.caller.app.state.database._pool
    pool.timeout = 120.0
    desk.caller.run(pool.resize(2, 24))


def _furnish(desk: Desk) -> World:
    """Chairs, a group, a plan, a card, rules; clients and a team."""
    ask, shop = desk.ask, desk.shop
    location = str(shop.location)
    service = {name: str(key) for name, key in shop.services.items()}
    for number in (1, 2):
        ask("POST", "/resources", {"location_id": location, "kind": "sillón", "name": str(number)})
    ask("PUT", f"/services/{service['cut']}/needs", {"items": [{"kind": "sillón"}]})
    yoga = {"key": "yoga", "name": {"es-AR": "Yoga"}, "minutes": 45, "price_centavos": 500_000,
            "capacity": 4, "providers": [str(key) for key in shop.providers]}  # fmt: skip
    service["yoga"] = ask("POST", "/services", yoga)["id"]
    ask("POST", "/deposit-rules", {"kind": "percent", "percent": 30, "service_id": service["cut"]})
    missed = {"kind": "percent", "percent": 50, "applies": "no_shows", "no_shows": 1}
    ask("POST", "/deposit-rules", missed)
    ask("POST", "/approval-rules", {"service_id": service["solo"], "applies": "new_client"})
    plan = {"name": "Veinte", "credits": 20, "days": 60, "price_centavos": 1_000_000}
    card = {"name": "Tarjeta", "stamps": 1, "percent": 33}
    plan_id, loyalty = ask("POST", "/plans", plan)["id"], ask("POST", "/loyalty/rules", card)["id"]
    clients = [f"ops{number}" for number in range(CLIENTS)]
    for name in clients:
        desk.keys[name] = desk.client(name)
    for name in clients[::2]:
        ask("POST", "/passes", {"plan_id": plan_id, "client_id": desk.keys[name], "method": "cash"})
    for role in TEAM[1:]:
        member = desk.accounts.staff(role, email=f"{role}@desk.example")
        desk.sign_in(role, Subject(staff_id=member.id))
    return World(desk, service, clients, list(TEAM), plan_id, loyalty)


def _employ(desk: Desk) -> None:
    """The worker's jobs, to be run at any time."""
    state = desk.caller.app.state
    database, settings = state.database, state.settings
    paying = PaymentDesk(database, settings.app, state.online_payments)
    links = BookingLinks(settings.secrets.key("session-key"), settings.app.public_url)
    outbox = Outbox(database, Composer(settings.app, links), Transport(settings.app.mail, None),
                    Metrics(), settings.app.public_url)  # fmt: skip
    desk.jobs = {
        "payments": partial(payment_jobs.work, paying),
        "waiting_list": Promoter(database, settings.app).run,
        "outbox": outbox.run_once,
        "expire_holds": partial(booking_jobs.expire_holds, database),
        "series": partial(series_jobs.run, database, settings.app),
    }


def _settle(desk: Desk) -> int:
    """Every payment is told of once more, and the worker works until there is nothing left; in how many
    turns. What it put off until later is due now."""
    desk.double.seller.faults.clear()
    for number in list(desk.double.seller.payments):
        sent = desk.double.seller.notice(number, f"settle-{number}")
        assert desk.caller.post(sent["url"], headers=sent["headers"], json=sent["json"]).is_success
    for turn in range(MOST_TURNS):
        for table in ("mercado_pago_notice", "refund"):
            desk.rows(f"UPDATE {table} SET next_attempt_at = now() WHERE state = 'pending'")
        desk.rows("UPDATE message SET next_attempt_at = now() WHERE state = 'pending'")
        if not sum(desk.caller.run(job(), 300) for job in desk.jobs.values()):
            return turn
    return MOST_TURNS


def _look(desk: Desk, mail: MailServer) -> list[str]:
    found = violations(desk.rows)
    found += books_against(desk.rows, list(desk.double.seller.payments.values()))
    books = desk.ask("GET", "/ledger/trial-balance")
    if any(books["difference"].values()):
        found.append(f"the trial balance: {books['difference']}")
    arrived = Counter(
        str(message["Message-ID"]).strip("<>").partition("@")[0] for message in mail.received
    )
    sent = {str(key) for (key,) in desk.rows("SELECT id FROM message WHERE state = 'sent'")}
    if twice := [key for key, count in arrived.items() if count > 1]:
        found.append(f"messages that came twice: {len(twice)}")
    if sent != set(arrived):
        found.append(f"messages: {len(sent)} sent, {len(arrived)} came")
    return found


def _stored(desk: Desk) -> dict[str, int]:
    tables: dict[str, Any] = {
        "bookings": "booking", "payments": "payment", "refunds": "refund", "messages": "message",
        "series": "series", "entries of the waiting list": "waiting_entry", "turns": "walk_in",
        "credits used": "pass_use", "rewards": "loyalty_reward", "merged clients": "client_merge",
    }  # fmt: skip
    return {
        name: int(desk.rows(f"SELECT count(*) FROM {table}")[0][0])
        for name, table in tables.items()
    }
