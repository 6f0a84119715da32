"""A fleet's upgrade in the registry: its waves, and how each deployment of them stands.

Each member is carried out as a durable run of its own; what is kept here says which are still to do,
so that whoever finds a rollout unfinished can finish it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Literal, LiteralString, Self

from psycopg.rows import DictRow

from barberpro.errors import BarberProError
from barberpro.runs import connections
from barberpro.runs.outcomes import Json
from barberpro.runs.records import storable
from barberpro.runs.rows import canonical
from barberpro.runs.schema import ensure_schema

RolloutStatus = Literal["running", "done", "halted", "given-up"]
MemberState = Literal["waiting", "running", "done", "failed", "unwell", "skipped"]


@dataclass(frozen=True, slots=True)
class Rollout:
    """``halted``: a bad signal stopped it; ``running`` without a living process: to be resumed."""

    id: str
    started_by: str
    options: Mapping[str, Json]
    started_at: datetime
    ended_at: datetime | None
    status: RolloutStatus
    message: str


@dataclass(frozen=True, slots=True)
class Member:
    """One deployment of a rollout; wave 0 are the canaries. ``unwell``: upgraded, and not healthy."""

    deployment: str
    wave: int
    kind: str
    state: MemberState
    run: str = ""
    message: str = ""
    seconds: float = 0.0


class Rollouts:
    """Typed reads and writes. Writes are safe to repeat; each method is one transaction."""

    def __init__(self, url: str, *, patience: float = connections.PATIENCE_SECONDS) -> None:
        ensure_schema(url)
        self.url = url
        self._session = connections.Session(url, patience)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._session.close()

    def begin(
        self,
        id_: str,
        started_by: str,
        options: Mapping[str, Json],
        members: Iterable[tuple[Member, str]],
    ) -> None:
        """The members come with their runs' payload as canonical JSON. Raises ``BarberProError`` where
        another rollout is unfinished."""
        planned = list(members)

        def write(connection: Any) -> None:
            made = connection.execute(
                "INSERT INTO registry.rollouts (id, started_by, options) VALUES (%s, %s, %s)"
                " ON CONFLICT DO NOTHING RETURNING id",
                [id_, started_by, canonical(options)],
            ).fetchone()
            if made is None:
                raise BarberProError(
                    "an upgrade of the fleet is unfinished",
                    mend="barberpro upgrade --resume goes on with it, --give-up ends it",
                )
            with (
                connection.cursor() as cursor,
                cursor.copy(
                    "COPY registry.rollout_members"
                    " (rollout, deployment, wave, place, kind, payload) FROM STDIN"
                ) as copy,
            ):
                for place, (member, payload) in enumerate(planned):
                    copy.write_row(
                        [id_, member.deployment, member.wave, place, member.kind, payload]
                    )

        self._session.transaction(write)

    def unfinished(self) -> Rollout | None:
        return self._one("SELECT * FROM registry.rollouts WHERE status = 'running'")

    def newest(self) -> Rollout | None:
        return self._one("SELECT * FROM registry.rollouts ORDER BY started_at DESC LIMIT 1")

    def members(self, rollout: str) -> list[Member]:
        """In the order in which they are upgraded."""
        rows = self._session.transaction(
            lambda connection: connection.execute(
                "SELECT deployment, wave, kind, state, run, message, seconds"
                " FROM registry.rollout_members WHERE rollout = %s ORDER BY wave, place",
                [rollout],
            ).fetchall()
        )
        return [Member(**row) for row in rows]

    def payload(self, rollout: str, deployment: str) -> dict[str, Json]:
        rows = self._session.transaction(
            lambda connection: connection.execute(
                "SELECT payload FROM registry.rollout_members"
                " WHERE rollout = %s AND deployment = %s",
                [rollout, deployment],
            ).fetchall()
        )
        found = json.loads(rows[0]["payload"])
        assert isinstance(found, dict)
        return found

    def mark(self, rollout: str, member: Member) -> None:
        self._session.transaction(
            lambda connection: connection.execute(
                "UPDATE registry.rollout_members SET state = %s, run = %s, message = %s,"
                " seconds = %s WHERE rollout = %s AND deployment = %s",
                [member.state, member.run, storable(member.message), member.seconds, rollout,
                 member.deployment],
            )
        )  # fmt: skip

    def end(self, rollout: str, status: RolloutStatus, message: str = "") -> None:
        self._session.transaction(
            lambda connection: connection.execute(
                "UPDATE registry.rollouts SET status = %s, message = %s,"
                " ended_at = clock_timestamp() WHERE id = %s",
                [status, storable(message), rollout],
            )
        )

    def _one(self, query: LiteralString) -> Rollout | None:
        rows: list[DictRow] = self._session.transaction(
            lambda connection: connection.execute(query).fetchall()
        )
        return Rollout(**{**rows[0], "options": json.loads(rows[0]["options"])}) if rows else None
