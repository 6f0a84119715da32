"""Periodic work on payments: notices that could not be worked off at once, payments of which no notice
came, refunds. Each is safe to run at any time, in several processes at once, and to be killed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from barberpro_app.kit.logging import get_logger
from barberpro_app.payment import repository
from barberpro_app.payment.online import PaymentDesk
from barberpro_app.payment.provider import ProviderError
from barberpro_app.payment.service import look_up, take_in

_BATCH = 20
#: A payment that the provider does not know after so many looks, or a notice that never worked.
_UNKNOWN_AFTER, _DROPPED_AFTER = 6, 40

log = get_logger(__name__)


async def work(desk: PaymentDesk) -> int:
    """One turn of all; how many things were done. Every few seconds."""
    done = 0
    if desk.online.enabled:
        done += await notices(desk) + await refunds(desk) + await unheard(desk)
    async with desk.database.connection() as connection:
        return done + await repository.expire(connection)


async def prune(desk: PaymentDesk) -> int:
    """Forgets old notices. Daily."""
    async with desk.database.connection() as connection:
        return await repository.prune(connection)


async def notices(desk: PaymentDesk) -> int:
    """Works off signed notices."""
    async with desk.database.connection() as connection:
        due = await repository.due_notices(connection, _BATCH)
    for notice in due:
        await work_notice(
            desk, notice["request_id"], notice["provider_payment"], notice["attempts"]
        )
    return len(due)


async def work_notice(
    desk: PaymentDesk, request_id: str, provider_payment: str, attempts: int
) -> bool:
    """Whether the notice is worked off; otherwise it is tried again later."""
    state = "done"
    try:
        if await take_in(desk, provider_payment) is None:
            if attempts < _UNKNOWN_AFTER:
                return False
            state = "dropped"
    except ProviderError as error:
        _tell(error, "notice")
        if attempts < _DROPPED_AFTER:
            return False
        state = "dropped"
    async with desk.database.connection() as connection:
        await repository.end_notice(connection, request_id, state)
    return True


async def unheard(desk: PaymentDesk) -> int:
    """Asks about payments of which no notice came."""
    async with desk.database.connection() as connection:
        due = await repository.due_payments(connection, _BATCH)
    for payment in due:
        try:
            await look_up(desk, payment["id"])
        except ProviderError as error:
            _tell(error, "look_up")
    return len(due)


async def refunds(desk: PaymentDesk) -> int:
    """Has the provider give money back. What it did is read back from it, and counts then."""
    async with desk.database.connection() as connection:
        due = await repository.due_refunds(connection, _BATCH)
    for refund in due:
        await _refund(desk, refund)
    return len(due)


async def _refund(desk: PaymentDesk, refund: Mapping[str, Any]) -> None:
    provider = desk.provider
    problem: ProviderError | None = None
    try:
        await provider.refund(refund["provider_payment"], refund["amount_centavos"], refund["id"])
    except ProviderError as error:
        _tell(error, "refund")
        problem = error
    try:
        await take_in(desk, refund["provider_payment"])
    except ProviderError as error:
        _tell(error, "refund")
        problem = problem or error
    if problem is not None:
        async with desk.database.connection() as connection:
            await repository.refund_failed(
                connection, refund["id"], str(problem), final=problem.final
            )


def _tell(error: ProviderError, doing: str) -> None:
    log.warning("provider_error", integration="mercado-pago", doing=doing, error=str(error))
