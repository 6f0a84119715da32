"""Treatment plans: drafted, offered as an estimate with a last day, accepted by a signature.

The signature is electronic (Ley 25.506 art. 5), not a digital one (art. 2): a name, by whom and
when, over the hash of the estimate word for word. Each function needs a transaction.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.clinical_records import access
from barberpro_app.clinical_records.access import ADD, READ, person_id
from barberpro_app.clinical_records.vault import DataKey, Vault
from barberpro_app.kit import clock
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
)
from barberpro_app.kit.updates import update_versioned
from barberpro_app.settings import AppConfiguration
from barberpro_app.treatment_plan import alerts, repository
from barberpro_app.treatment_plan.document import estimate
from barberpro_app.treatment_plan.schemas import (
    Acceptance,
    Offer,
    Plan,
    PlanChange,
    PlanDraft,
    PlanList,
    Rejection,
    Stage,
    StageMove,
)

PLAN, STAGE = "treatment_plan", "treatment_stage"


class PlanStateError(ConflictError):
    """The plan is not in a state that permits this."""

    code = "plan_state"


class EstimateExpiredError(ConflictError):
    """The estimate's last day is over; offer it anew."""

    code = "estimate_expired"


class DocumentChangedError(ConflictError):
    """This is not the estimate that is on file; read it again."""

    code = "estimate_changed"


async def create_plan(
    connection: Connection, vault: Vault, actor: Actor, client_id: UUID, draft: PlanDraft
) -> Plan:
    """Raises as `clinical_records.access.require`."""
    await access.require(connection, actor, client_id, ADD, "plan_added")
    key, plan_id = await vault.patient_key(connection, client_id), uuid4()
    values = {
        "id": plan_id,
        "client_id": client_id,
        "author_id": person_id(actor),
        "author_name": actor.principal.name,
        "sealed": key.seal(json.dumps({"title": draft.title}), PLAN, plan_id),
        "currency": draft.currency,
        "total": _total(draft),
    }
    await repository.add_plan(connection, values)
    await _set_stages(connection, key, plan_id, draft)
    await record(connection, actor, "treatment_plan.drafted", _object(plan_id))
    return await _plan(connection, vault, plan_id)


async def change_plan(
    connection: Connection, vault: Vault, actor: Actor, plan_id: UUID, change: PlanChange
) -> Plan:
    """Raises `NotFoundError`, `PlanStateError`, `StaleVersionError`."""
    plan = await _locked(connection, vault, actor, plan_id, ADD, "plan_changed")
    _check_state(plan, "draft")
    key = await vault.patient_key(connection, plan.client_id)
    values = {
        "sealed": key.seal(json.dumps({"title": change.title}), PLAN, plan_id),
        "currency": change.currency,
        "total": _total(change),
    }
    await update_versioned(connection, PLAN, plan_id, change.version, values)
    await _set_stages(connection, key, plan_id, change)
    await record(connection, actor, "treatment_plan.changed", _object(plan_id))
    return await _plan(connection, vault, plan_id)


async def offer_plan(
    connection: Connection,
    vault: Vault,
    app: AppConfiguration,
    actor: Actor,
    plan_id: UUID,
    offer: Offer,
) -> Plan:
    """Makes the estimate that can be signed; from now on it does not change.

    Raises `NotFoundError`, `PlanStateError`, `StaleVersionError`, `InvalidRequestError`.
    """
    plan = await _locked(connection, vault, actor, plan_id, ADD, "plan_offered")
    _check_state(plan, "draft")
    if offer.valid_until < clock.now().astimezone(app.zone).date():
        raise InvalidRequestError("This day is over.", field="valid_until")
    cover = await alerts.cover_of(connection, vault, plan.client_id)
    text = estimate(app, plan, cover, offer.valid_until)
    key = await vault.patient_key(connection, plan.client_id)
    sealed = json.dumps({"title": plan.title, "document": text}, ensure_ascii=False)
    digest = hashlib.sha256(text.encode()).digest()
    values = {
        "state": "offered",
        "valid_until": offer.valid_until,
        "offered_at": clock.now(),
        "sealed": key.seal(sealed, PLAN, plan_id),
        "document_sha256": digest,
    }
    await update_versioned(connection, PLAN, plan_id, offer.version, values)
    await record(connection, actor, "treatment_plan.offered", _object(plan_id),
                 {"sha256": digest.hex()})  # fmt: skip
    return await _plan(connection, vault, plan_id)


async def accept_plan(
    connection: Connection, vault: Vault, actor: Actor, plan_id: UUID, signed: Acceptance
) -> Plan:
    """The patient accepts: by the own sign-in, or by hand on the professional's device.

    Raises `NotFoundError`, `PlanStateError`, `EstimateExpiredError`, `DocumentChangedError`.
    """
    own = actor.principal.kind == "client"
    plan = await _locked(connection, vault, actor, plan_id, READ if own else ADD, "plan_accepted")
    _check_state(plan, "offered")
    if plan.expired:
        raise EstimateExpiredError
    if plan.document_sha256 != signed.document_sha256:
        raise DocumentChangedError
    values = {
        "state": "accepted",
        "accepted_at": clock.now(),
        "accepted_name": signed.signed_name,
        "accepted_how": "own_session" if own else "in_person",
        "accepted_by": f"{actor.principal.kind}:{actor.principal.id}",
    }
    await update_versioned(connection, PLAN, plan_id, plan.version, values)
    await record(connection, actor, "treatment_plan.accepted", _object(plan_id),
                 {"sha256": signed.document_sha256, "how": values["accepted_how"]})  # fmt: skip
    return await _plan(connection, vault, plan_id)


