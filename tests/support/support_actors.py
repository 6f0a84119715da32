"""Clients, the team, payers, Mercado Pago and workers who do what comes to their mind, all at once.

What each does is drawn from a seed; in which order the server gets it is not. An answer that refuses is
an answer; one of the server's own faults is not, and is kept in `faults`.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar

from support_desk import API, Desk

CLOCKS = ("09:00", "09:45", "10:30", "11:15", "14:00", "14:45", "15:30", "16:15")
DAYS = 5
#: The provider of payments answers so on purpose; the app says that it did.
NOT_OURS = "provider_unavailable"


@dataclass
class World:
    """What the actors know of: things to do something with."""

    desk: Desk
    service: dict[str, str]
    clients: list[str]
    team: list[str]
    plan: str
    loyalty: str
    known: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    preferences: list[str] = field(default_factory=list)
    paid: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    answers: Counter[int] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    numbers: int = 0

    def learn(self, kind: str, who: str, key: str) -> None:
        self.known.setdefault(kind, []).append((who, key))

    def number(self) -> int:
        self.numbers += 1
        return self.numbers


@dataclass
class Actor:
    """Somebody with moves of their own; `who` is in whose name."""

    world: World
    who: str
    draw: random.Random
    acted: bool = False
    MOVES: ClassVar[dict[str, int]] = {}

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The body of what was done, None if it was refused."""
        self.acted = True
        desk, address = self.world.desk, path if path.startswith("/webhooks") else API + path
        answer = await desk.caller.client.request(
            method, address, json=body, headers={**desk.headers.get(self.who, {}), **headers}
        )
        self.world.answers[answer.status_code] += 1
        if answer.status_code >= 500 and NOT_OURS not in answer.text:
            self.world.faults.append(f"{method} {path} {body}: {answer.text[:300]}")
        return answer.json() if answer.status_code < 300 and answer.content else None

    async def twice(self, path: str, body: Any) -> Any:
        """Now and then a request is sent again before it was answered: it counts once."""
        if self.draw.random() < 0.85:
            return await self.ask("POST", path, body)
        key = f"key-{self.world.number()}"
        send = [self.ask("POST", path, body, **{"Idempotency-Key": key}) for _ in range(2)]
        one, other = await asyncio.gather(*send)
        if one is not None and other is not None and one != other:
            self.world.faults.append(f"{path}: two answers to one request")
        return one or other

    def one(self, kind: str, *, own: bool = False) -> str | None:
        """One of the latest things of a kind that are known."""
        found = self.world.known.get(kind, [])
        if own:
            found = [thing for thing in found if thing[0] == self.who][-8:]
        return self.draw.choice(found[-60:])[1] if found else None

    def when(self) -> str:
        day = self.world.desk.shop.day + timedelta(days=self.draw.randrange(DAYS))
        return self.world.desk.shop.at(self.draw.choice(CLOCKS), day).isoformat()

    def wish(self, service: str | None = None) -> dict[str, Any]:
        shop = self.world.desk.shop
        wish = {
            "service_id": self.world.service[service or self.draw.choice(["cut", "cut", "solo"])],
            "location_id": str(shop.location),
            "starts_at": self.when(),
        }
        if self.draw.random() < 0.5:
            wish["provider_id"] = str(self.draw.choice(shop.providers))
        return wish

    async def act(self) -> bool:
        """One move; whether there was something to do."""
        self.acted = False
        (move,) = self.draw.choices(list(self.MOVES), list(self.MOVES.values()))
        await getattr(self, move)()
        self.world.done[move] += self.acted
        return self.acted


