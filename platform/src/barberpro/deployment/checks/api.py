"""An API client of the deployment: signs in, books, and proves the rules that must never break."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from barberpro.errors import BarberProError

API = "/api/v1"
FIRST_DAY = 3  # days from now: beyond every notice that a client has to give
DAYS = 14
GAP = timedelta(minutes=60)  # more than any buffer between two test bookings


class ApiError(BarberProError):
    """The API did not do what it must."""


@dataclass(frozen=True, slots=True)
class Slot:
    service_id: str
    location_id: str
    provider_id: str
    starts_at: str
    ends_at: str

    def body(self) -> dict[str, Any]:
        return {
            "service_id": self.service_id,
            "location_id": self.location_id,
            "provider_id": self.provider_id,
            "starts_at": self.starts_at,
        }


@dataclass(slots=True)
class ApiCaller:
    """``domain`` is the e-mail domain of the test clients. ``request_ids`` are those of bookings."""

    client: httpx.Client
    domain: str
    token: str = ""
    request_ids: list[str] = field(default_factory=list)
    _query: dict[str, str] = field(default_factory=dict)

    def sign_in(self, identity: str, secret: str) -> None:
        """A token by the client credentials grant (RFC 6749 §4.4)."""
        answer = self.client.post(
            "/oauth/token", data={"grant_type": "client_credentials"}, auth=(identity, secret)
        )
        self.token = str(_json(answer, 200, "a token").get("access_token", ""))

    def call(self, method: str, path: str, *, json: object = None, key: str = "") -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        if key:
            headers["Idempotency-Key"] = key
        return self.client.request(method, f"{API}{path}", json=json, headers=headers)

    def book(self, slot: Slot, *, key: str = "", who: str = "api") -> httpx.Response:
        person = {"name": "Prueba de Verificación", "email": f"{who}@{self.domain}"}
        body = {**slot.body(), "client": person}
        answer = self.call("POST", "/bookings", json=body, key=key or str(uuid.uuid4()))
        self.request_ids.append(answer.headers.get("x-request-id", ""))
        return answer

    def availability(self) -> dict[str, Any]:
        if not self._query:
            self._query = self._first_service()
        answer = self.client.get(f"{API}/availability", params=self._query)
        body: dict[str, Any] = _json(answer, 200, "free times")
        return body

    def _first_service(self) -> dict[str, str]:
        service = _items(_json(self.client.get(f"{API}/services"), 200, "services"))[0]
        location = _items(_json(self.client.get(f"{API}/locations"), 200, "locations"))[0]
        first = datetime.now(UTC).date() + timedelta(days=FIRST_DAY)
        return {
            "service_id": str(service["id"]),
            "location_id": str(location["id"]),
            "first": first.isoformat(),
            "days": str(DAYS),
        }

    def separate_slots(self, count: int) -> list[Slot]:
        """Free times, at most ``count``, so far apart that booking one leaves the others free."""
        busy_until: dict[str, datetime] = {}
        chosen: list[Slot] = []
        for day in self.availability().get("days", []):
            for slot in day.get("slots", []):
                start, end = _instant(slot["starts_at"]), _instant(slot["ends_at"])
                for provider in slot.get("provider_ids", []):
                    if start < busy_until.get(provider, start):
                        continue
                    busy_until[provider] = end + GAP
                    where = self._query
                    chosen.append(
                        Slot(where["service_id"], where["location_id"], provider,
                             slot["starts_at"], slot["ends_at"])
                    )  # fmt: skip
                    if len(chosen) == count:
                        return chosen
        return chosen

    def prove_booking_rules(self) -> list[str]:
        """Books once however often it is asked, refuses a second taker, moves, cancels, and
        offers the time again. What was proved, in words; raises ``ApiError``."""
        slots = self.separate_slots(2)
        if len(slots) < 2:
            raise ApiError("fewer than two free times in two weeks", where=f"{API}/availability")
        slot, other = slots
        key = str(uuid.uuid4())
        booking = _json(self.book(slot, key=key), 201, "a booking")
        again = self.book(slot, key=key)
        if again.json().get("id") != booking["id"]:
            raise ApiError("a repeated request booked twice", where="Idempotency-Key")
        second = self.book(slot, who="second")
        if second.status_code != 409:
            raise ApiError(
                f"a second taker of the same time got {second.status_code}, not 409",
                where=slot.starts_at,
                mend=second.text[:200],
            )
        path = f"/bookings/{booking['id']}"
        new_time = {"starts_at": other.starts_at, "provider_id": other.provider_id}
        moved = _json(
            self.call("POST", f"{path}/reschedule", json=new_time, key=str(uuid.uuid4())),
            200,
            "a move",
        )
        if _instant(moved["starts_at"]) != _instant(other.starts_at):
            raise ApiError("the booking was not moved", where=path, mend=str(moved)[:200])
        reason = {"reason": "prueba"}
        cancelled = _json(
            self.call("POST", f"{path}/cancel", json=reason, key=str(uuid.uuid4())),
            200,
            "a cancellation",
        )
        if cancelled.get("status") != "cancelled":
            raise ApiError("the booking was not cancelled", where=path, mend=str(cancelled)[:200])
        freed = _json(self.book(slot, who="second"), 201, "a booking of the freed time")
        self.call("POST", f"/bookings/{freed['id']}/cancel", json=reason, key=str(uuid.uuid4()))
        return [
            "booked", "repeated once with the same key", "second taker refused with 409",
            "moved", "cancelled", "freed time booked again",
        ]  # fmt: skip


def _items(body: Any) -> list[dict[str, Any]]:
    items = body.get("items", []) if isinstance(body, dict) else body
    if not items:
        raise ApiError("the catalogue is empty", where=API, mend="was seed.json loaded?")
    return list(items)


def _json(answer: httpx.Response, status: int, what: str) -> Any:
    if answer.status_code != status:
        raise ApiError(
            f"{answer.request.method} {answer.request.url.path} answers {answer.status_code}, "
            f"not {status} with {what}",
            where=answer.text[:300],
            mend=f"barberpro logs DEPLOYMENT --request {answer.headers.get('x-request-id', '')}",
        )
    return answer.json()


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
