"""The gallery in the JSON API."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, model_validator

from barberpro_app.kit.schemas import Answer, Instant, Line, Locale, Name, Request, Version
from barberpro_app.media_processor.schemas import MediaVariant

AltText = Annotated[Line, Field(min_length=3)]
State = Literal["asked", "refused", "pending", "published", "rejected", "withdrawn"]


class ItemDraft(Request):
    """A pair of photographs of one client, whose consent is signed with it.

    `text_sha256` is of the text that was shown, see `/portfolio/consent-text`.
    """

    provider_id: UUID
    service_id: UUID
    client_id: UUID
    before_id: UUID
    after_id: UUID
    before_alt: AltText
    after_alt: AltText
    locale: Locale = "es-AR"
    text_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    signed_name: Name


class ItemAsk(Request):
    """A pair of photographs of a visit that took place; its client is asked by a link."""

    booking_id: UUID
    before_id: UUID
    after_id: UUID
    before_alt: AltText
    after_alt: AltText


class Signature(Request):
    """The client's yes to the text with this hash."""

    locale: Locale = "es-AR"
    text_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    signed_name: Name


class Moderation(Request):
    """A manager's decision; a rejection says why."""

    version: Version
    decision: Literal["published", "rejected"]
    reason: Annotated[Line, Field(max_length=200)] = ""

    @model_validator(mode="after")
    def _says_why(self) -> Moderation:
        if self.decision == "rejected" and not self.reason:
            raise ValueError("a rejection needs a reason")
        return self


class ConsentText(Answer):
    """What the client agrees to."""

    text: str
    text_sha256: str
    version: str


class Item(Answer):
    """A pair as the staff see it."""

    id: UUID
    provider_id: UUID
    service_id: UUID
    client_id: UUID
    before_id: UUID
    after_id: UUID
    before_alt: str
    after_alt: str
    state: State
    reason: str
    version: int


class Items(Answer):
    """Pairs, oldest first."""

    items: list[Item]


class PublicItem(Answer):
    """A published pair: nothing of the client but the photographs."""

    id: UUID
    provider_id: UUID
    provider_name: str
    service_name: dict[str, str]
    before_alt: str
    after_alt: str
    before: list[MediaVariant]
    after: list[MediaVariant]
    published_at: Instant


class Gallery(Answer):
    """One page, newest first; `next` is the `after` of the next one."""

    items: list[PublicItem]
    next: UUID | None = None


class ItemDetails(Item):
    """A pair with names, photographs and how far these are, for the team and for its client."""

    booking_id: UUID | None
    provider_name: str
    service_name: dict[str, str]
    client_name: str
    client_email: str | None
    client_phone: str | None
    before_state: str
    after_state: str
    before_reason: str
    after_reason: str
    before: list[MediaVariant]
    after: list[MediaVariant]
    created_at: Instant
    published_at: Instant | None

    @property
    def ready(self) -> bool:
        return self.before_state == self.after_state == "ready"


class Asked(Answer):
    """A pair with the text that its client is asked to agree to."""

    item: ItemDetails
    text: str
    text_sha256: str
