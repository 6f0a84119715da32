"""What body data have in common, in the JSON API."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from barberpro_app.kit.schemas import Answer, Instant, Locale, Name, Request
from barberpro_app.privacy_compliance.schemas import Consent

SharedPurpose = Literal["activity_data", "progress_data", "nutrition_data", "share_progress"]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class BodyConsentDraft(Request):
    """Agreement to the text whose hash is given."""

    purpose: SharedPurpose
    locale: Locale = "es-AR"
    text_sha256: Sha256
    signed_name: Name


class BodyConsentState(Answer):
    """One purpose: its text in force and, where it was agreed to, that consent."""

    purpose: SharedPurpose
    version: str
    locale: str
    text: str
    text_sha256: str
    given: Consent | None


class BodyConsents(Answer):
    """What a person may agree to here."""

    items: list[BodyConsentState]


class SharingClient(Answer):
    """A client whom the asking professional attends; `shared` says whether their data may be seen."""

    id: UUID
    name: str
    last_visit: Instant | None
    shared: bool


class SharingClients(Answer):
    """At most 200, those who share first."""

    items: list[SharingClient]


class Look(Answer):
    """Somebody looked at, or changed, the person's data."""

    at: Instant
    actor_name: str
    purpose: str
    reason: str


class Looks(Answer):
    """Newest first, at most 500."""

    items: list[Look]