class Client(Actor):
    """Books, pays, changes their mind."""

    MOVES: ClassVar[dict[str, int]] = {"hold": 7, "confirm": 6, "checkout": 5, "redeem": 2, "cancel": 2, "move": 2, "visit": 3,
             "seat": 3, "join": 3, "leave": 1, "repeat": 1, "end_series": 1, "extend": 1, "buy": 1,
             "look": 1, "give_up_visit": 1, "move_visit": 1}  # fmt: skip

    def learn(self, made: Any) -> None:
        if made is not None:
            self.world.learn("booking", self.who, made["id"])
            if made.get("visit_id"):
                self.world.learn("visit", self.who, made["visit_id"])
                for line in made.get("lines", ()):
                    self.world.learn("booking", self.who, line["id"])

    async def hold(self) -> None:
        self.learn(await self.twice("/holds", self.wish()))

    async def seat(self) -> None:
        wish = self.wish("yoga") | {"seats": self.draw.randint(1, 2)}
        wish.pop("provider_id", None)
        if (session := self.one("session")) and self.draw.random() < 0.8:
            found = await self.ask("GET", f"/sessions/{session}")
            if found:
                wish |= {"session_id": session, "starts_at": found["starts_at"]}
        self.learn(await self.twice("/holds", wish))

    async def visit(self) -> None:
        wish = self.wish("cut")
        lines = [{"service_id": self.world.service[name]}
                 for name in self.draw.choices(["cut", "solo"], k=2)]  # fmt: skip
        wish = {"location_id": wish["location_id"], "starts_at": wish["starts_at"], "lines": lines}
        self.learn(await self.twice("/visits/holds", wish))

    async def confirm(self) -> None:
        if (key := self.one("visit", own=True)) and self.draw.random() < 0.3:
            await self.twice(f"/visits/{key}/confirm", {})
        elif key := self.one("booking", own=True):
            await self.twice(f"/holds/{key}/confirm", {})

    async def checkout(self) -> None:
        if key := self.one("booking", own=True):
            what = self.draw.choice(["deposit", "deposit", "all"])
            made = await self.ask("POST", f"/bookings/{key}/checkout", {"what": what})
            if made is not None:
                self.world.preferences.append(made["id"])

    async def buy(self) -> None:
        sale = {"plan_id": self.world.plan, "method": "mercado_pago"}
        made = await self.ask("POST", "/passes", sale)
        if made is not None:
            self.world.preferences.append(made["id"])

    async def redeem(self) -> None:
        if key := self.one("booking", own=True):
            await self.ask("POST", f"/bookings/{key}/redeem", {})

    async def cancel(self) -> None:
        if key := self.one("booking", own=True):
            await self.ask("POST", f"/bookings/{key}/cancel", {"accept_late": True})

    async def give_up_visit(self) -> None:
        if key := self.one("visit", own=True):
            await self.ask("POST", f"/visits/{key}/cancel", {})

    async def move(self) -> None:
        if key := self.one("booking", own=True):
            await self.twice(f"/bookings/{key}/reschedule", {"starts_at": self.when()})

    async def move_visit(self) -> None:
        if key := self.one("visit", own=True):
            await self.twice(f"/visits/{key}/reschedule", {"starts_at": self.when()})

    async def extend(self) -> None:
        if key := self.one("booking", own=True):
            await self.ask("POST", f"/holds/{key}/extend")

    async def join(self) -> None:
        shop = self.world.desk.shop
        line = {"service_id": self.world.service["solo"], "location_id": str(shop.location),
                "first_day": str(shop.day), "last_day": str(shop.day + timedelta(days=DAYS - 1))}  # fmt: skip
        if (session := self.one("session")) and self.draw.random() < 0.4:
            line |= {"service_id": self.world.service["yoga"], "session_id": session, "seats": 2}
        made = await self.twice("/waiting-list", line)
        if made is not None:
            self.world.learn("entry", self.who, made["id"])

    async def leave(self) -> None:
        if key := self.one("entry", own=True):
            await self.ask("POST", f"/waiting-list/{key}/leave")

    async def look(self) -> None:
        """What is offered is seen, and can be taken then."""
        found = await self.ask("GET", "/waiting-list")
        for entry in (found or {}).get("items", ()):
            if entry["booking_id"]:
                self.world.learn("booking", self.who, entry["booking_id"])
                await self.ask("POST", f"/holds/{entry['booking_id']}/confirm", {})

    async def repeat(self) -> None:
        if key := self.one("booking", own=True):
            draft = {"count": 3, "use_credits": self.draw.random() < 0.3}
            made = await self.twice(f"/bookings/{key}/series", draft)
            if made is not None:
                self.world.learn("series", self.who, made["id"])
                for part in made["parts"]:
                    if part["booking_id"]:
                        self.world.learn("booking", self.who, part["booking_id"])

    async def end_series(self) -> None:
        if key := self.one("series", own=True):
            scope = self.draw.choice(["end", "all"])
            await self.ask("POST", f"/series/{key}/end", {"scope": scope})


