"""Consents of body data, who shares with whom, and the log. Changes need a transaction."""

from __future__ import annotations

from uuid import UUID

from barberpro_app.audit.trail import Actor
from barberpro_app.body_data import repository
from barberpro_app.body_data.schemas import (
    BodyConsentDraft,
    BodyConsents,
    BodyConsentState,
    Look,
    Looks,
    SharedPurpose,
    SharingClient,
    SharingClients,
)
from barberpro_app.client.repository import escape_like
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import InvalidRequestError, NotAllowedError, NotFoundError
from barberpro_app.privacy_compliance import repository as privacy_repository
from barberpro_app.privacy_compliance import service as privacy
from barberpro_app.privacy_compliance.consents import consent_text
from barberpro_app.privacy_compliance.schemas import Consent
from barberpro_app.settings import AppConfiguration

#: service -> what it asks consent for; sharing is asked for wherever one of them is.
PURPOSES: dict[str, SharedPurpose] = {
    "progress-tracking-service": "progress_data",
    "biometric-integration-service": "activity_data",
    "nutrition-service": "nutrition_data",
}
MOST_CLIENTS, MOST_LOOKS = 200, 500


def offered(app: AppConfiguration) -> list[SharedPurpose]:
    """What is asked here, by the enabled services."""
    found: list[SharedPurpose] = [
        purpose for name, purpose in PURPOSES.items() if name in app.services
    ]
    return [*found, "share_progress"]


def own_id(actor: Actor) -> UUID:
    """The signed-in client. Raises `NotAllowedError` for anybody else."""
    if actor.principal.client_id is None:
        raise NotAllowedError
    return actor.principal.client_id


async def consents(
    connection: Connection, app: AppConfiguration, actor: Actor, locale: str
) -> BodyConsents:
    """The person's own."""
    rows = await privacy_repository.consents(connection, own_id(actor))
    in_force = {
        row["purpose"]: Consent.model_validate(row)
        for row in rows
        if row["revoked_at"] is None and row["reference_id"] is None
    }
    items = []
    for purpose in offered(app):
        text = consent_text(purpose, locale, app.brand.name)
        items.append(
            BodyConsentState(
                purpose=purpose,
                version=text.version,
                locale=text.locale,
                text=text.text,
                text_sha256=text.sha256.hex(),
                given=in_force.get(purpose),
            )
        )
    return BodyConsents(items=items)


async def agree(
    connection: Connection, app: AppConfiguration, actor: Actor, draft: BodyConsentDraft
) -> Consent:
    """Raises `ConsentTextChangedError`, `DuplicateError`, `InvalidRequestError`."""
    client_id = own_id(actor)
    if draft.purpose not in offered(app):
        raise InvalidRequestError("This is not asked for here.", field="purpose")
    text = consent_text(draft.purpose, draft.locale, app.brand.name)
    if text.sha256.hex() != draft.text_sha256:
        raise privacy.ConsentTextChangedError
    return await privacy.sign(
        connection, actor, client_id, text, draft.signed_name, how="own_session"
    )


async def withdraw(connection: Connection, actor: Actor, purpose: str) -> Consent:
    """Takes a consent back; the database deletes what was kept under it in the same transaction.

    Raises `NotFoundError` where it is not in force.
    """
    client_id = own_id(actor)
    consent_id = await privacy_repository.consent_in_force(connection, client_id, purpose, None)
    if consent_id is None:
        raise NotFoundError
    return await privacy.revoke_consent(connection, actor, consent_id)


async def clients(connection: Connection, actor: Actor, text: str = "") -> SharingClients:
    """Whom the asking professional attends, by the beginning of a name. Raises `NotAllowedError`."""
    provider_id = actor.principal.provider_id
    if provider_id is None:
        raise NotAllowedError
    rows = await repository.clients_of(
        connection, provider_id, escape_like(text.strip()), MOST_CLIENTS
    )
    return SharingClients(items=[SharingClient.model_validate(row) for row in rows])


async def looks(connection: Connection, actor: Actor) -> Looks:
    """Who looked at the person's own data."""
    rows = await repository.looks(connection, own_id(actor), MOST_LOOKS)
    return Looks(items=[Look.model_validate(row) for row in rows])
