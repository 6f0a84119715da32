"""The writes that belong together: a run with its revision, and how both end.

Each is called inside one transaction, under the deployment's lock, and is safe to repeat.
"""

from __future__ import annotations

import psycopg
from psycopg.rows import DictRow

from barberpro.runs.records import encode, storable
from barberpro.runs.rows import UNFINISHED, Run, RunStatus, Shape, canonical, checksum

Connection = psycopg.Connection[DictRow]


def insert_run(connection: Connection, run: Run, *, reserve_revision: bool) -> int | None:
    """The run, its deployment where that is new, and a revision; returns the revision's number."""
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


def end_run(
    connection: Connection, run: Run, status: RunStatus, failed_step: str, message: str
) -> None:
    """A done run's revision becomes the current one; of another it is marked as failed."""
    connection.execute(
        "UPDATE registry.runs SET status = %s, failed_step = %s, message = %s,"
        " ended_at = clock_timestamp() WHERE id = %s",
        [status, failed_step, storable(message), run.id],
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
