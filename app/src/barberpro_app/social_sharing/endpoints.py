"""The JSON API of posts."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from barberpro_app.edge import (
    API,
    READING,
    WRITING,
    actor_of,
    answer,
    database_of,
    no_content,
)
from barberpro_app.identity.auth import require_role
from barberpro_app.identity.principal import Principal
from barberpro_app.social_sharing import account, service
from barberpro_app.social_sharing.schemas import Connected, Post, PostDraft, Posts

router = APIRouter(prefix=API, tags=["social sharing"])
Manager = Annotated[Principal, Depends(require_role("owner", "manager"))]


@router.get("/social-posts", response_model=Posts, responses=READING)
async def posts(request: Request, _principal: Manager) -> Response:
    """Posts and how far they are."""
    async with database_of(request).connection() as connection:
        return answer(await service.posts(connection))


@router.post(
    "/portfolio/items/{item_id}/social-posts",
    response_model=Post,
    status_code=201,
    responses=WRITING,
)
async def add(request: Request, item_id: UUID, draft: PostDraft, principal: Manager) -> Response:
    """Post a published pair to Instagram; the worker carries it out."""
    async with database_of(request).transaction() as connection:
        made = await service.add(
            connection, request.app.state.settings, actor_of(request, principal), item_id, draft
        )
    return answer(made, 201)


@router.get("/social-posts/account", response_model=Connected, responses=READING)
async def connected(request: Request, _principal: Manager) -> Response:
    """The account of Instagram that posts go to, and what is left of its quota."""
    async with database_of(request).connection() as connection:
        return answer(await account.state(connection, request.app.state.settings))


@router.post("/social-posts/{post_id}/retry", status_code=204, responses=WRITING)
async def retry(request: Request, post_id: UUID, principal: Manager) -> Response:
    """Try a failed post again."""
    async with database_of(request).transaction() as connection:
        await service.retry(connection, actor_of(request, principal), post_id)
    return no_content()


@router.post("/social-posts/{post_id}/withdrawal", status_code=204, responses=WRITING)
async def withdraw(request: Request, post_id: UUID, principal: Manager) -> Response:
    """Take a post back that is not published."""
    async with database_of(request).transaction() as connection:
        await service.withdraw(connection, actor_of(request, principal), post_id)
    return no_content()
