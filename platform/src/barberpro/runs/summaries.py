"""What the list of deployments needs of all of them: a few queries, however many there are."""

from __future__ import annotations

from dataclasses import dataclass

from barberpro.runs.discoveries import Discoveries
from barberpro.runs.rows import UNFINISHED, RunStatus

HELD = (
    "SELECT h.deployment FROM registry.holders h WHERE EXISTS (SELECT 1 FROM pg_locks l WHERE"
    " l.locktype = 'advisory' AND l.granted AND l.database ="
    " (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND (l.classid::bigint << 32) | l.objid::bigint = h.lock_key)"
)


@dataclass(frozen=True, slots=True)
class LastRun:
    """The newest run of a deployment, without what it was given."""

    id: str
    kind: str
    status: RunStatus
    message: str

    @property
    def unfinished(self) -> bool:
        return self.status in UNFINISHED


class Summaries(Discoveries):
    """The share of the registry that looks at all deployments at once."""

    def last_runs(self) -> dict[str, LastRun]:
        """By deployment."""
        rows = self._rows(
            "SELECT DISTINCT ON (deployment) deployment, id, kind, status, message"
            " FROM registry.runs ORDER BY deployment, started_at DESC, id DESC"
        )
        return {row.pop("deployment"): LastRun(**row) for row in rows}

    def held(self) -> frozenset[str]:
        """The deployments whose lock somebody holds now."""
        return frozenset(row["deployment"] for row in self._rows(HELD))

    def hostnames(self) -> dict[str, str]:
        """By deployment, the name in the plan that is live."""
        rows = self._rows(
            "SELECT d.id, r.plan::json #>> '{network,hostname}' AS hostname FROM registry.deployments d"
            " JOIN registry.revisions r ON r.deployment = d.id AND r.number = d.current_revision"
        )
        return {row["id"]: row["hostname"] or "" for row in rows}
