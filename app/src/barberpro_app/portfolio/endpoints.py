"""The JSON API of the gallery."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from barberpro_app.edge import (
    API,
    PUBLIC,
    READING,
    WRITING,
    actor_of,
    answer,
    configuration_of,
    database_of,
    no_content,
)
from barberpro_app.identity.auth import require_role, require_signed_in
from barberpro_app.identity.principal import Principal
from barberpro_app.kit.errors import NotAllowedError
from barberpro_app.kit.replica import read
from barberpro_app.kit.schemas import Locale
from barberpro_app.media_processor.endpoints import folder_of
from barberpro_app.portfolio import asking, service
from barberpro_app.portfolio.schemas import (
    ConsentText,
    Gallery,
    Item,
    ItemAsk,
    ItemDraft,
    Items,
    Moderation,
    Signature,
    State,
)

router = APIRouter(prefix=f"{API}/portfolio", tags=["portfolio"])
Member = Annotated[Principal, Depends(require_role("owner", "manager", "provider", "reception"))]
Manager = Annotated[Principal, Depends(require_role("owner", "manager"))]
SignedIn = Annotated[Principal, Depends(require_signed_in)]


@router.get("", response_model=Gallery, responses=PUBLIC)
async def gallery(
    request: Request, provider_id: UUID | None = None, after: UUID | None = None
) -> Response:
    """What is published, newest first."""
    return answer(
        await read(request, lambda connection: service.gallery(connection, provider_id, after))
    )


@router.get("/consent-text", response_model=ConsentText, responses=PUBLIC)
async def consent_text(request: Request, locale: Locale = "es-AR") -> Response:
    """The text that a client agrees to before the photographs are kept."""
    text = service.text_of(configuration_of(request), locale)
    return answer(ConsentText(text=text.text, text_sha256=text.sha256.hex(), version=text.version))


@router.get("/items", response_model=Items, responses=READING)
async def items(request: Request, principal: Member, state: State = "pending") -> Response:
    """Pairs in one state, for the staff."""
    async with database_of(request).connection() as connection:
        found = await service.items(connection, actor_of(request, principal), state)
    return answer(found)


@router.post("/items", response_model=Item, status_code=201, responses=WRITING)
async def add(request: Request, draft: ItemDraft, principal: Member) -> Response:
    """A pair with its client's consent; it waits for a manager."""
    async with database_of(request).transaction() as connection:
        made = await service.add(
            connection, configuration_of(request), actor_of(request, principal), draft
        )
    return answer(made, 201)


@router.post("/requests", response_model=Item, status_code=201, responses=WRITING)
async def ask(request: Request, asked: ItemAsk, principal: Member) -> Response:
    """A pair of a visit; its client is asked by a link, and nothing is shown without a yes."""
    async with database_of(request).transaction() as connection:
        made = await asking.ask(connection, actor_of(request, principal), asked)
    return answer(made, 201)


@router.post("/items/{item_id}/agreement", status_code=204, responses=WRITING)
async def agree(request: Request, item_id: UUID, given: Signature, principal: SignedIn) -> Response:
    """The yes of the signed-in client of a pair; withdrawing it is how to take it back."""
    async with database_of(request).transaction() as connection:
        await asking.agree(
            connection,
            configuration_of(request),
            actor_of(request, principal),
            item_id,
            given,
        )
    return no_content()


@router.post("/items/{item_id}/moderation", status_code=204, responses=WRITING)
async def moderate(
    request: Request, item_id: UUID, decision: Moderation, principal: Manager
) -> Response:
    """Publish a pair, or reject it and say why."""
    async with database_of(request).transaction() as connection:
        await service.moderate(connection, actor_of(request, principal), item_id, decision)
    return no_content()


@router.post("/items/{item_id}/withdrawal", status_code=204, responses=WRITING)
async def withdraw(request: Request, item_id: UUID, principal: SignedIn) -> Response:
    """Revoke the consent: the client of the pair, or a manager for them."""
    if principal.kind != "client" and not principal.has_role("owner", "manager"):
        raise NotAllowedError
    async with database_of(request).transaction() as connection:
        await service.withdraw(
            connection, folder_of(request), actor_of(request, principal), item_id
        )
    return no_content()
