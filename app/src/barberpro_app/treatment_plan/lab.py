"""Orders to a dental laboratory, from draft to fitted. Each function needs a transaction."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.clinical_records import access
from barberpro_app.clinical_records.access import ADD, READ, person_id
from barberpro_app.clinical_records.vault import Vault
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import ConflictError, NotFoundError
from barberpro_app.kit.updates import update_versioned
from barberpro_app.treatment_plan import repository
from barberpro_app.treatment_plan.schemas import LabDraft, LabList, LabMove, LabOrder, LabState

ORDER = "lab_order"
NEXT: Mapping[LabState, tuple[LabState, ...]] = {
    "draft": ("sent", "cancelled"),
    "sent": ("received", "cancelled"),
    "received": ("fitted", "returned"),
    "returned": ("received", "cancelled"),
    "fitted": (),
    "cancelled": (),
}


class LabStateError(ConflictError):
    """The order cannot go there from where it is."""

    code = "lab_state"


async def add_order(
    connection: Connection, vault: Vault, actor: Actor, client_id: UUID, draft: LabDraft
) -> LabOrder:
    """Raises as `clinical_records.access.require`; `NotFoundError` for another patient's plan."""
    await access.require(connection, actor, client_id, ADD, "lab_order_added")
    if draft.plan_id is not None:
        plans = await repository.plans(connection, plan_id=draft.plan_id, client_id=client_id)
        if not plans:
            raise NotFoundError(field="plan_id")
    key, order_id = await vault.patient_key(connection, client_id), uuid4()
    text = json.dumps({"description": draft.description, "tooth": draft.tooth})
    values = {
        "id": order_id,
        "client_id": client_id,
        "plan_id": draft.plan_id,
        "laboratory": draft.laboratory,
        "sealed": key.seal(text, ORDER, order_id),
        "due_on": draft.due_on,
        "ordered_by": person_id(actor),
    }
    await repository.add_lab_order(connection, values)
    await record(connection, actor, "lab_order.added", _object(order_id))
    return (await _orders(connection, vault, client_id, order_id))[0]


async def move_order(
    connection: Connection,
    vault: Vault,
    actor: Actor,
    client_id: UUID,
    order_id: UUID,
    move: LabMove,
) -> LabOrder:
    """Raises `NotFoundError`, `LabStateError`, `StaleVersionError`."""
    await access.require(connection, actor, client_id, ADD, "lab_order_changed")
    found = await _orders(connection, vault, client_id, order_id)
    if not found:
        raise NotFoundError
    if move.state not in NEXT[found[0].state]:
        raise LabStateError(f"An order that is {found[0].state} cannot become {move.state}.")
    await update_versioned(connection, ORDER, order_id, move.version, {"state": move.state})
    await record(connection, actor, f"lab_order.{move.state}", _object(order_id))
    return (await _orders(connection, vault, client_id, order_id))[0]


async def list_orders(
    connection: Connection, vault: Vault, actor: Actor, client_id: UUID
) -> LabList:
    """A patient's orders, newest first."""
    await access.require(connection, actor, client_id, READ, "lab_orders_read")
    return LabList(items=await _orders(connection, vault, client_id))


async def _orders(
    connection: Connection, vault: Vault, client_id: UUID, order_id: UUID | None = None
) -> list[LabOrder]:
    rows = await repository.lab_orders(connection, client_id, order_id)
    if not rows:
        return []
    key = await vault.patient_key(connection, client_id)
    found = []
    for row in rows:
        opened: dict[str, Any] = {"description": "", "tooth": None}
        if key.readable(row["created_at"]):
            opened = json.loads(key.open(bytes(row["sealed"]), ORDER, row["id"]))
        values = {**row, **opened, "late": bool(row["late"]), "next": list(NEXT[row["state"]])}
        found.append(LabOrder.model_validate(values))
    return found


def _object(order_id: UUID) -> AuditedObject:
    return AuditedObject("lab_order", str(order_id))