class Team(Actor):
    """At the desk: books for others, takes money, answers requests, calls who walked in."""

    MOVES: ClassVar[dict[str, int]] = {"book": 5, "cancel": 2, "move": 3, "status": 5, "cash": 3, "refund": 2, "decide": 6,
             "walk_in": 2, "call": 2, "gone": 1, "redeem": 1, "reward": 2, "sell": 2, "session": 2,
             "move_session": 1, "end_session": 1, "forgive": 1, "check_in": 1, "move_series": 1,
             "time_off": 1, "back": 1, "deposit": 1, "drop_deposit": 1, "ask_first": 1,
             "drop_ask_first": 1, "price": 1, "merge": 1}  # fmt: skip

    async def book(self) -> None:
        number = self.draw.randrange(12)
        wish = self.wish() | {
            "client": {"name": f"Visita {number}", "email": f"v{number}@ops.example"}
        }
        if self.draw.random() < 0.2:
            wish["override_reason"] = "de siempre"
        made = await self.twice("/bookings", wish)
        if made is not None:
            self.world.learn("booking", self.who, made["id"])
            self.world.learn("guest", self.who, made["client"]["id"])

    async def cancel(self) -> None:
        if key := self.one("booking"):
            await self.ask("POST", f"/bookings/{key}/cancel", {"override_reason": "llamó"})

    async def move(self) -> None:
        if key := self.one("booking"):
            wish = {"starts_at": self.when()}
            if self.draw.random() < 0.5:
                wish["provider_id"] = str(self.draw.choice(self.world.desk.shop.providers))
            await self.twice(f"/bookings/{key}/reschedule", wish)

    async def status(self) -> None:
        if key := self.one("booking"):
            wanted = self.draw.choice(["arrived", "completed", "completed", "no_show", "confirmed"])
            await self.ask("POST", f"/bookings/{key}/status", {"status": wanted})

    async def cash(self) -> None:
        if key := self.one("booking"):
            amount = self.draw.choice([1, 270_000, 450_000, 900_000, 1_500_000])
            paid = {"method": self.draw.choice(["cash", "transfer"]), "amount_centavos": amount}
            await self.twice(f"/bookings/{key}/payments", paid)

    async def refund(self) -> None:
        found = await self.ask("GET", "/payments?state=approved&limit=30")
        if found and found["items"]:
            key = self.draw.choice(found["items"])["id"]
            amount = self.draw.choice([{}, {"amount_centavos": 1}, {"amount_centavos": 100_000}])
            await self.twice(f"/payments/{key}/refunds", amount)

    async def decide(self) -> None:
        found = await self.ask("GET", "/bookings?status=requested&limit=20")
        if found and found["items"]:
            key = self.draw.choice(found["items"])["id"]
            answer = self.draw.choice(["approve", "approve", "decline"])
            await self.twice(f"/bookings/{key}/decision", {"decision": answer})

    async def walk_in(self) -> None:
        wish = self.wish() | {"name": f"Pasó {self.world.number()}"}
        wish.pop("starts_at")
        made = await self.twice("/walk-ins", wish)
        if made is not None:
            self.world.learn("walk_in", self.who, made["id"])

    async def call(self) -> None:
        if key := self.one("walk_in"):
            made = await self.ask("POST", f"/walk-ins/{key}/call", {})
            if made and made["booking_id"]:
                self.world.learn("booking", self.who, made["booking_id"])

    async def gone(self) -> None:
        if key := self.one("walk_in"):
            await self.ask("POST", f"/walk-ins/{key}/{self.draw.choice(['leave', 'no-answer'])}")

    async def redeem(self) -> None:
        if key := self.one("booking"):
            await self.ask("POST", f"/bookings/{key}/redeem", {})

    async def reward(self) -> None:
        if key := self.one("booking"):
            reward = {"rule_id": self.world.loyalty}
            await self.ask("POST", f"/bookings/{key}/loyalty-reward", reward)

    async def sell(self) -> None:
        name = self.draw.choice(self.world.clients)
        sale = {"plan_id": self.world.plan, "client_id": self.world.desk.keys[name],
                "method": self.draw.choice(["cash", "transfer"])}  # fmt: skip
        await self.twice("/passes", sale)

    async def session(self) -> None:
        wish = self.wish("yoga")
        wish["provider_id"] = str(self.draw.choice(self.world.desk.shop.providers))
        made = await self.twice("/sessions", wish)
        if made is not None:
            self.world.learn("session", self.who, made["id"])

    async def move_session(self) -> None:
        if key := self.one("session"):
            found = await self.ask("GET", f"/sessions/{key}")
            change = self.draw.choice(
                [{"starts_at": self.when()}, {"capacity": self.draw.randint(1, 4)}]
            )
            if found:
                patch = {"version": found["version"], **change}
                await self.ask("PATCH", f"/sessions/{key}", patch)

    async def end_session(self) -> None:
        if (key := self.one("session")) and self.draw.random() < 0.3:
            await self.ask("POST", f"/sessions/{key}/cancel", {"reason": "enfermedad"})

    async def forgive(self) -> None:
        if key := self.one("booking"):
            await self.ask("POST", f"/bookings/{key}/forgive", {"reason": "avisó"})

    async def check_in(self) -> None:
        if key := self.one("booking"):
            await self.ask("POST", f"/bookings/{key}/check-in")

    async def move_series(self) -> None:
        if key := self.one("series"):
            found = await self.ask("GET", f"/series/{key}")
            parts = [p for p in (found or {}).get("parts", ()) if p["status"] == "confirmed"]
            if parts:
                move = {"booking_id": self.draw.choice(parts)["booking_id"],
                        "scope": self.draw.choice(["following", "all"]), "starts_at": self.when()}  # fmt: skip
                await self.ask("POST", f"/series/{key}/move", move)

    async def time_off(self) -> None:
        start = self.world.desk.shop.at(self.draw.choice(CLOCKS))
        away = {"starts_at": start.isoformat(), "ends_at": (start + timedelta(hours=2)).isoformat()}
        provider = self.draw.choice(self.world.desk.shop.providers)
        made = await self.ask("POST", f"/providers/{provider}/time-off", away)
        if made is not None:
            self.world.learn("time_off", self.who, f"{provider}/time-off/{made['time_off']['id']}")

    async def back(self) -> None:
        if key := self.one("time_off"):
            await self.ask("DELETE", f"/providers/{key}")

    async def deposit(self) -> None:
        rule = {"kind": "percent", "percent": self.draw.choice([10, 30, 60])}
        rule["service_id"] = self.world.service[self.draw.choice(["cut", "yoga"])]
        made = await self.ask("POST", "/deposit-rules", rule)
        if made is not None:
            self.world.learn("deposit_rule", self.who, made["id"])

    async def drop_deposit(self) -> None:
        if key := self.one("deposit_rule"):
            await self.ask("DELETE", f"/deposit-rules/{key}")

    async def ask_first(self) -> None:
        rule = {
            "service_id": self.world.service["solo"],
            "deposit": self.draw.choice(["before", "after"]),
        }
        made = await self.ask("POST", "/approval-rules", rule)
        if made is not None:
            self.world.learn("approval_rule", self.who, made["id"])

    async def drop_ask_first(self) -> None:
        if key := self.one("approval_rule"):
            await self.ask("DELETE", f"/approval-rules/{key}")

    async def price(self) -> None:
        rule = {"kind": "percent", "percent": self.draw.choice([90, 110, 133])}
        rule["service_id"] = self.world.service[self.draw.choice(["cut", "solo"])]
        await self.ask("POST", "/price-rules", rule)

    async def merge(self) -> None:
        keys = [self.one("guest"), self.one("guest")]
        both = [await self.ask("GET", f"/clients/{key}") for key in keys if key]
        if len(both) == 2 and all(both) and keys[0] != keys[1]:
            wish = {"other_id": keys[1], "version": both[0]["version"],
                    "other_version": both[1]["version"]}  # fmt: skip
            await self.ask("POST", f"/clients/{keys[0]}/merge", wish)


