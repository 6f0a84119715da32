"""The brand as the API shows and takes it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from barberpro_app.kit.schemas import Answer, Email, Line, Name, Request

HexColour = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]
ImageKind = Literal["logo", "icon"]


class BrandImage(Answer):
    """A picture at `/marca/{name}`; sizes in pixels."""

    kind: ImageKind
    name: str
    width: int
    height: int


class EffectiveBrand(Answer):
    """The brand that holds now; `version` 0 means that the owner changed nothing of the
    deployment's. `contrast` is that of text in the main colour on the light page."""

    name: str
    tagline: str
    primary_color: str
    accent_color: str
    contact_email: str
    contact_phone: str
    contrast: float
    images: list[BrandImage]
    version: int


class BrandPatch(Request):
    """What to change of the brand that was read at `version`. The main colour must be readable as
    text (WCAG 2.2, 1.4.3: 4.5 to 1)."""

    version: Annotated[int, Field(ge=0, le=2_147_483_647)]
    name: Name | None = None
    tagline: Line | None = None
    primary_color: HexColour | None = None
    accent_color: HexColour | None = None
    contact_email: Email | Literal[""] | None = None
    contact_phone: Annotated[Line, Field(max_length=40)] | None = None
