"""What can be done with payments, by whom.

What changes money is one call of a database function, so that payment, booking, books and audit trail
agree or nothing happens. What the provider says counts only as it is read from its API.
"""

from __future__ import annotations

from uuid import UUID

from barberpro_app.audit.trail import Actor
from barberpro_app.booking import service as bookings
from barberpro_app.booking.repository import actor_argument
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import NotAllowedError, NotFoundError
from barberpro_app.kit.idempotency import IdempotencyKey
from barberpro_app.payment import repository
from barberpro_app.payment.errors import ProviderUnavailableError
from barberpro_app.payment.online import PaymentDesk
from barberpro_app.payment.provider import CheckoutWish, Facts, OnlineProvider, ProviderError
from barberpro_app.payment.schemas import (
    BookingMoney,
    ByHand,
    CheckoutRequest,
    Payment,
    PaymentPage,
    PaymentSearch,
    RefundRequest,
)
from barberpro_app.settings import AppConfiguration

#: How long a time is kept while its deposit is paid; an hour after it was first kept at the latest.
PAYMENT_MINUTES = 30
SYSTEM_ACTOR = Actor()
_OUTSIDERS = {"client", "anonymous"}


async def record_by_hand(
    connection: Connection,
    app: AppConfiguration,
    actor: Actor,
    booking_id: UUID,
    request: ByHand,
    key: IdempotencyKey | None = None,
) -> Payment:
    """Cash or a transfer that reception received; confirms a hold whose deposit is there with it.

    Raises `NotFoundError`, `MoreThanDueError`, `HoldExpiredError`, `ClientRequiredError`.
    """
    if actor.principal.kind in _OUTSIDERS:
        raise NotAllowedError
    answer = await repository.record(
        connection,
        actor_argument(actor),
        app.policies.model_dump(),
        booking_id,
        request.model_dump(mode="json", exclude_none=True),
        app.currency,
        key.as_json() if key else None,
    )
    return Payment.model_validate(answer["body"])


async def begin(
    connection: Connection,
    app: AppConfiguration,
    actor: Actor,
    booking_id: UUID,
    request: CheckoutRequest,
) -> Payment:
    """A payment to be made online; one that is open for the same amount is given again. A hold is
    kept longer meanwhile. Needs a transaction. Raises `NothingDueError`, `HoldExpiredError`,
    `ClientRequiredError`."""
    body = request.model_dump(mode="json", exclude_none=True)
    if actor.principal.kind in _OUTSIDERS:
        body.pop("client_id", None)  # a key must not tell whether it exists
    document = await repository.begin(
        connection, actor_argument(actor), booking_id, body, app.currency, PAYMENT_MINUTES
    )
    return Payment.model_validate(document)


async def keep_for_payment(
    connection: Connection, actor: Actor, booking_id: UUID, request: CheckoutRequest
) -> None:
    """Says whom a hold is for and keeps it for the time that paying takes. Needs a transaction.
    Raises `HoldExpiredError`, `ClientRequiredError`."""
    body = request.model_dump(mode="json", exclude_none=True)
    if actor.principal.kind in _OUTSIDERS:
        body.pop("client_id", None)
    await repository.keep(connection, actor_argument(actor), booking_id, body, PAYMENT_MINUTES)


async def open_checkout(
    desk: PaymentDesk, actor: Actor, booking_id: UUID, request: CheckoutRequest, back_url: str
) -> Payment:
    """A payment with the address of the page to pay at. Raises as `begin`, and `NotSetUpError`,
    `ProviderUnavailableError`: then nothing is lost, and the same can be asked again."""
    provider = desk.provider
    async with desk.database.transaction() as connection:
        payment = await begin(connection, desk.app, actor, booking_id, request)
    return await open_page(desk, provider, payment, back_url)


async def open_page(
    desk: PaymentDesk, provider: OnlineProvider, payment: Payment, back_url: str
) -> Payment:
    """The payment with the address of the page to pay at, opening it the first time."""
    if payment.checkout_url is not None or payment.expires_at is None:
        return payment
    wish = CheckoutWish(
        key=payment.id,
        title=_title(desk.app, payment),
        amount_centavos=payment.amount_centavos,
        currency=payment.currency,
        expires_at=payment.expires_at.astimezone(desk.app.zone),
        back_url=back_url,
        notification_url=desk.online.notification_url,
    )
    try:
        checkout = await provider.open_checkout(wish)
    except ProviderError as error:
        raise ProviderUnavailableError(f"The payment provider said: {error}") from error
    async with desk.database.connection() as connection:
        await repository.set_checkout(connection, payment.id, checkout.id, checkout.url)
        return await get(connection, payment.id)