async def reject_plan(
    connection: Connection, vault: Vault, actor: Actor, plan_id: UUID, given: Rejection
) -> Plan:
    """The patient does not want it. Raises as `accept_plan`, and `StaleVersionError`."""
    own = actor.principal.kind == "client"
    plan = await _locked(connection, vault, actor, plan_id, READ if own else ADD, "plan_rejected")
    _check_state(plan, "offered")
    await update_versioned(connection, PLAN, plan_id, given.version, {"state": "rejected"})
    await record(connection, actor, "treatment_plan.rejected", _object(plan_id))
    return await _plan(connection, vault, plan_id)


async def move_stage(
    connection: Connection, vault: Vault, actor: Actor, plan_id: UUID, number: int, move: StageMove
) -> Plan:
    """How far a stage of an accepted plan is; the last one done completes the plan.

    Raises `NotFoundError`, `PlanStateError`.
    """
    plan = await _locked(connection, vault, actor, plan_id, ADD, "plan_changed")
    _check_state(plan, "accepted")
    if not await repository.move_stage(connection, plan_id, number, move.state):
        raise NotFoundError
    rows = await repository.stages(connection, plan_id)
    done = all(row["state"] in {"done", "cancelled"} for row in rows)
    values = {"state": "completed"} if done else {}
    await update_versioned(connection, PLAN, plan_id, plan.version, values)
    await record(connection, actor, "treatment_stage.moved", _object(plan_id),
                 {"number": number, "state": move.state})  # fmt: skip
    return await _plan(connection, vault, plan_id)


async def get_plan(connection: Connection, vault: Vault, actor: Actor, plan_id: UUID) -> Plan:
    """For whoever may read the record, and the patient once it is offered. Raises
    `NotFoundError`."""
    return await _locked(connection, vault, actor, plan_id, READ, "plan_read")


async def list_plans(
    connection: Connection, vault: Vault, actor: Actor, client_id: UUID
) -> PlanList:
    """A patient's plans; drafts are the team's."""
    await access.require(connection, actor, client_id, READ, "plans_read")
    rows = await repository.plans(connection, client_id=client_id)
    own = actor.principal.kind == "client"
    items = [await _opened(connection, vault, row) for row in rows
             if not own or row["state"] != "draft"]  # fmt: skip
    return PlanList(items=items)


async def _locked(
    connection: Connection, vault: Vault, actor: Actor, plan_id: UUID, level: int, purpose: str
) -> Plan:
    await repository.lock_plan(connection, plan_id)
    plan = await _plan(connection, vault, plan_id)
    await access.require(connection, actor, plan.client_id, level, purpose)
    if actor.principal.kind == "client" and plan.state == "draft":
        raise NotFoundError
    return plan


async def _plan(connection: Connection, vault: Vault, plan_id: UUID) -> Plan:
    rows = await repository.plans(connection, plan_id=plan_id)
    if not rows:
        raise NotFoundError
    return await _opened(connection, vault, rows[0])


async def _opened(connection: Connection, vault: Vault, row: Mapping[str, Any]) -> Plan:
    key = await vault.patient_key(connection, row["client_id"])
    opened = {"title": ""}
    if key.readable(row["created_at"]):
        opened = json.loads(key.open(bytes(row["sealed"]), PLAN, row["id"]))
    stages = [_stage(key, row, stage) for stage in await repository.stages(connection, row["id"])]
    return Plan.model_validate(
        {**row, "title": opened["title"], "document": opened.get("document", ""), "stages": stages}
    )


def _stage(key: DataKey, plan: Mapping[str, Any], row: Mapping[str, Any]) -> Stage:
    opened: dict[str, Any] = {"description": "", "tooth": None}
    if key.readable(plan["created_at"]):
        opened = json.loads(key.open(bytes(row["sealed"]), f"{STAGE}:{row['number']}", plan["id"]))
    return Stage.model_validate({**row, **opened})


async def _set_stages(
    connection: Connection, key: DataKey, plan_id: UUID, draft: PlanDraft
) -> None:
    rows = []
    for number, stage in enumerate(draft.stages, 1):
        text = json.dumps({"description": stage.description, "tooth": stage.tooth})
        rows.append((number, key.seal(text, f"{STAGE}:{number}", plan_id), stage.price))
    await repository.set_stages(connection, plan_id, rows)


def _total(draft: PlanDraft) -> int:
    total = sum(stage.price for stage in draft.stages)
    if total > 100_000_000_000:
        raise InvalidRequestError("The total is too large.", field="stages")
    return total


def _check_state(plan: Plan, state: str) -> None:
    if plan.state != state:
        raise PlanStateError(f"The plan is {plan.state}.")


def _object(plan_id: UUID) -> AuditedObject:
    return AuditedObject("treatment_plan", str(plan_id))
