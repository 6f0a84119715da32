"""A double of Mercado Pago's API on the loopback interface, written from its public documentation.

Sources (mercadopago.com.ar/developers): reference of preferences (POST /checkout/preferences), of
payments (GET /v1/payments/{id}, GET /v1/payments/search), of refunds (POST /v1/payments/{id}/refunds,
errors 2063, 4040, 4292), "Fecha de vencimiento de preferencia", "Notificaciones Webhooks".

It checks what it is sent (token, Idempotency-Key, required fields, amounts) and answers as the
documentation says; `misbehave` makes it slow, forgetful or faulty. A payer is `pay`.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from barberpro_app.payment.signature import sign

TOKEN = "APP_USR-double"
SECRET = "double-webhook-secret"
Answer = tuple[int, Any]


@dataclass
class Seller:
    """The account: preferences, payments, refunds, and everything that was asked."""

    preferences: dict[str, dict[str, Any]] = field(default_factory=dict)
    payments: dict[str, dict[str, Any]] = field(default_factory=dict)
    by_key: dict[tuple[str, str], Answer] = field(default_factory=dict)
    keys_of: dict[str, str] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    faults: deque[str] = field(default_factory=deque)
    lock: threading.RLock = field(default_factory=threading.RLock)
    slow_seconds: float = 9.0
    next_id: int = 90_000_000_001

    def misbehave(self, *faults: str) -> None:
        """The next calls go wrong in turn: "500", "429", "hang", "garbage", "lost" (done, but the
        answer is a 500), "ok" for one that does not."""
        self.faults.extend(faults)

    def number(self) -> int:
        with self.lock:
            self.next_id += 1
            return self.next_id

    def pay(
        self, preference_id: str, status: str = "approved", amount: float | None = None,
        currency: str | None = None, fee: float = 0.0, *, late: bool = False,
    ) -> str:  # fmt: skip
        """Somebody pays at the page of a preference; the payment's number."""
        with self.lock:
            preference = self.preferences[preference_id]
            if not late:
                until = datetime.fromisoformat(preference["expiration_date_to"])
                assert until > datetime.now(UTC), "the page says that it has expired"
            item = preference["items"][0]
            number = self.number()
            self.payments[str(number)] = {
                "id": number,
                "status": status,
                "status_detail": "accredited" if status == "approved" else status,
                "external_reference": preference["external_reference"],
                "currency_id": currency or item["currency_id"],
                "transaction_amount": item["unit_price"] if amount is None else amount,
                "transaction_amount_refunded": 0,
                "fee_details": [{"type": "mercadopago_fee", "fee_payer": "collector",
                                 "amount": fee}] if fee else [],
                "date_created": _now(),
                "date_last_updated": _now(),
            }  # fmt: skip
            return str(number)

    def change(self, payment_id: str, **values: Any) -> None:
        """What happens to a payment later."""
        with self.lock:
            self.payments[payment_id].update(values, date_last_updated=_now())

    def refunded(self, payment_id: str) -> float:
        return float(self.payments[payment_id]["transaction_amount_refunded"])

    def notice(self, payment_id: str, request_id: str, *, milliseconds: bool = True,
               secret: str = SECRET) -> dict[str, Any]:  # fmt: skip
        """A notification as keyword arguments of an HTTP client's `post`."""
        ts = str(int(time.time() * 1000 if milliseconds else time.time()))
        return {
            "url": f"/webhooks/mercado-pago?data.id={payment_id}&type=payment",
            "headers": {
                "x-request-id": request_id,
                "x-signature": f"ts={ts},v1={sign(payment_id, request_id, ts, secret)}",
            },
            "json": {"action": "payment.updated", "api_version": "v1", "type": "payment",
                     "data": {"id": payment_id}},
        }  # fmt: skip

    def answer(self, method: str, address: str, headers: dict[str, str], body: bytes) -> Answer:
        parts = urlsplit(address)
        with self.lock:
            self.requests.append((method, parts.path))
            if headers.get("authorization") != f"Bearer {TOKEN}":
                return 401, {"message": "invalid_token", "error": "unauthorized", "status": 401}
            if method == "POST":
                return self._post(parts.path, headers.get("x-idempotency-key", ""), body)
            if parts.path == "/v1/payments/search":
                wanted = parse_qs(parts.query).get("external_reference", [""])[0]
                found = [p for p in self.payments.values() if p["external_reference"] == wanted]
                return 200, {"results": found, "paging": {"total": len(found)}}
            payment = self.payments.get(parts.path.removeprefix("/v1/payments/"))
            if payment is None:
                return 404, {"message": "Payment not found", "error": "not_found", "status": 404}
            return 200, dict(payment)

    def _post(self, path: str, key: str, body: bytes) -> Answer:
        if not 1 <= len(key) <= 64:
            return 400, {
                "message": "Header X-Idempotency-Key can't be null",
                "cause": [{"code": 4292}],
            }
        seen = self.by_key.get((path, key))
        if seen is not None:
            return seen
        try:
            wish = json.loads(body)
        except ValueError:
            return 400, {"message": "invalid json"}
        if path == "/checkout/preferences":
            made = self._preference(wish)
        else:
            made = self._refund(path.split("/")[3], wish)
        if made[0] < 300:
            self.by_key[path, key] = made
        return made

    def _preference(self, wish: dict[str, Any]) -> Answer:
        items = wish.get("items")
        if not items or any(not i.get("title") or not i.get("quantity") for i in items):
            return 400, {"message": "items needed", "error": "bad_request"}
        if any(
            not isinstance(i.get("unit_price"), (int, float)) or i["unit_price"] <= 0 for i in items
        ):
            return 400, {"message": "unit_price invalid", "error": "invalid_items"}
        if wish.get("auto_return") and not wish.get("back_urls", {}).get("success"):
            return 400, {"message": "auto_return invalid. back_url.success must be defined"}
        if wish.get("expires") and not wish.get("expiration_date_to"):
            return 400, {"message": "expiration_date_to needed"}
        number = f"200-{self.number()}"
        self.preferences[number] = {**wish, "id": number}
        address = f"https://www.mercadopago.com.ar/checkout/v1/redirect?pref_id={number}"
        return 201, {**wish, "id": number, "init_point": address}

    def _refund(self, payment_id: str, wish: dict[str, Any]) -> Answer:
        payment = self.payments.get(payment_id)
        if payment is None:
            return 404, {"message": "Payment not found", "cause": [{"code": 2000}]}
        left = round(payment["transaction_amount"] - payment["transaction_amount_refunded"], 2)
        amount = wish.get("amount", left)
        if not isinstance(amount, (int, float)) or amount <= 0:
            return 400, {"message": "amount attribute must be positive", "cause": [{"code": 4040}]}
        if payment["status"] != "approved" or amount > left:
            return 400, {"message": "The action requested is not valid for the current payment state",
                         "cause": [{"code": 2063}]}  # fmt: skip
        refunded = round(payment["transaction_amount_refunded"] + amount, 2)
        whole = refunded == payment["transaction_amount"]
        payment.update(
            transaction_amount_refunded=refunded,
            status="refunded" if whole else "approved",
            date_last_updated=_now(),
        )
        return 201, {"id": self.number(), "payment_id": int(payment_id), "amount": amount,
                     "status": "approved"}  # fmt: skip


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")


class MercadoPagoDouble:
    """The server; `with MercadoPagoDouble() as double:` gives `double.address` and `double.seller`."""

    def __init__(self) -> None:
        self.seller = Seller()
        seller = self.seller

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._do()

            def do_POST(self) -> None:
                self._do()

            def log_message(self, *_args: object) -> None:
                """Says nothing: tests read what was asked from the seller."""

            def _do(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                fault = seller.faults.popleft() if seller.faults else "ok"
                if fault == "hang":
                    time.sleep(seller.slow_seconds)
                if fault in {"500", "429", "garbage", "hang"}:
                    status, answer = int(fault) if fault.isdigit() else 200, {"message": fault}
                else:
                    status, answer = seller.answer(self.command, self.path, headers, body)
                    if fault == "lost":
                        status, answer = 500, {"message": "internal_error"}
                text = b"<html>" if fault == "garbage" else json.dumps(answer).encode()
                try:
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(text)))
                    self.end_headers()
                    self.wfile.write(text)
                except ConnectionError:
                    self.close_connection = True

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> MercadoPagoDouble:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(60)
