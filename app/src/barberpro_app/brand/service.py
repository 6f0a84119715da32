"""The brand that holds: app.json's, with what the owner changed of it."""

from __future__ import annotations

import asyncio

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.brand import repository
from barberpro_app.brand.colours import AA_TEXT, hexadecimal, nearest_readable, on_page, parse
from barberpro_app.brand.images import pictures
from barberpro_app.brand.schemas import BrandImage, BrandPatch, EffectiveBrand
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import InvalidRequestError, NotFoundError, StaleVersionError
from barberpro_app.settings import AppConfiguration, Brand


class UnreadableColourError(InvalidRequestError):
    """Text in this colour cannot be read on the page."""

    code = "brand_contrast"
    field = "primary_color"

    def __init__(self, colour: str) -> None:
        self.nearest = hexadecimal(nearest_readable(parse(colour)))
        self.ratio = on_page(parse(colour))
        super().__init__(
            f"Text in {colour} has a contrast of {self.ratio:.1f} to 1 on the page; {AA_TEXT} is"
            f" needed (WCAG 2.2, 1.4.3). The nearest colour that has it is {self.nearest}."
        )


async def get_brand(connection: Connection, deployed: Brand) -> EffectiveBrand:
    """What holds now; `deployed` is what app.json says."""
    row = await repository.current(connection)
    brand = deployed.model_dump() | row["value"]
    return EffectiveBrand.model_validate({
        **brand, "images": row["images"], "version": row["version"],
        "contrast": round(on_page(parse(brand["primary_color"])), 2),
    })  # fmt: skip


def applied(app: AppConfiguration, brand: EffectiveBrand) -> AppConfiguration:
    """The configuration with this brand in the place of the deployed one."""
    values = brand.model_dump(include=set(Brand.model_fields))
    return app.model_copy(update={"brand": Brand.model_validate(values)})


async def change_brand(
    connection: Connection, deployed: Brand, actor: Actor, patch: BrandPatch
) -> EffectiveBrand:
    """Needs a transaction. Raises `StaleVersionError`, `UnreadableColourError`."""
    values = patch.model_dump(exclude_none=True, exclude={"version"})
    if patch.primary_color and on_page(parse(patch.primary_color)) < AA_TEXT:
        raise UnreadableColourError(patch.primary_color)
    if not await repository.change(connection, values, patch.version):
        raise StaleVersionError(field="version")
    await _audit(connection, actor, "changed", fields=sorted(values))
    return await get_brand(connection, deployed)


async def change_logo(connection: Connection, actor: Actor, content: bytes) -> list[BrandImage]:
    """Logo and icon of one file. Needs a transaction. Raises `LogoRefusedError`."""
    made = await asyncio.to_thread(pictures, content)
    for picture in made:
        await repository.keep(connection, picture)
    await repository.touch(connection)
    await _audit(connection, actor, "changed", fields=["logo"])
    return [BrandImage.model_validate(picture, from_attributes=True) for picture in made]


async def remove_logo(connection: Connection, actor: Actor) -> None:
    """Needs a transaction. Raises `NotFoundError` if there is none."""
    if not await repository.remove_images(connection):
        raise NotFoundError
    await repository.touch(connection)
    await _audit(connection, actor, "changed", fields=["logo"])


async def image(connection: Connection, name: str) -> bytes:
    """Raises `NotFoundError`."""
    found = await repository.image(connection, name)
    if found is None:
        raise NotFoundError
    return found


async def _audit(connection: Connection, actor: Actor, what: str, **changes: object) -> None:
    await record(connection, actor, f"brand.{what}", AuditedObject("brand", ""), changes)