def _title(app: AppConfiguration, payment: Payment) -> str:
    """What the payer sees at the provider. With health data it is the brand alone."""
    if app.compliance.health_data or not payment.booking_code:
        return app.brand.name
    return f"{app.brand.name} · {payment.booking_code}"


async def refund(
    connection: Connection,
    actor: Actor,
    payment_id: UUID,
    request: RefundRequest,
    key: IdempotencyKey | None = None,
) -> Payment:
    """Gives money back: by hand at once, online by the worker. Raises `NotFoundError`,
    `MoreThanPaidError`."""
    if actor.principal.kind in _OUTSIDERS:
        raise NotAllowedError
    answer = await repository.ask_refund(
        connection,
        actor_argument(actor),
        payment_id,
        request.model_dump(mode="json", exclude_none=True),
        key.as_json() if key else None,
    )
    return Payment.model_validate(answer["body"])


async def get(connection: Connection, payment_id: UUID) -> Payment:
    """Raises `NotFoundError`. Who may see it is for the caller to know."""
    document = await repository.get(connection, payment_id)
    if document is None:
        raise NotFoundError
    return Payment.model_validate(document)


async def get_for(connection: Connection, actor: Actor, payment_id: UUID) -> Payment:
    """The payment, for its client and for who may see its booking. Raises `NotFoundError`."""
    payment = await get(connection, payment_id)
    principal = actor.principal
    if principal.kind == "client":
        if payment.client_id is None or payment.client_id != principal.client_id:
            raise NotFoundError
    elif principal.kind == "anonymous" or principal.own_agenda_only:
        if payment.booking_id is None:
            raise NotFoundError
        await bookings.get(connection, actor, payment.booking_id)
    return payment


async def search(connection: Connection, actor: Actor, query: PaymentSearch) -> PaymentPage:
    """Payments, newest first; clients get the own ones, a provider's login none."""
    principal = actor.principal
    if principal.kind == "anonymous" or principal.own_agenda_only:
        raise NotAllowedError
    filters = query.model_dump()
    if principal.kind == "client":
        filters["client_id"] = principal.client_id
    rows = await repository.search(connection, filters, query.limit + 1)
    items = [Payment.model_validate(row) for row in rows[: query.limit]]
    more = len(rows) > query.limit
    return PaymentPage(items=items, next=items[-1].id if more else None)


async def booking_money(
    connection: Connection, app: AppConfiguration, actor: Actor, booking_id: UUID, *, online: bool
) -> BookingMoney:
    """Price, deposit and payments of a booking or hold. Raises `NotFoundError`."""
    await bookings.get(connection, actor, booking_id)
    row = await repository.booking_money(connection, booking_id)
    if row is None:
        raise NotFoundError
    filters = PaymentSearch(booking_id=booking_id).model_dump()
    rows = await repository.search(connection, filters, 200)
    return BookingMoney(
        booking_id=booking_id,
        currency=app.currency,
        price_centavos=row["price_centavos"],
        deposit_centavos=row["deposit_centavos"],
        paid_centavos=row["paid_centavos"],
        due_centavos=row["due_centavos"],
        deposit_due_centavos=row["deposit_due_centavos"],
        covered=row["covered"],
        online=online,
        payments=[Payment.model_validate(item) for item in rows],
    )


async def take_in(desk: PaymentDesk, provider_payment: str) -> str | None:
    """Reads a payment at the provider and does what follows from it; None if there is none. Safe to
    repeat and to run at once. Raises `ProviderError`."""
    found = await desk.provider.payment(provider_payment)
    return None if found is None else await apply(desk, found)


async def look_up(desk: PaymentDesk, payment_id: UUID) -> list[str]:
    """Asks the provider what was paid for one of ours, and does what follows. Raises
    `ProviderError`."""
    found = await desk.provider.payments_of(payment_id)
    return [await apply(desk, item) for item in found]


async def apply(desk: PaymentDesk, found: Facts) -> str:
    """Lets facts of the provider count; what was done, in one word."""
    async with desk.database.connection() as connection:
        return await repository.apply(
            connection,
            actor_argument(SYSTEM_ACTOR),
            desk.app.policies.model_dump(),
            found.as_json(),
        )
