"""Rights over one's data: asked by the person, answered by an owner or manager in time.

Changes need a transaction; so does looking at one's data, which is logged.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.clinical_records import access
from barberpro_app.kit import clock
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import (
    ConflictError,
    DuplicateError,
    InvalidRequestError,
    NotAllowedError,
    NotFoundError,
    StaleVersionError,
)
from barberpro_app.privacy_compliance import repository
from barberpro_app.privacy_compliance.consents import ConsentText, Purpose, consent_text
from barberpro_app.privacy_compliance.deadlines import due_at
from barberpro_app.privacy_compliance.erasure import erase
from barberpro_app.privacy_compliance.schemas import (
    ClassDecision,
    Consent,
    ConsentDraft,
    ConsentList,
    ConsentOffer,
    DataRequest,
    DataRequestList,
    Decision,
    PersonalData,
    RequestDraft,
)
from barberpro_app.settings import AppConfiguration


class BookingsToComeError(ConflictError):
    """There are bookings to come; cancel them before the data are erased."""

    code = "bookings_to_come"


class ConsentTextChangedError(ConflictError):
    """The text changed since it was shown; read it again."""

    code = "consent_text_changed"


async def personal_data(
    connection: Connection, app: AppConfiguration, actor: Actor, client_id: UUID
) -> PersonalData:
    """Everything kept about the person (art. 14), for that person, an owner or a manager."""
    if actor.principal.client_id != client_id:
        _check_officer(actor)
    if not await repository.lock_client(connection, client_id):
        raise NotFoundError
    data = await repository.about(connection, client_id)
    if actor.principal.kind != "client":
        # who runs the business does not see health data by running it
        data = {name: rows for name, rows in data.items() if name not in _NOT_BY_OFFICE}
    await access.log(connection, actor, client_id, "data_exported")
    return PersonalData(
        exported_at=clock.now(),
        business=app.brand.name,
        data=data,
        clinical_entries=await repository.count(
            connection, "clinical_entry", "client_id", client_id
        ),
        working_notes=await repository.count(connection, "encrypted_note", "client_id", client_id),
    )


_HEALTH = {"clinical_access", "clinical_emergency", "patient_alert", "health_cover",
           "treatment_plan", "lab_order", "session_recording", *repository.BODY_DATA,
           "nutrition_signed"}  # fmt: skip
#: Nor notes that their authors wrote for themselves or for others than whoever exports.
_NOT_BY_OFFICE = {*_HEALTH, "client_note"}


async def ask(
    connection: Connection, app: AppConfiguration, actor: Actor, draft: RequestDraft
) -> DataRequest:
    """A request with its deadline. Raises `DuplicateError` while one of the kind is open."""
    client_id = _whose(actor, draft.client_id)
    if not await repository.lock_client(connection, client_id):
        raise NotFoundError(field="client_id")
    if draft.kind == "rectification" and not draft.detail:
        raise InvalidRequestError("Say what is wrong and what is right.", field="detail")
    received = clock.now()
    due = due_at(draft.kind, received, app.zone, app.country)
    request_id = await repository.add_request(
        connection, client_id, draft.kind, draft.detail, received, due
    )
    if request_id is None:
        raise DuplicateError("There is an open request of this kind.", field="kind")
    await record(connection, actor, "data_request.received", _object(request_id),
                 {"kind": draft.kind, "due_at": due.isoformat()})  # fmt: skip
    return await get_request(connection, actor, request_id)


async def list_requests(connection: Connection, actor: Actor) -> DataRequestList:
    """The person's own; for owners and managers everybody's."""
    only = actor.principal.client_id
    if only is None:
        _check_officer(actor)
    rows = await repository.requests(connection, client_id=only)
    return DataRequestList(items=[DataRequest.model_validate(row) for row in rows])


async def get_request(connection: Connection, actor: Actor, request_id: UUID) -> DataRequest:
    """Raises `NotFoundError`, also for somebody else's."""
    only = actor.principal.client_id
    if only is None:
        _check_officer(actor)
    rows = await repository.requests(connection, request_id=request_id, client_id=only)
    if not rows:
        raise NotFoundError
    return DataRequest.model_validate(rows[0])


async def decide(
    connection: Connection, app: AppConfiguration, actor: Actor, request_id: UUID, given: Decision
) -> DataRequest:
    """Answers a request; an erasure that is granted is carried out here and now.

    Raises `NotFoundError`, `StaleVersionError`, `BookingsToComeError`, `InvalidRequestError` for a
    refusal without a reason.
    """
    _check_officer(actor)
    asked = await get_request(connection, actor, request_id)
    if asked.state != "open" or asked.version != given.version:
        raise StaleVersionError
    if given.state == "refused" and not given.answer:
        raise InvalidRequestError("Say why it is refused.", field="answer")
    state, decisions = str(given.state), list[ClassDecision]()
    if asked.kind == "erasure" and given.state == "done":
        await repository.lock_client(connection, asked.client_id)
        state, decisions = await _erase(connection, app, asked.client_id)
    values = {"state": state, "answer": given.answer, "by": actor.principal.name}
    dumped = [item.model_dump() for item in decisions]
    if not await repository.decide(connection, request_id, given.version, values, dumped):
        raise StaleVersionError
    outcomes = {item.record_class: item.outcome for item in decisions}
    await record(connection, actor, f"data_request.{state}", _object(request_id), outcomes)
    return await get_request(connection, actor, request_id)


