"""Selling credits ahead, and paying bookings with them."""

from __future__ import annotations

from uuid import UUID

import psycopg

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.booking.repository import actor_argument
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import NotAllowedError, NotFoundError
from barberpro_app.kit.idempotency import IdempotencyKey
from barberpro_app.kit.updates import update_versioned
from barberpro_app.membership import repository
from barberpro_app.membership.schemas import (
    Pass,
    Plan,
    PlanDraft,
    PlanSwitch,
    Redemption,
    Sale,
    Use,
)
from barberpro_app.payment.online import PaymentDesk
from barberpro_app.payment.schemas import Payment
from barberpro_app.payment.service import PAYMENT_MINUTES, open_page
from barberpro_app.settings import AppConfiguration


async def plans(connection: Connection, *, inactive: bool = False) -> list[Plan]:
    """What is on sale, cheapest first; with `inactive` also what was."""
    rows = await repository.plans(connection, inactive=inactive)
    return [Plan.model_validate(row) for row in rows]


async def plan(connection: Connection, plan_id: UUID) -> Plan:
    """Also one that is off sale. Raises `NotFoundError`."""
    found = next((p for p in await plans(connection, inactive=True) if p.id == plan_id), None)
    if found is None:
        raise NotFoundError
    return found


async def add_plan(connection: Connection, actor: Actor, draft: PlanDraft) -> Plan:
    """Needs a transaction. Raises `NotFoundError` for an unknown service."""
    try:
        key = await repository.add_plan(
            connection, draft.model_dump(exclude={"services"}), sorted(set(draft.services))
        )
    except psycopg.errors.ForeignKeyViolation as error:
        raise NotFoundError("There is no such service.", field="services") from error
    changes = {"credits": draft.credits, "price_centavos": draft.price_centavos}
    await record(connection, actor, "plan.added", AuditedObject("plan", str(key)), changes)
    return await plan(connection, key)


async def switch_plan(
    connection: Connection, actor: Actor, plan_id: UUID, switch: PlanSwitch
) -> None:
    """Needs a transaction. Raises `NotFoundError`, `StaleVersionError`."""
    await update_versioned(connection, "plan", plan_id, switch.version, {"active": switch.active})
    changes = {"active": switch.active}
    await record(connection, actor, "plan.switched", AuditedObject("plan", str(plan_id)), changes)


async def sell(
    connection: Connection,
    app: AppConfiguration,
    actor: Actor,
    sale: Sale,
    key: IdempotencyKey | None = None,
) -> Payment:
    """Sells a plan; by hand its credits are there at once. Needs a transaction. Clients buy for
    themselves, and online. Raises `NotFoundError`."""
    kind = actor.principal.kind
    if kind == "anonymous" or (kind == "client" and sale.method != "mercado_pago"):
        raise NotAllowedError
    answer = await repository.sell(
        connection,
        actor_argument(actor),
        app.policies.model_dump(),
        sale.model_dump(mode="json", exclude_none=True),
        app.currency,
        PAYMENT_MINUTES,
        key.as_json() if key else None,
    )
    return Payment.model_validate(answer["body"])


async def sell_online(
    desk: PaymentDesk, actor: Actor, sale: Sale, back_url: str, key: IdempotencyKey | None = None
) -> Payment:
    """As `sell`, with the address of the page to pay at. Raises `NotSetUpError`,
    `ProviderUnavailableError`."""
    provider = desk.provider
    async with desk.database.transaction() as connection:
        payment = await sell(connection, desk.app, actor, sale, key)
    return await open_page(desk, provider, payment, back_url)


async def redeem(
    connection: Connection,
    app: AppConfiguration,
    actor: Actor,
    booking_id: UUID,
    request: Redemption,
) -> Use:
    """Pays a booking with a credit of its client, and confirms a hold with it; asking again answers
    the same. Needs a transaction. Raises `NoCreditError`, `HoldExpiredError`, `NotFoundError`."""
    document = await repository.redeem(
        connection, actor_argument(actor), app.policies.model_dump(), booking_id, request.pass_id
    )
    return Use.model_validate(document)


async def passes(connection: Connection, actor: Actor, client_id: UUID | None) -> list[Pass]:
    """A client's passes; clients see the own ones."""
    principal = actor.principal
    if principal.kind == "client":
        client_id = principal.client_id
    elif principal.kind == "anonymous" or principal.own_agenda_only:
        raise NotAllowedError
    if client_id is None:
        raise NotFoundError(field="client_id")
    return [Pass.model_validate(row) for row in await repository.passes(connection, client_id)]
