"""Erasure, decided class by class: what goes, what a law keeps, and what a person must look at.

Ley 25.326 art. 16.5: erasure gives way to a legal duty to keep. The clinical record is kept ten
years from its last entry (Ley 26.529 art. 18), and with it who it is about (art. 15); books and
receipts ten years (Código Civil y Comercial art. 328).
"""

from __future__ import annotations

from uuid import UUID

from barberpro_app.clinical_records import repository as clinical
from barberpro_app.clinical_records.service import keep_until, retention_years
from barberpro_app.kit import clock
from barberpro_app.kit.database import Connection
from barberpro_app.privacy_compliance import repository
from barberpro_app.privacy_compliance.parts import parts_of
from barberpro_app.privacy_compliance.schemas import ClassDecision
from barberpro_app.settings import AppConfiguration

#: Tables whose fate the classes below decide; others that name clients are for a person to look at.
_DECIDED = {
    "booking",
    "clinical_entry",
    "clinical_access",
    "clinical_emergency",
    "encrypted_note",
    "consent",
    "data_request",
    "patient_alert",
    "treatment_plan",
    "lab_order",
    "ledger_line",
    "payment",
    "pass",
    "message",
    "contact_channel",
    "channel_consent",
    "client",
    "client_alias",
    "client_note",
    "client_not_same",
}  # fmt: skip
_CLINICAL = ("clinical_entry", "encrypted_note", "treatment_plan", "lab_order", "patient_alert")


async def erase(
    connection: Connection, app: AppConfiguration, client_id: UUID
) -> list[ClassDecision]:
    """Erases what may be, and says what was decided about each class. Needs a transaction."""
    record = await _clinical(connection, app, client_id)
    decisions = [record] if record else []
    await repository.erase_messages(connection, client_id)
    decisions.append(_decision("messages", "erased", "privacy.reason.no_duty"))
    await repository.erase_booking_notes(connection, client_id)
    if record and record.outcome == "kept":
        decisions.append(_decision("contact", "kept", "privacy.reason.identity"))
    else:
        await repository.erase_contact(connection, client_id)
        decisions.append(_decision("contact", "erased", "privacy.reason.no_duty"))
    decisions.append(_decision("money", "kept", "privacy.reason.books"))
    decisions.append(_decision("consents", "kept", "privacy.reason.evidence"))
    decided = set(_DECIDED)
    for part in parts_of(app.services):
        decided |= part.TABLES
        decisions += [_decision(*outcome) for outcome in await part.erase(connection, client_id)]
    for table, column in await repository.referring(connection):
        if table not in decided and await repository.count(connection, table, column, client_id):
            decisions.append(_decision(table, "review", "privacy.reason.review"))
    return decisions


async def _clinical(
    connection: Connection, app: AppConfiguration, client_id: UUID
) -> ClassDecision | None:
    """None where there is nothing clinical."""
    last = await clinical.last_written(connection, client_id)
    if last is not None:
        until = keep_until(last, retention_years(app))
        if until > clock.now().date():
            reason = f"Ley 26.529 art. 18: {until.isoformat()}"
            return _decision("clinical_record", "kept", reason)
        return _decision("clinical_record", "review", "privacy.reason.review")
    for table in _CLINICAL:
        if await repository.count(connection, table, "client_id", client_id):
            return _decision("clinical_record", "kept", "Ley 26.529 art. 18")
    return None


def _decision(record_class: str, outcome: str, reason: str) -> ClassDecision:
    return ClassDecision.model_validate(
        {"record_class": record_class, "outcome": outcome, "reason": reason}
    )
