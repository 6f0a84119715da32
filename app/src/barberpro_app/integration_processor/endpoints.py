"""`/api/integrations/health`, what WhatsApp costs, and the templates for Meta's approval."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response

from barberpro_app.edge import API, PUBLIC, READING, answer, configuration_of, database_of
from barberpro_app.identity.auth import current_principal, require_scope
from barberpro_app.identity.principal import Principal
from barberpro_app.integration_processor import costs
from barberpro_app.integration_processor.health import Integration, State, every
from barberpro_app.integration_processor.templates import definitions
from barberpro_app.kit.schemas import Answer

router = APIRouter(tags=["operations"])


class IntegrationDetails(Answer):
    """What was last known; errors are shortened and without addresses."""

    last_success_at: datetime | None
    last_error_at: datetime | None
    last_error: str | None
    limited_until: datetime | None
    quota: dict[str, Any] | None
    waiting: int | None
    oldest_seconds: float | None
    dead_letters: int | None


class IntegrationHealth(Answer):
    """One outside system; `details` for those who may see the settings."""

    name: str
    set_up: bool
    state: State
    details: IntegrationDetails | None = None


class IntegrationsHealth(Answer):
    """`degraded` if one that is set up fails or is held back by its peer."""

    status: Literal["ok", "degraded"]
    integrations: list[IntegrationHealth]


class MonthCost(Answer):
    """What WhatsApp bills for a month; `cost` is a decimal number in `currency`."""

    month: date
    messages: int
    billable: int
    cost: str
    currency: str
    unpriced: int


class WhatsAppCosts(Answer):
    """The last twelve months, newest first; `source`: where the prices are from."""

    items: list[MonthCost]
    source: str


class WhatsAppTemplates(Answer):
    """In the form of Meta's `POST /{business-account-id}/message_templates`."""

    items: list[dict[str, Any]]


@router.get("/api/integrations/health", response_model=IntegrationsHealth, responses=PUBLIC)
async def health(
    request: Request, principal: Annotated[Principal, Depends(current_principal)]
) -> Response:
    """How the outside systems do that this business uses."""
    async with database_of(request).connection() as connection:
        found = await every(connection, request.app.state.settings)
    detailed = principal.has_scope("settings:read")
    bad = any(item.state in {"failing", "limited"} for item in found)
    return answer(
        IntegrationsHealth(
            status="degraded" if bad else "ok",
            integrations=[_shown(item, detailed=detailed) for item in found],
        )
    )


def _shown(item: Integration, *, detailed: bool) -> IntegrationHealth:
    details = None
    if detailed:
        known = item.known
        details = IntegrationDetails(
            last_success_at=known.last_success_at,
            last_error_at=known.last_error_at,
            last_error=known.last_error,
            limited_until=known.limited_until,
            quota=known.quota,
            waiting=item.waiting,
            oldest_seconds=item.oldest_seconds,
            dead_letters=item.dead_letters,
        )
    return IntegrationHealth(name=item.name, set_up=item.set_up, state=item.state, details=details)


@router.get(f"{API}/whatsapp/costs", response_model=WhatsAppCosts, responses=READING)
async def whatsapp_costs(
    request: Request, _principal: Annotated[Principal, Depends(require_scope("settings:read"))]
) -> Response:
    """What WhatsApp costs, month by month."""
    table = costs.PriceTable.load()
    async with database_of(request).connection() as connection:
        months = await costs.costs(connection, table)
    items = [
        MonthCost(
            month=item.month, messages=item.messages, billable=item.billable,
            cost=str(item.cost), currency=item.currency, unpriced=item.unpriced,
        )
        for item in months
    ]  # fmt: skip
    return answer(WhatsAppCosts(items=items, source=table.source))


@router.get(f"{API}/whatsapp/templates", response_model=WhatsAppTemplates, responses=READING)
async def whatsapp_templates(
    request: Request, _principal: Annotated[Principal, Depends(require_scope("settings:read"))]
) -> Response:
    """The message templates, to be approved by Meta."""
    neutral = configuration_of(request).compliance.health_data
    return answer(WhatsAppTemplates(items=definitions(neutral=neutral)))
