"""Every combination of what a business can switch on, set up and lived through by the API.

A combination has a service, a provider and a client of its own. What is checked after each step holds for
all that is stored; what must have happened is read off the combination itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import combinations, product
from typing import Any

import pytest
from support_desk import Desk, RefusedError
from support_shop import Shop

FEATURES = ("deposit", "package", "series", "approval", "waiting", "group", "several", "resource",
            "no_show", "loyalty")  # fmt: skip
Combination = frozenset[str]
#: What cannot be had together: the code that says so, and words of its text.
REFUSED: dict[Combination, tuple[str, str]] = {
    frozenset({"several", "group"}): ("not_offered", "A group has times of its own"),
    frozenset({"several", "waiting"}): ("invalid", "lines"),
}
PRICE, CREDITS = 1_000_000, 6


def without_refused(combination: Iterable[str]) -> tuple[Combination, list[Combination]]:
    """The combination that can be had, and the pairs of it that are refused."""
    left, refused = set(combination), []
    for pair in REFUSED:
        if pair <= set(combination):
            refused.append(pair)
            left.discard("several")
    return frozenset(left), refused


def covering(strength: int) -> list[Combination]:
    """Combinations in which any `strength` features come in each way, on or off: greedily, each takes
    as much as it can of what is still missing."""
    missing = {
        (chosen, values)
        for chosen in combinations(FEATURES, strength)
        for values in product((False, True), repeat=strength)
    }
    every = [frozenset(f for f, on in zip(FEATURES, values, strict=True) if on)
             for values in product((False, True), repeat=len(FEATURES))]  # fmt: skip
    rows = []
    while missing:
        best = max(every, key=lambda row: len(missing & _covered(row, strength)))
        missing -= _covered(best, strength)
        rows.append(best)
    return rows


def _covered(row: Combination, strength: int) -> set[tuple[tuple[str, ...], tuple[bool, ...]]]:
    return {
        (chosen, tuple(f in row for f in chosen)) for chosen in combinations(FEATURES, strength)
    }


@dataclass
class Story:
    """One combination: what there is, who asks, and what happened so far."""

    desk: Desk
    features: Combination
    name: str = ""
    client: str = ""
    provider: str = ""
    service: str = ""
    second: str = ""
    rule: str = ""
    happened: list[str] = field(default_factory=list)

    @property
    def day(self) -> date:
        return self.desk.shop.day

    def has(self, *features: str) -> bool:
        return any(feature in self.features for feature in features)

    def at(self, clock: str, days: int = 0) -> str:
        return self.desk.shop.at(clock, self.day + timedelta(days=days)).isoformat()

    def check(self, step: str) -> None:
        self._nothing(self.desk.wrong(), step)

    def _nothing(self, wrong: list[str], step: str) -> None:
        told = f"{sorted(self.features)}, {step}, after {self.happened}: " + "; ".join(wrong)
        assert not wrong, told

    # --- what there is

    def arrange(self) -> None:
        number = next(self.desk.numbers)
        self.name = f"c{number}"
        ask, location = self.desk.ask, str(self.desk.shop.location)
        self.client = self.desk.client(self.name)
        made = ask("POST", "/providers", {"key": self.name, "name": f"Profesional {number}",
                                          "location_ids": [location]})  # fmt: skip
        self.provider = made["id"]
        hours = [self._hours(weekday, location) for weekday in range(1, 8)]
        ask(
            "PUT", f"/providers/{self.provider}/hours", {"version": made["version"], "hours": hours}
        )
        self.service = self._service("", 3 if self.has("group") else 1)
        if self.has("several"):
            self.second = self._service("-b", 1)
        self._rules(location)
        if self.has("package"):
            plan = {"name": f"Seis {number}", "credits": CREDITS, "days": 90, "price_centavos": 50_000,
                    "services": [self.service]}  # fmt: skip
            plan_id = ask("POST", "/plans", plan)["id"]
            ask("POST", "/passes", {"plan_id": plan_id, "client_id": self.client, "method": "cash"})
        self.check("arranged")

    def _hours(self, weekday: int, location: str) -> dict[str, Any]:
        """Who waits, waits for the only time of that day."""
        narrow = self.has("waiting") and weekday == self.day.isoweekday() and not self.has("group")
        return {"location_id": location, "weekday": weekday, "opens": "10:00" if narrow else "09:00",
                "closes": "10:30" if narrow else "20:00"}  # fmt: skip

    def _service(self, suffix: str, capacity: int) -> str:
        named = {"es-AR": f"Servicio {self.name}{suffix}"}
        draft = {"key": f"{self.name}{suffix}", "name": named, "minutes": 30, "capacity": capacity,
                 "price_centavos": PRICE, "providers": [self.provider]}  # fmt: skip
        return str(self.desk.ask("POST", "/services", draft)["id"])

    def _rules(self, location: str) -> None:
        ask = self.desk.ask
        deposit = {"service_id": self.service, "kind": "percent"}
        if self.has("deposit"):
            ask("POST", "/deposit-rules", {**deposit, "percent": 30})
        if self.has("no_show"):
            ask("POST", "/deposit-rules",
                {**deposit, "percent": 50, "applies": "no_shows", "no_shows": 1})  # fmt: skip
            self._miss_one()
        if self.has("approval"):
            first = "before" if len(self.features) % 2 else "after"
            ask("POST", "/approval-rules", {"service_id": self.service, "deposit": first})
        if self.has("resource"):
            kind = f"sillón {self.name}"
            ask("POST", "/resources", {"location_id": location, "kind": kind, "name": "1"})
            ask("PUT", f"/services/{self.service}/needs", {"items": [{"kind": kind}]})
        if self.has("loyalty"):
            card = {"name": "Tarjeta", "service_id": self.service, "stamps": 1, "percent": 50}
            self.rule = ask("POST", "/loyalty/rules", card)["id"]

    def _miss_one(self) -> None:
        other = self._service("-missed", 1)
        wish = {"service_id": other, "location_id": str(self.desk.shop.location),
                "client_id": self.client, "override_reason": "arranged",
                "starts_at": self.at("11:00", -(self.day - datetime.now(self.desk.shop.app.zone).date()).days - 2)}  # fmt: skip
        missed = self.desk.ask("POST", "/bookings", wish)["id"]
        self.desk.ask("POST", f"/bookings/{missed}/status", {"status": "no_show"})

    # --- how a booking comes about

    def wish(self, days: int) -> dict[str, Any]:
        return {"service_id": self.service, "location_id": str(self.desk.shop.location),
                "provider_id": self.provider, "starts_at": self.at("10:00", days)}  # fmt: skip

    def hold(self, days: int) -> str:
        wish = self.wish(days)
        if self.has("several"):
            lines = [{"service_id": key, "provider_id": self.provider}
                     for key in (self.service, self.second)]  # fmt: skip
            visit = {"location_id": wish["location_id"], "starts_at": wish["starts_at"]}
            made = self.desk.ask("POST", "/visits/holds", {**visit, "lines": lines}, who=self.name)
            return str(made["lines"][0]["id"])
        if self.has("group"):
            self._session(days)
        return str(self.desk.ask("POST", "/holds", wish, who=self.name)["id"])

    def _session(self, days: int) -> str:
        return str(self.desk.ask("POST", "/sessions", self.wish(days))["id"])

    def wait(self, days: int) -> str:
        """The time is taken; the client waits for it; it becomes free, and is offered."""
        taken = {**self.wish(days), "client": {"name": "Otra"}}
        line = {"service_id": self.service, "location_id": taken["location_id"],
                "provider_id": self.provider, "first_day": str(self.day + timedelta(days)),
                "last_day": str(self.day + timedelta(days))}  # fmt: skip
        if self.has("group"):
            line["session_id"], taken["seats"] = self._session(days), 3
        other = self.desk.ask("POST", "/bookings", taken)["id"]
        entry = self.desk.ask("POST", "/waiting-list", line, who=self.name)
        assert (self.desk.look_through(), entry["state"]) == (0, "waiting")
        self.desk.ask("POST", f"/bookings/{other}/cancel", {"reason": "no viene"})
        assert self.desk.look_through() == 1
        entry = self.desk.ask("GET", f"/waiting-list/{entry['id']}", who=self.name)
        assert entry["state"] == "offered"
        self.check("offered")
        return str(entry["booking_id"])

    def obtain(self, days: int, *, waiting: bool = False) -> dict[str, Any]:
        """A confirmed booking, by whatever has to be done for it."""
        key = self.wait(days) if waiting else self.hold(days)
        for _ in range(8):
            booking: dict[str, Any] = self.desk.ask("GET", f"/bookings/{key}", who=self.name)
            if booking["status"] == "confirmed":
                return booking
            self.happened.append(self.step(booking))
            self.check(self.happened[-1])
        raise AssertionError((sorted(self.features), self.happened))

    def step(self, booking: dict[str, Any]) -> str:
        """The one thing that a booking which is not confirmed yet waits for."""
        key, ask = booking["id"], self.desk.ask
        if booking["status"] == "requested":
            ask("POST", f"/bookings/{key}/decision", {"decision": "approve"})
            return "approved"
        assert booking["status"] == "held", booking
        money = ask("GET", f"/bookings/{key}/money", who=self.name)
        if self.has("package") and not money["covered"]:
            ask("POST", f"/bookings/{key}/redeem", {}, who=self.name)
            return "redeemed"
        if money["deposit_due_centavos"]:
            self.desk.pay(key, self.name)
            return "paid"
        visit = booking["visit_id"]
        path = f"/visits/{visit}/confirm" if visit else f"/holds/{key}/confirm"
        try:
            ask("POST", path, {}, who=self.name)
        except RefusedError as refused:
            if refused.answer.json()["code"] != "deposit_required":
                raise
            self.desk.pay(key, self.name)
            return "paid"
        return "asked"

    # --- what becomes of it

    def live(self) -> None:
        """From the first booking to the last one that is cancelled."""
        self.arrange()
        self.happened.clear()
        first = self.obtain(0, waiting=self.has("waiting"))
        self._came_about(first)
        if self.has("series"):
            self._repeat(first)
        second = self.obtain(3)
        self._moved_and_cancelled(second)
        self._completed(first)
        self.desk.work()
        self._nothing(self.desk.wrong(after_worker=True), "at the end")

    def _came_about(self, booking: dict[str, Any]) -> None:
        """Everything that was switched on did something."""
        paid = sum(1 for what in self.happened if what == "paid")
        assert ("approved" in self.happened) == self.has("approval"), self.happened
        assert ("redeemed" in self.happened) == self.has("package"), self.happened
        assert paid == (self.has("deposit", "no_show") and not self.has("package")), self.happened
        percent = 50 if self.has("no_show") else 30
        money = self.desk.ask("GET", f"/bookings/{booking['id']}/money")
        assert money["paid_centavos"] == PRICE * percent // 100 * paid
        assert len(booking["resources"]) == self.has("resource") * (not self.has("group"))
        assert (booking["visit_id"] is not None) == self.has("several")
        assert (booking["session_id"] is not None) == self.has("group")

    def _repeat(self, first: dict[str, Any]) -> None:
        """Three weeks; one is moved and one is cancelled."""
        if self.has("group"):
            for days in (7, 14):
                self._session(days)
            self.desk.ask("POST", "/sessions", {**self.wish(6), "starts_at": self.at("14:00", 6)})
        draft = {"count": 3, "use_credits": self.has("package")}
        made = self.desk.ask("POST", f"/bookings/{first['id']}/series", draft, who=self.name)
        self.check("repeated")
        parts = [part for part in made["parts"] if part["booking_id"] and part["number"]]
        assert made["parts"][0]["booking_id"] == first["id"]
        for part in parts:
            if part["status"] == "held":
                self.desk.pay(part["booking_id"], self.name)
                self.check("paid for a day of the series")
        for part in parts[:1]:
            move = {"starts_at": self.at("14:00", 6), "override_reason": "otro día"}
            visit = self.desk.ask("GET", f"/bookings/{part['booking_id']}")["visit_id"]
            what = f"/visits/{visit}" if visit else f"/bookings/{part['booking_id']}"
            self.desk.ask("POST", f"{what}/reschedule", move)
            self.check("moved a day of the series")
        for part in parts[1:]:
            self.desk.ask("POST", f"/bookings/{part['booking_id']}/cancel", {}, who=self.name)
            self.check("cancelled a day of the series")
        self.desk.ask("POST", f"/series/{made['id']}/end", {"scope": "end"}, who=self.name)

    def _moved_and_cancelled(self, booking: dict[str, Any]) -> None:
        """What was paid goes back, and the credit with it."""
        key, visit = booking["id"], booking["visit_id"]
        what = f"/visits/{visit}" if visit else f"/bookings/{key}"
        if self.has("group"):
            self._session(4)
        self.desk.ask(
            "POST", f"{what}/reschedule", {"starts_at": self.at("10:00", 4)}, who=self.name
        )
        self.check("moved")
        self.desk.ask("POST", f"{what}/cancel", {}, who=self.name)
        self.desk.work()
        self._nothing(self.desk.wrong(after_worker=True), "cancelled")
        money = self.desk.ask("GET", f"/bookings/{key}/money")
        assert (money["paid_centavos"], money["covered"]) == (0, False)

    def _completed(self, booking: dict[str, Any]) -> None:
        """The client comes, and gets a stamp, which pays half of the next time."""
        self.desk.ask("POST", f"/bookings/{booking['id']}/status", {"status": "completed"})
        self.check("completed")
        if not self.has("loyalty"):
            return
        if self.has("group"):
            self._session(5)
        again = {**self.wish(5), "client_id": self.client}
        key = self.desk.ask("POST", "/bookings", again)["id"]
        reward = self.desk.ask("POST", f"/bookings/{key}/loyalty-reward", {"rule_id": self.rule})
        assert reward["discount_centavos"] == PRICE // 2
        self.check("rewarded")
        self.desk.ask("POST", f"/bookings/{key}/payments",
                      {"method": "cash", "amount_centavos": PRICE // 2})  # fmt: skip
        self.desk.ask("POST", f"/bookings/{key}/status", {"status": "completed"})

    # --- what cannot be had

    def refuse(self, pair: Combination) -> None:
        """The combination is refused in words."""
        code, words = REFUSED[pair]
        with pytest.raises(RefusedError) as refused:
            self._try(pair)
        answer = refused.value.answer
        problem = answer.json()
        assert answer.status_code in {409, 422}, problem
        assert problem["code"] == code
        assert words in problem["detail"]
        assert self.desk.rows("SELECT count(*) FROM series WHERE client_id = %s", self.client) == [
            (0,)
        ]
        self.check("refused")

    def _try(self, pair: Combination) -> None:
        if pair == {"several", "waiting"}:
            line = {"service_id": self.service, "location_id": str(self.desk.shop.location),
                    "first_day": str(self.day), "last_day": str(self.day),
                    "lines": [{"service_id": self.service}]}  # fmt: skip
            self.desk.ask("POST", "/waiting-list", line, who=self.name)
        booking = self.obtain(2)
        self.desk.ask("POST", f"/bookings/{booking['id']}/series", {"count": 3}, who=self.name)


def open_all_days(shop: Shop) -> None:
    """No holiday closes this business."""
    shop.rows(
        "INSERT INTO holiday_override (day, open) SELECT current_date + n, true"
        " FROM generate_series(-10, 70) n ON CONFLICT DO NOTHING"
    )


def live(desk: Desk, combination: Combination) -> None:
    """The combination, or what is left of it where a part of it is refused."""
    possible, refused = without_refused(combination)
    for pair in refused:
        story = Story(desk, pair)
        story.arrange()
        story.refuse(pair)
    Story(desk, possible).live()
