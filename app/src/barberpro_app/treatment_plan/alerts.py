"""Alerts (allergies first) and health cover of a patient. Each function needs a transaction."""

from __future__ import annotations

import json
from uuid import UUID, uuid4

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.clinical_records import access
from barberpro_app.clinical_records.access import ADD, READ, person_id
from barberpro_app.clinical_records.vault import Vault
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import NotFoundError
from barberpro_app.treatment_plan import repository
from barberpro_app.treatment_plan.schemas import Alert, AlertDraft, AlertList, Cover, CoverDraft

ALERT, COVER = "patient_alert", "health_cover"


async def add_alert(
    connection: Connection, vault: Vault, actor: Actor, client_id: UUID, draft: AlertDraft
) -> AlertList:
    """Raises as `clinical_records.access.require`."""
    await access.require(connection, actor, client_id, ADD, "alert_added")
    key, alert_id = await vault.patient_key(connection, client_id), uuid4()
    values = {
        "id": alert_id,
        "client_id": client_id,
        "kind": draft.kind,
        "sealed": key.seal(draft.text, ALERT, alert_id),
        "added_by": person_id(actor),
    }
    await repository.add_alert(connection, values)
    await record(connection, actor, "patient_alert.added", _object(alert_id), {"kind": draft.kind})
    return await _alerts(connection, vault, client_id)


async def end_alert(
    connection: Connection, vault: Vault, actor: Actor, client_id: UUID, alert_id: UUID
) -> AlertList:
    """Raises `NotFoundError`."""
    await access.require(connection, actor, client_id, ADD, "alert_ended")
    if not await repository.end_alert(connection, client_id, alert_id):
        raise NotFoundError
    await record(connection, actor, "patient_alert.ended", _object(alert_id))
    return await _alerts(connection, vault, client_id)


async def list_alerts(
    connection: Connection, vault: Vault, actor: Actor, client_id: UUID
) -> AlertList:
    """The alerts in force; the look is logged."""
    await access.require(connection, actor, client_id, READ, "alerts_read")
    return await _alerts(connection, vault, client_id)


async def get_cover(connection: Connection, vault: Vault, actor: Actor, client_id: UUID) -> Cover:
    """The health cover on file; the look is logged."""
    await access.require(connection, actor, client_id, READ, "cover_read")
    return await cover_of(connection, vault, client_id)


async def set_cover(
    connection: Connection, vault: Vault, actor: Actor, client_id: UUID, draft: CoverDraft
) -> Cover:
    """Raises as `clinical_records.access.require`."""
    await access.require(connection, actor, client_id, ADD, "cover_changed")
    key = await vault.patient_key(connection, client_id)
    sealed = key.seal(draft.model_dump_json(), COVER, client_id)
    await repository.set_cover(connection, client_id, sealed)
    await record(connection, actor, "health_cover.set", AuditedObject("client", str(client_id)))
    return Cover(client_id=client_id, **draft.model_dump())


async def cover_of(connection: Connection, vault: Vault, client_id: UUID) -> Cover:
    """The cover, for a caller who has asked for access."""
    sealed = await repository.cover(connection, client_id)
    if sealed is None:
        return Cover(client_id=client_id, insurer="", plan="", affiliate_number="")
    key = await vault.patient_key(connection, client_id)
    return Cover(client_id=client_id, **json.loads(key.open(sealed, COVER, client_id)))


async def _alerts(connection: Connection, vault: Vault, client_id: UUID) -> AlertList:
    rows = await repository.alerts(connection, client_id)
    if not rows:
        return AlertList(items=[])
    key = await vault.patient_key(connection, client_id)
    return AlertList(
        items=[
            Alert.model_validate({**row, "text": key.open(bytes(row["sealed"]), ALERT, row["id"])})
            for row in rows
        ]
    )


def _object(alert_id: UUID) -> AuditedObject:
    return AuditedObject("patient_alert", str(alert_id))
