"""Calls to the payment provider, with how they end noted in the state of integrations."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from barberpro_app.kit import integrations
from barberpro_app.kit.database import Database
from barberpro_app.payment.provider import (
    Checkout,
    CheckoutWish,
    Facts,
    OnlineProvider,
    ProviderError,
)

NAME = "mercado-pago"
#: The provider does not say how long; shown to operators, while retries keep their own pace.
LIMIT = timedelta(minutes=1)
_TOO_MANY_REQUESTS = 429
#: About us and not about one payment.
_ABOUT_US = {401, 403}
T = TypeVar("T")


class NotedProvider:
    """An `OnlineProvider` around another one."""

    def __init__(self, provider: OnlineProvider, database: Database) -> None:
        self._provider = provider
        self._database = database

    async def open_checkout(self, wish: CheckoutWish) -> Checkout:
        return await self._noted(self._provider.open_checkout(wish))

    async def payment(self, payment_id: str) -> Facts | None:
        return await self._noted(self._provider.payment(payment_id))

    async def payments_of(self, reference: UUID) -> list[Facts]:
        return await self._noted(self._provider.payments_of(reference))

    async def refund(self, payment_id: str, amount_centavos: int, key: UUID) -> None:
        await self._noted(self._provider.refund(payment_id, amount_centavos, key))

    async def _noted(self, call: Awaitable[T]) -> T:
        """A refusal of one payment says that the provider works."""
        try:
            result = await call
        except ProviderError as error:
            refused = error.final and error.status not in _ABOUT_US
            async with self._database.connection() as connection:
                if error.status == _TOO_MANY_REQUESTS:
                    await integrations.note_limit(connection, NAME, LIMIT, str(error))
                else:
                    await integrations.note(connection, NAME, "" if refused else str(error))
            raise
        async with self._database.connection() as connection:
            await integrations.note(connection, NAME)
        return result
