"""What runs found out, kept per run: findings, evidence, and the figures of a revision."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, LiteralString

from psycopg.rows import DictRow

from barberpro.planning.findings import Finding
from barberpro.runs import connections
from barberpro.runs.outcomes import Json
from barberpro.runs.records import encode, storable


class Discoveries:
    """The share of the registry that steps write. Writes are safe to repeat."""

    def __init__(self, url: str, *, patience: float = connections.PATIENCE_SECONDS) -> None:
        self.url = url
        self._session = connections.Session(url, patience)

    def put_findings(self, run: str, findings: Sequence[Finding]) -> None:
        for finding in findings:
            self._rows(
                "INSERT INTO registry.findings (run, id, body) VALUES (%s, %s, %s)"
                " ON CONFLICT (run, id) DO UPDATE SET body = excluded.body RETURNING id",
                [run, finding.id, encode(finding.model_dump(mode="json"))],
            )

    def findings(self, run: str) -> list[Finding]:
        rows = self._rows("SELECT body FROM registry.findings WHERE run = %s ORDER BY id", [run])
        return [Finding.model_validate_json(row["body"]) for row in rows]

    def put_evidence(self, run: str, control: str, body: Mapping[str, Json]) -> None:
        """What proves that a control held, for the deployment and at the time of this run."""
        self._rows(
            "INSERT INTO registry.evidence (run, control, body) VALUES (%s, %s, %s)"
            " ON CONFLICT (run, control) DO UPDATE SET body = excluded.body RETURNING control",
            [run, control, encode(dict(body))],
        )

    def evidence(self, run: str) -> dict[str, Mapping[str, Json]]:
        rows = self._rows(
            "SELECT control, body FROM registry.evidence WHERE run = %s ORDER BY control", [run]
        )
        return {row["control"]: json.loads(row["body"]) for row in rows}

    def put_baseline(self, deployment: str, revision: int, figures: Mapping[str, Json]) -> None:
        self._rows(
            "INSERT INTO registry.baselines (deployment, revision, figures) VALUES (%s, %s, %s)"
            " ON CONFLICT (deployment, revision) DO UPDATE SET figures = excluded.figures,"
            " recorded_at = clock_timestamp() RETURNING revision",
            [deployment, revision, encode(dict(figures))],
        )

    def baselines(self, deployment: str) -> dict[int, Mapping[str, Json]]:
        """Figures per revision, newest first."""
        rows = self._rows(
            "SELECT revision, figures FROM registry.baselines WHERE deployment = %s"
            " ORDER BY revision DESC",
            [deployment],
        )
        return {row["revision"]: json.loads(row["figures"]) for row in rows}

    def _rows(self, query: LiteralString, values: Sequence[Any] = ()) -> list[DictRow]:
        stored = [storable(value) if isinstance(value, str) else value for value in values]
        return self._session.transaction(lambda c: c.execute(query, stored).fetchall())