class Payer(Actor):
    """Pays at Mercado Pago, which tells of it late, twice, in any order, or not at all."""

    MOVES: ClassVar[dict[str, int]] = {"pay": 5, "notice": 6, "back": 1, "fault": 1}

    async def pay(self) -> None:
        seller = self.world.desk.double.seller
        if not self.world.preferences:
            return
        wanted = self.draw.choice(self.world.preferences[-30:])
        found = [key for key, wish in list(seller.preferences.items())
                 if wish["external_reference"] == wanted]  # fmt: skip
        if found:
            status = self.draw.choice(["approved"] * 5 + ["rejected", "pending"])
            amount = self.draw.choice([None] * 9 + [1.0])
            number = seller.pay(
                found[0], status, amount, late=True, fee=self.draw.choice([0.0, 1.5])
            )
            self.world.paid.append(number)
            self.acted = True

    async def notice(self) -> None:
        if not self.world.paid:
            return
        number = self.draw.choice(self.world.paid[-40:])
        name = f"ops-{self.world.number() if self.draw.random() < 0.7 else self.draw.randrange(9)}"
        sent = self.world.desk.double.seller.notice(number, name)
        await self.ask("POST", sent["url"], sent["json"], **sent["headers"])

    async def back(self) -> None:
        """Somebody gives money back in Mercado Pago's own panel, or the payer's bank takes it."""
        seller = self.world.desk.double.seller
        if not self.world.paid:
            return
        number = self.draw.choice(self.world.paid)
        self.acted = True
        with seller.lock:
            payment = seller.payments[number]
            if payment["status"] == "pending":
                seller.change(number, status="approved")
            elif payment["status"] == "approved" and payment["transaction_amount_refunded"] == 0:
                whole = payment["transaction_amount"]
                if self.draw.random() < 0.5:
                    seller.change(number, status="charged_back")
                else:
                    seller.change(number, status="refunded", transaction_amount_refunded=whole)

    async def fault(self) -> None:
        self.acted = True
        self.world.desk.double.seller.misbehave(self.draw.choice(["500", "429", "lost", "garbage"]))


