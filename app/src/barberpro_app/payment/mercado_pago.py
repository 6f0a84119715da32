"""Mercado Pago Checkout Pro, by its own SDK.

The SDK is synchronous and gives each call an Idempotency-Key of its own unless told one: calls run in
a thread, and every call that changes something carries the key that is stored with us, so that a retry
neither pays nor refunds twice. Numbers in its JSON are decimal; ours are integer hundredths.
Reference: mercadopago.com.ar/developers, Checkout Pro, preferences and payments.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import mercadopago
import requests
from mercadopago.config import RequestOptions
from mercadopago.errors.exceptions import MercadoPagoError
from mercadopago.http import HttpClient

from barberpro_app.payment.provider import Checkout, CheckoutWish, Facts, ProviderError

SECONDS = 8.0
_SDK_ADDRESS = "https://api.mercadopago.com"
#: Answers that a later attempt may get better: locked, too many, conflict of keys, server's fault.
_PASSING = {408, 409, 423, 425, 429}


class _AddressedClient(HttpClient):  # type: ignore[misc]  # the SDK has no types
    """The SDK's transport, to the address of the settings; it has no setting of its own for it."""

    def __init__(self, address: str) -> None:
        self._address = address

    def request(self, method: str, url: str, maxretries: Any = None, **kwargs: Any) -> Any:
        wanted = self._address + url.removeprefix(_SDK_ADDRESS)
        return super().request(method, wanted, maxretries=maxretries, **kwargs)


class MercadoPago:
    """One seller's account. `token` is its access token."""

    def __init__(self, token: str, address: str = _SDK_ADDRESS) -> None:
        self._token = token
        self._sdk = mercadopago.SDK(token, http_client=_AddressedClient(address))

    def _options(self, key: UUID | None = None) -> RequestOptions:
        headers = {"x-idempotency-key": str(key)} if key else {}
        return RequestOptions(
            access_token=self._token,
            connection_timeout=SECONDS,
            max_retries=0,
            custom_headers=headers,
        )

    async def open_checkout(self, wish: CheckoutWish) -> Checkout:
        body = preference(wish)
        answer = await self._call(
            lambda: self._sdk.preference().create(body, self._options(wish.key))
        )
        try:
            found = Checkout(str(answer["id"]), str(answer["init_point"]))
        except KeyError as error:
            raise ProviderError("the preference has no address") from error
        if urlsplit(found.url).scheme != "https":
            raise ProviderError("the address to pay at is not https", final=True)
        return found

    async def payment(self, payment_id: str) -> Facts | None:
        try:
            answer = await self._call(lambda: self._sdk.payment().get(payment_id, self._options()))
        except ProviderError as error:
            if error.status == requests.codes.not_found:
                return None
            raise
        return facts(answer)

    async def payments_of(self, reference: UUID) -> list[Facts]:
        filters = {"external_reference": str(reference), "sort": "id", "criteria": "asc"}
        answer = await self._call(lambda: self._sdk.payment().search(filters, self._options()))
        results = answer.get("results")
        if not isinstance(results, list):
            raise ProviderError("the search has no results")
        return [facts(item) for item in results]

    async def refund(self, payment_id: str, amount_centavos: int, key: UUID) -> None:
        body = {"amount": _decimal(amount_centavos)}
        await self._call(lambda: self._sdk.refund().create(payment_id, body, self._options(key)))

    async def _call(self, call: Callable[[], Any]) -> Mapping[str, Any]:
        try:
            answer = await asyncio.to_thread(call)
        except (requests.RequestException, MercadoPagoError) as error:
            # the SDK's errors may quote the request; only their kind is for logs and people
            raise ProviderError(type(error).__name__) from error
        status, body = answer["status"], answer["response"]
        if not 200 <= status < 300:
            final = 400 <= status < 500 and status not in _PASSING
            message = body.get("message", "") if isinstance(body, dict) else ""
            raise ProviderError(f"{status} {message}"[:200], final=final, status=status)
        if not isinstance(body, dict):
            raise ProviderError("the answer is not an object")
        return body


def preference(wish: CheckoutWish) -> dict[str, Any]:
    """The body that asks for a checkout. Vouchers that are paid days later at a counter (`ticket`,
    `atm`) are left out: the time is kept for minutes; `binary_mode` leaves no payment undecided."""
    body: dict[str, Any] = {
        "items": [
            {
                "id": str(wish.key),
                "title": wish.title,
                "quantity": 1,
                "currency_id": wish.currency,
                "unit_price": _decimal(wish.amount_centavos),
            }
        ],
        "external_reference": str(wish.key),
        "back_urls": dict.fromkeys(("success", "pending", "failure"), wish.back_url),
        "auto_return": "approved",
        "binary_mode": True,
        "payment_methods": {"excluded_payment_types": [{"id": "ticket"}, {"id": "atm"}]},
        "expires": True,
        "expiration_date_to": wish.expires_at.isoformat(timespec="milliseconds"),
    }
    if wish.notification_url:
        body["notification_url"] = wish.notification_url
    return body


def facts(body: Mapping[str, Any]) -> Facts:
    """What counts of a payment's JSON. Raises `ProviderError` if it is not one."""
    try:
        changed = body.get("date_last_updated") or body["date_created"]
        fees = body.get("fee_details") or []
        paid_by_us = [fee for fee in fees if fee.get("fee_payer", "collector") == "collector"]
        found = Facts(
            id=str(int(body["id"])),
            reference=str(body.get("external_reference") or ""),
            status=str(body["status"])[:40],
            currency=str(body["currency_id"]),
            amount=_centavos(body["transaction_amount"]),
            reversed=_centavos(body.get("transaction_amount_refunded") or 0),
            fee=sum(_centavos(fee["amount"]) for fee in paid_by_us),
            last_change=datetime.fromisoformat(changed),
        )
    except (KeyError, TypeError, ValueError, AttributeError, InvalidOperation) as error:
        raise ProviderError("the answer is not a payment") from error
    if found.last_change.tzinfo is None or found.amount <= 0:
        raise ProviderError("the answer is not a payment")
    return found


def _decimal(centavos: int) -> float:
    """Exact: a double holds every amount of up to 15 digits."""
    return float(Decimal(centavos) / 100)


def _centavos(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise TypeError("not an amount")
    amount = Decimal(str(value)) * 100
    return int(amount.to_integral_value(ROUND_HALF_UP))
