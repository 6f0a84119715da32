"""The JSON API of the brand, and its pictures."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from barberpro_app.brand import service
from barberpro_app.brand.schemas import BrandPatch, EffectiveBrand
from barberpro_app.edge import API, READING, WRITING, actor_of, answer, database_of, no_content
from barberpro_app.identity.auth import require_scope
from barberpro_app.identity.principal import Principal
from barberpro_app.settings import Brand

router = APIRouter(tags=["settings"])
HOME = f"{API}/settings/brand"
Reader = Annotated[Principal, Depends(require_scope("settings:read"))]
Writer = Annotated[Principal, Depends(require_scope("settings:write"))]
_IMAGE = {
    name: {"schema": {"type": "string", "format": "binary"}}
    for name in ("image/png", "image/jpeg", "image/webp")
}
FOREVER = "public, max-age=31536000, immutable"


def deployed_brand(request: Request) -> Brand:
    """What app.json says, whatever the owner made of it."""
    brand: Brand = request.app.state.deployed_brand
    return brand


@router.get(HOME, response_model=EffectiveBrand, responses=READING)
async def get_brand(request: Request, _principal: Reader) -> Response:
    """The brand that holds now."""
    async with database_of(request).connection() as connection:
        return answer(await service.get_brand(connection, deployed_brand(request)))


@router.patch(HOME, response_model=EffectiveBrand, responses=WRITING)
async def change_brand(request: Request, principal: Writer, body: BrandPatch) -> Response:
    """Change the brand; what is left out stays."""
    async with database_of(request).transaction() as connection:
        changed = await service.change_brand(
            connection, deployed_brand(request), actor_of(request, principal), body
        )
    return answer(changed)


@router.put(
    f"{HOME}/logo",
    response_model=EffectiveBrand,
    responses=WRITING,
    openapi_extra={"requestBody": {"required": True, "content": _IMAGE}},
)
async def change_logo(request: Request, principal: Writer) -> Response:
    """Send a logo as the body (PNG, JPEG or WebP, up to 900 kB). Its type is read from it."""
    content = await request.body()
    async with database_of(request).transaction() as connection:
        await service.change_logo(connection, actor_of(request, principal), content)
        changed = await service.get_brand(connection, deployed_brand(request))
    return answer(changed)


@router.delete(f"{HOME}/logo", status_code=204, responses=WRITING)
async def remove_logo(request: Request, principal: Writer) -> Response:
    """Take the logo away."""
    async with database_of(request).transaction() as connection:
        await service.remove_logo(connection, actor_of(request, principal))
    return no_content()


@router.get("/marca/{name}", include_in_schema=False)
async def picture(
    request: Request, name: Annotated[str, Path(pattern=r"^[0-9a-f]{64}\.png$")]
) -> Response:
    """A picture of the brand; its name is of its content, so that it can be kept for ever."""
    async with database_of(request).connection() as connection:
        content = await service.image(connection, name)
    return Response(content, media_type="image/png", headers={"Cache-Control": FOREVER})
