"""The registry: deployments, revisions, runs and what was found, in PostgreSQL.

The lock's queries are in ``locks``, those on DBOS's records in ``history``. It does not import
DBOS, so that ``barberpro list`` is quick.
"""

from __future__ import annotations

import json
import re
from types import TracebackType

from psycopg.rows import DictRow

from barberpro.errors import InvalidInputError
from barberpro.runs import connections, transitions
from barberpro.runs.rows import UNFINISHED, Deployment, Holder, Revision, Run, RunStatus, Shape
from barberpro.runs.schema import ensure_schema
from barberpro.runs.summaries import Summaries

DNS_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


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


class Registry(Summaries):
    """Typed reads and writes. Writes are safe to repeat; each method is one transaction."""

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
        return self._session.transaction(
            lambda connection: transitions.insert_run(
                connection, run, reserve_revision=reserve_revision
            )
        )

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
        self._session.transaction(
            lambda connection: transitions.end_run(connection, run, status, failed_step, message)
        )

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