class Clockwork(Actor):
    """The worker's jobs, several of each at once, and time that passes."""

    MOVES: ClassVar[dict[str, int]] = {
        "work": 4,
        "offer": 3,
        "send": 3,
        "expire": 2,
        "lapse": 2,
        "series": 1,
    }

    async def act(self) -> bool:
        await super().act()
        return True

    async def work(self) -> None:
        await self.world.desk.jobs["payments"]()

    async def offer(self) -> None:
        await self.world.desk.jobs["waiting_list"]()

    async def send(self) -> None:
        await self.world.desk.jobs["outbox"]()

    async def expire(self) -> None:
        await self.world.desk.jobs["expire_holds"]()

    async def series(self) -> None:
        await self.world.desk.jobs["series"]()

    async def lapse(self) -> None:
        """A hold's time is over."""
        async with self.world.desk.caller.app.state.database.connection() as connection:
            await connection.execute(
                "WITH b AS (UPDATE booking SET hold_expires_at = now() - interval '1 s' WHERE id IN ("
                " SELECT id FROM booking WHERE hold_expires_at > now() ORDER BY random() LIMIT 1"
                " FOR UPDATE SKIP LOCKED) RETURNING id) UPDATE occupancy o"
                " SET expires_at = now() - interval '1 s' FROM b WHERE o.booking_id = b.id"
            )


Kind = Callable[[World, str, random.Random], Actor]


def crowd(world: World, count: int, seed: int) -> list[Actor]:
    """Of twenty: eleven clients, five of the team, two payers, two of the worker's jobs."""
    kinds: list[Kind] = [Client, Team, Client, Payer, Client, Team, Client, Clockwork, Client, Client,
                         Team, Client, Client, Payer, Team, Client, Clockwork, Client, Team, Client]  # fmt: skip
    actors = []
    for number in range(count):
        draw = random.Random(f"{seed}-{number}")
        kind = kinds[number % len(kinds)]
        who = (
            world.clients[number % len(world.clients)]
            if kind is Client
            else world.team[number % len(world.team)]
        )
        actors.append(kind(world, who, draw))
    return actors


async def act(actors: list[Actor], operations: int) -> None:
    """So many operations of all together; who is quick does more."""
    left = operations

    async def one(actor: Actor) -> None:
        nonlocal left
        while left > 0:
            try:
                acted = await actor.act()
                left -= acted
            except Exception as fault:  # noqa: BLE001 - what a job raises is a fault of the server
                left -= 1
                actor.world.faults.append(f"{type(actor).__name__}: {fault!r}")
            await asyncio.sleep(0)

    await asyncio.gather(*(one(actor) for actor in actors))