async def _erase(
    connection: Connection, app: AppConfiguration, client_id: UUID
) -> tuple[str, list[ClassDecision]]:
    """The state of the request then, and the decision about each class."""
    if await repository.upcoming_bookings(connection, client_id):
        raise BookingsToComeError
    decisions = await erase(connection, app, client_id)
    stays = any(
        item.outcome in {"kept", "review"} and item.record_class in _STAYS for item in decisions
    )
    return ("partly" if stays else "done"), decisions


async def erase_own(connection: Connection, app: AppConfiguration, actor: Actor) -> DataRequest:
    """Erases the data of the client who asks, here and now, where nobody has to decide: where
    health data are kept it is a request that an owner or manager answers.

    Raises `NotFoundError`, `NotAllowedError`, `BookingsToComeError`.
    """
    client_id = actor.principal.client_id
    if client_id is None or not await repository.lock_client(connection, client_id):
        raise NotFoundError
    if app.compliance.health_data:
        raise NotAllowedError
    open_one = next(
        (item for item in (await list_requests(connection, actor)).items
         if item.kind == "erasure" and item.state == "open"), None,
    )  # fmt: skip
    asked = open_one or await ask(connection, app, actor, RequestDraft(kind="erasure"))
    state, decisions = await _erase(connection, app, client_id)
    values = {"state": state, "answer": "", "by": ""}
    dumped = [item.model_dump() for item in decisions]
    if not await repository.decide(connection, asked.id, asked.version, values, dumped):
        raise StaleVersionError
    outcomes = {item.record_class: item.outcome for item in decisions}
    await record(connection, actor, f"data_request.{state}", _object(asked.id), outcomes)
    return await get_request(connection, actor, asked.id)


#: Classes whose keeping makes an erasure a partial one; books and evidence are always kept.
_STAYS = {"clinical_record", "contact"}


async def list_consents(
    connection: Connection, app: AppConfiguration, actor: Actor, locale: str
) -> ConsentList:
    """The person's own."""
    client_id = _whose(actor, None)
    rows = await repository.consents(connection, client_id)
    return ConsentList(
        items=[Consent.model_validate(row) for row in rows],
        offers=[_offer(consent_text(purpose, locale, app.brand.name)) for purpose in offered(app)],
    )


def offered(app: AppConfiguration) -> tuple[Purpose, ...]:
    """What a person may agree to outside a session."""
    return ("health_data", "news") if app.compliance.health_data else ("news",)


async def give_consent(
    connection: Connection, app: AppConfiguration, actor: Actor, draft: ConsentDraft
) -> Consent:
    """Raises `ConsentTextChangedError`, `DuplicateError`, `InvalidRequestError`."""
    if draft.purpose not in offered(app):
        raise InvalidRequestError("This is not asked for here.", field="purpose")
    text = consent_text(draft.purpose, draft.locale, app.brand.name)
    if text.sha256.hex() != draft.text_sha256:
        raise ConsentTextChangedError
    return await sign(
        connection, actor, _whose(actor, None), text, draft.signed_name, how="own_session"
    )


async def sign(
    connection: Connection,
    actor: Actor,
    client_id: UUID,
    text: ConsentText,
    signed_name: str,
    *,
    how: str,
    reference_id: UUID | None = None,
) -> Consent:
    """Keeps a consent as evidence: the text, its hash, who, how, when. Raises `DuplicateError`."""
    values: Mapping[str, object] = {
        "client_id": client_id,
        "purpose": text.purpose,
        "reference_id": reference_id,
        "text_version": text.version,
        "locale": text.locale,
        "text_sha256": text.sha256,
        "text": text.text,
        "signed_name": signed_name,
        "how": how,
        "given_by": f"{actor.principal.kind}:{actor.principal.id}",
    }
    consent_id = await repository.add_consent(connection, values)
    if consent_id is None:
        raise DuplicateError("This was agreed to already.")
    await record(connection, actor, "consent.given", AuditedObject("consent", str(consent_id)),
                 {"purpose": text.purpose, "sha256": text.sha256.hex(), "how": how})  # fmt: skip
    return Consent.model_validate((await repository.consents(connection, client_id, consent_id))[0])


async def revoke_consent(connection: Connection, actor: Actor, consent_id: UUID) -> Consent:
    """From now on, not for what was done before. Raises `NotFoundError`."""
    client_id = _whose(actor, None)
    found = await repository.consents(connection, client_id, consent_id)
    if not found:
        raise NotFoundError
    if await repository.revoke_consent(connection, client_id, consent_id):
        await record(connection, actor, "consent.revoked",
                     AuditedObject("consent", str(consent_id)),
                     {"purpose": found[0]["purpose"]})  # fmt: skip
    return Consent.model_validate((await repository.consents(connection, client_id, consent_id))[0])


def _whose(actor: Actor, named: UUID | None) -> UUID:
    """The person a request is about: the client who asks, or whom the team names."""
    own = actor.principal.client_id
    if own is not None:
        if named not in {None, own}:
            raise NotFoundError(field="client_id")
        return own
    _check_officer(actor)
    if named is None:
        raise InvalidRequestError("Say whose request this is.", field="client_id")
    return named


def _check_officer(actor: Actor) -> None:
    """Owners and managers answer requests."""
    principal = actor.principal
    if principal.kind != "staff" or not principal.has_role("owner", "manager"):
        raise NotAllowedError


def _offer(text: ConsentText) -> ConsentOffer:
    return ConsentOffer(
        purpose=text.purpose,
        version=text.version,
        locale=text.locale,
        text=text.text,
        text_sha256=text.sha256.hex(),
    )


def _object(request_id: UUID) -> AuditedObject:
    return AuditedObject("data_request", str(request_id))
