"""The odontogram of a patient: read as a chart, written as entries of the clinical record.

Each function needs a transaction.
"""

from __future__ import annotations

from uuid import UUID

from barberpro_app.audit.trail import Actor
from barberpro_app.clinical_records import access
from barberpro_app.clinical_records import service as clinical
from barberpro_app.clinical_records.access import READ
from barberpro_app.clinical_records.vault import Vault
from barberpro_app.kit.database import Connection
from barberpro_app.odontogram.chart import STATES, Finding, Tooth, fold
from barberpro_app.odontogram.schemas import (
    ChartAnswer,
    FindingAnswer,
    FindingDraft,
    FindingsDraft,
    ToothAnswer,
)

KIND = "odontogram"


async def add_findings(
    connection: Connection, vault: Vault, actor: Actor, client_id: UUID, draft: FindingsDraft
) -> ChartAnswer:
    """One entry with all findings; raises as `clinical_records.access.require`."""
    found = [finding.model_dump() for finding in draft.findings]
    body = {"text": "; ".join(_words(finding) for finding in draft.findings), "findings": found}
    new = clinical.NewEntry(KIND, body)
    await clinical.append(connection, vault, actor, client_id, new)
    return await read_chart(connection, vault, actor, client_id)


async def read_chart(
    connection: Connection, vault: Vault, actor: Actor, client_id: UUID
) -> ChartAnswer:
    """The chart now, with each tooth's history; the look is logged."""
    chart = await chart_of(connection, vault, actor, client_id)
    return ChartAnswer(
        client_id=client_id, teeth=[_tooth(chart[number]) for number in sorted(chart)]
    )


async def chart_of(
    connection: Connection, vault: Vault, actor: Actor, client_id: UUID
) -> dict[int, Tooth]:
    """The same as objects, for pages."""
    await access.require(connection, actor, client_id, READ, "odontogram_read")
    entries = await clinical.bodies_of_kind(connection, vault, client_id, KIND)
    return fold(
        Finding(item["tooth"], item["surface"], item["state"], item.get("note", ""),
                entry.written_at, entry.id)
        for entry, body in entries
        for item in body.get("findings", [])
    )  # fmt: skip


def _words(finding: FindingDraft) -> str:
    where = f"{finding.tooth}{finding.surface or ''}"
    return f"{where}: {STATES[finding.state]}" + (f" ({finding.note})" if finding.note else "")


def _tooth(tooth: Tooth) -> ToothAnswer:
    return ToothAnswer(
        number=tooth.number,
        whole=_finding(tooth.whole) if tooth.whole else None,
        surfaces=[_finding(tooth.by_surface[name]) for name in sorted(tooth.by_surface)],
        history=[_finding(finding) for finding in tooth.history],
    )


def _finding(finding: Finding) -> FindingAnswer:
    return FindingAnswer(
        tooth=finding.tooth,
        surface=finding.surface,
        state=finding.state,
        note=finding.note,
        at=finding.at,
        entry_id=finding.entry_id,
    )
