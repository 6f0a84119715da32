"""The registry: deployments, revisions, runs and what was found, in PostgreSQL.

Every query on the registry's own tables is here (the lock's are in ``locks``, those on DBOS's
records in ``history``). It does not import DBOS, so that ``barberpro list`` is quick.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, LiteralString

import psycopg
from psycopg.rows import DictRow

from barberpro.errors import InvalidInputError
from barberpro.planning.findings import Finding
from barberpro.runs import connections
from barberpro.runs.outcomes import Json
from barberpro.runs.records import encode
from barberpro.runs.rows import (
    UNFINISHED,
    Deployment,
    Holder,
    Revision,
    Run,
    RunStatus,
    Shape,
    canonical,
    checksum,
)
from barberpro.runs.schema import ensure_schema

DNS_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
Connection = psycopg.Connection[DictRow]


class UnknownRunError(InvalidInputError):
    """There is no such run."""


def check_deployment_id(deployment: str) -> None:
    """A DNS label (RFC 1123, section 2.1), as on Kubernetes it is the namespace."""
    if not DNS_LABEL.fullmatch(deployment):
        raise InvalidInputError(
            f"{deployment!r} is not a DNS label",
            where="the deployment's id",
            mend="use lower-case letters, digits and hyphens, at most 63, a hyphen neither first"
            " nor last",
        )


class Registry:
    """Typed reads and writes. Writes are safe to repeat; each method is one transaction."""

    def __init__(self, url: str, *, patience: float = connections.PATIENCE_SECONDS) -> None:
        self.url = url
        self._session = connections.Session(url, patience)

    @classmethod
    def open(cls, url: str, *, patience: float = connections.PATIENCE_SECONDS) -> Registry:
        """The registry at ``url``, brought to this version's schema first."""
        ensure_schema(url)
        return cls(url, patience=patience)

    def __enter__(self) -> Registry:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._session.close()

    # -- deployments -------------------------------------------------------------------------

    def deployments(self) -> list[Deployment]:
        return [
            _deployment(row) for row in self._rows("SELECT * FROM registry.deployments ORDER BY id")
        ]

    def deployment(self, id_: str) -> Deployment | None:
        rows = self._rows("SELECT * FROM registry.deployments WHERE id = %s", [id_])
        return _deployment(rows[0]) if rows else None

    def set_deployment_state(
        self, id_: str, state: str, *, current_revision: int | None = None
    ) -> None:
        """``current_revision`` is left as it is when not given."""
        self._rows(
            "UPDATE registry.deployments SET state = %s,"
            " current_revision = coalesce(%s, current_revision), updated_at = clock_timestamp()"
            " WHERE id = %s RETURNING id",
            [state, current_revision, id_],
        )

    # -- revisions ---------------------------------------------------------------------------

    def revisions(self, deployment: str) -> list[Revision]:
        """Newest first."""
        rows = self._rows(
            "SELECT * FROM registry.revisions WHERE deployment = %s ORDER BY number DESC",
            [deployment],
        )
        return [Revision(**row) for row in rows]

    def revision(self, deployment: str, number: int) -> Revision | None:
        rows = self._rows(
            "SELECT * FROM registry.revisions WHERE deployment = %s AND number = %s",
            [deployment, number],
        )
        return Revision(**rows[0]) if rows else None

    def current_revision(self, deployment: str) -> Revision | None:
        """What is live now, or None where nothing was ever brought up."""
        rows = self._rows(
            "SELECT r.* FROM registry.revisions r JOIN registry.deployments d"
            " ON d.id = r.deployment AND d.current_revision = r.number WHERE d.id = %s",
            [deployment],
        )
        return Revision(**rows[0]) if rows else None

    # -- runs --------------------------------------------------------------------------------

    def insert_run(self, run: Run, *, reserve_revision: bool) -> int | None:
        """Writes the run, and with it a new revision that holds ``payload["plan"]``.

        Returns the revision's number. The deployment is written too where it is new; its name,
        vertical and target come from the ``request`` in the plan or in the payload.
        Raises ``InvalidInputError`` for a deployment that is not a DNS label.
        """
        check_deployment_id(run.deployment)

        def work(connection: Connection) -> int | None:
            _ensure_deployment(connection, run)
            connection.execute(
                "INSERT INTO registry.runs (id, deployment, kind, revision, started_by, host, pid,"
                " format, payload, checksum, shape, undo_on_failure)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                [run.id, run.deployment, run.kind, run.revision, run.started_by, run.host, run.pid,
                 run.format, canonical(run.payload), run.checksum, _shape(run.shape),
                 run.undo_on_failure],
            )  # fmt: skip
            return _reserve(connection, run) if reserve_revision else run.revision

        return self._session.transaction(work)

    def run(self, id_: str) -> Run:
        """Raises ``UnknownRunError``."""
        rows = self._rows("SELECT * FROM registry.runs WHERE id = %s", [id_])
        if not rows:
            raise UnknownRunError(
                f"there is no run {id_}",
                where=connections.place(self.url),
                mend="barberpro runs lists them",
            )
        return _run(rows[0])

    def runs(self, deployment: str | None = None, *, limit: int = 50) -> list[Run]:
        """Newest first."""
        rows = self._rows(
            "SELECT * FROM registry.runs WHERE deployment = coalesce(%s, deployment)"
            " ORDER BY started_at DESC, id DESC LIMIT %s",
            [deployment, limit],
        )
        return [_run(row) for row in rows]

    def unfinished_run(self, deployment: str) -> Run | None:
        """The run that was begun and neither finished nor undone; at most one, by the lock."""
        rows = self._rows(
            "SELECT * FROM registry.runs WHERE deployment = %s AND status = ANY(%s)"
            " ORDER BY started_at DESC LIMIT 1",
            [deployment, list(UNFINISHED)],
        )
        return _run(rows[0]) if rows else None

    def mark_resumed(self, run: str, *, host: str, pid: int, undo: bool) -> None:
        self._rows(
            "UPDATE registry.runs SET status = 'running', resumed = resumed + 1, host = %s,"
            " pid = %s, undo_requested = undo_requested OR %s, ended_at = NULL, message = ''"
            " WHERE id = %s RETURNING id",
            [host, pid, undo, run],
        )

    def end_run(
        self, run: Run, status: RunStatus, *, failed_step: str = "", message: str = ""
    ) -> None:
        """Writes how the run ended; a done run's revision becomes the current one."""

        def work(connection: Connection) -> None:
            connection.execute(
                "UPDATE registry.runs SET status = %s, failed_step = %s, message = %s,"
                " ended_at = clock_timestamp() WHERE id = %s",
                [status, failed_step, _clean(message), run.id],
            )
            if status in UNFINISHED:
                return
            reserved = connection.execute(
                "UPDATE registry.revisions SET state = %s,"
                " applied_at = CASE WHEN %s THEN clock_timestamp() END"
                " WHERE run = %s AND state = 'reserved' RETURNING number",
                ["applied" if status == "done" else "failed", status == "done", run.id],
            ).fetchone()
            if reserved is not None:
                _conclude(connection, run.deployment, reserved["number"], status)

        self._session.transaction(work)

    def holder(self, deployment: str) -> Holder | None:
        """Who holds the lock now: the row, if the session that wrote it is still connected."""
        rows = self._rows(
            "SELECT deployment, run, kind, started_by, host, pid, since FROM registry.holders h"
            " WHERE deployment = %s AND EXISTS (SELECT 1 FROM pg_locks l WHERE"
            " l.locktype = 'advisory' AND l.granted AND l.database ="
            " (SELECT oid FROM pg_database WHERE datname = current_database())"
            " AND (l.classid::bigint << 32) | l.objid::bigint = h.lock_key)",
            [deployment],
        )
        return Holder(**rows[0]) if rows else None

    # -- what runs found ---------------------------------------------------------------------

    def put_findings(self, run: str, findings: Sequence[Finding]) -> None:
        for finding in findings:
            self._put(
                "INSERT INTO registry.findings (run, id, body) VALUES (%s, %s, %s)"
                " ON CONFLICT (run, id) DO UPDATE SET body = excluded.body RETURNING id",
                [run, finding.id, encode(finding.model_dump(mode="json"))],
            )

    def findings(self, run: str) -> list[Finding]:
        rows = self._rows("SELECT body FROM registry.findings WHERE run = %s ORDER BY id", [run])
        return [Finding.model_validate_json(row["body"]) for row in rows]

    def put_evidence(self, run: str, control: str, body: Mapping[str, Json]) -> None:
        """What proves that a control held, for the deployment and at the time of this run."""
        self._put(
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
        self._put(
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

    # -- ------------------------------------------------------------------------------------

    def _rows(self, query: LiteralString, values: Sequence[Any] = ()) -> list[DictRow]:
        return self._session.transaction(lambda c: c.execute(query, values).fetchall())

    _put = _rows


def _ensure_deployment(connection: Connection, run: Run) -> None:
    plan = run.payload.get("plan")
    request = plan.get("request") if isinstance(plan, dict) else run.payload.get("request")
    given = request if isinstance(request, dict) else {}
    connection.execute(
        "INSERT INTO registry.deployments (id, name, vertical, target, request)"
        " VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
        [run.deployment, str(given.get("name", run.deployment)), str(given.get("vertical", "")),
         str(given.get("target", "")), canonical(given)],
    )  # fmt: skip


def _reserve(connection: Connection, run: Run) -> int:
    """Under the deployment's lock, so the next number is free; a repeated call finds its own."""
    plan = run.payload.get("plan")
    text = canonical(plan) if isinstance(plan, dict) else canonical(run.payload)
    connection.execute(
        "INSERT INTO registry.revisions (deployment, number, plan, checksum, run)"
        " SELECT %s, coalesce(max(number), 0) + 1, %s, %s, %s FROM registry.revisions"
        " WHERE deployment = %s"
        " HAVING NOT EXISTS (SELECT 1 FROM registry.revisions WHERE run = %s)",
        [run.deployment, text, checksum(text), run.id, run.deployment, run.id],
    )
    row = connection.execute(
        "UPDATE registry.runs SET revision = (SELECT number FROM registry.revisions WHERE run = %s)"
        " WHERE id = %s RETURNING revision",
        [run.id, run.id],
    ).fetchone()
    assert row is not None
    return int(row["revision"])


def _conclude(connection: Connection, deployment: str, number: int, status: RunStatus) -> None:
    """The deployment after a run with a revision: live with it, or as it was before."""
    if status == "done":
        connection.execute(
            "UPDATE registry.deployments d SET current_revision = %s, state = 'live',"
            " request = coalesce(r.plan::json -> 'request', '{}')::text,"
            " name = coalesce(r.plan::json -> 'request' ->> 'name', name),"
            " vertical = coalesce(r.plan::json -> 'request' ->> 'vertical', vertical),"
            " target = coalesce(r.plan::json -> 'request' ->> 'target', target),"
            " updated_at = clock_timestamp() FROM registry.revisions r"
            " WHERE d.id = %s AND r.deployment = d.id AND r.number = %s",
            [number, deployment, number],
        )
    else:
        connection.execute(
            "UPDATE registry.deployments SET state = 'failed', updated_at = clock_timestamp()"
            " WHERE id = %s AND current_revision IS NULL",
            [deployment],
        )


def _shape(shape: Shape) -> str:
    return encode({
        "stages": [
            {
                "id": stage.id, "title": stage.title, "budget_seconds": stage.budget_seconds,
                "steps": [
                    {"id": s.id, "title": s.title, "attempts": s.attempts, "undo": s.undo}
                    for s in stage.steps
                ],
            }
            for stage in shape.stages
        ]
    })  # fmt: skip


def _clean(text: str) -> str:
    """Text that PostgreSQL can store: no NUL, no half of a surrogate pair."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def _deployment(row: DictRow) -> Deployment:
    return Deployment(**{**row, "request": json.loads(row["request"])})


def _run(row: DictRow) -> Run:
    return Run(
        **{
            **row,
            "payload": json.loads(row["payload"]),
            "shape": Shape.parse(row["shape"]),
        }
    )
