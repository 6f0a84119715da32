"""Carries a rollout out: wave after wave, some deployments at once, until a bad signal stops it.

A deployment that fails is undone by its own run. A signal is bad where a run failed, or where a
deployment is not well after its wave. What was begun ends; nothing new begins.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Protocol

from barberpro.errors import BarberProError, LockedError
from barberpro.runs.outcomes import Json
from barberpro.runs.protocol import Runs
from barberpro.runs.refusals import UnfinishedRunError
from barberpro.runs.results import RunResult
from barberpro.runs.rollouts import Member, MemberState, Rollout, Rollouts, RolloutStatus
from barberpro.runs.rows import Run

BAD = ("failed", "unwell")
SHOWN = 5


class History(Protocol):
    """The share of the registry that it reads."""

    def runs(self, deployment: str | None = None, *, limit: int = 50) -> list[Run]: ...


@dataclass(frozen=True, slots=True)
class Options:
    """``at_once``: deployments in flight; ``soak``: seconds between a wave's end and the look at its
    health; ``allow_failed``: how many bad ones do not stop it; ``lock_wait`` in seconds."""

    at_once: int = 1
    soak: float = 0.0
    allow_failed: int = 0
    lock_wait: float = 0.0


@dataclass(frozen=True, slots=True)
class Progress:
    """One line of the story: a member that ended, a wave that ended, or how all of it ended."""

    event: str  # member, wave, ended
    at: float
    wave: int
    waves: int
    done: int
    total: int
    deployment: str = ""
    state: str = ""
    message: str = ""
    seconds: float = 0.0
    left_seconds: float | None = None


@dataclass
class Carrying:
    """One process's attempt. ``unwell`` says what is wrong with a deployment, nothing where it is
    well; ``stop`` is set by who wants it to end after what is in flight."""

    runs: Runs
    history: History
    rollouts: Rollouts
    rollout: Rollout
    options: Options
    unwell: Callable[[str], str]
    tell: Callable[[Progress], None]
    stop: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _members: dict[str, Member] = field(default_factory=dict)
    _began: float = 0.0
    _ended_here: int = 0

    def carry_out(self) -> RolloutStatus:
        """``done``, ``halted``, or ``running`` where it was stopped and can be resumed."""
        members = self.rollouts.members(self.rollout.id)
        self._members = {member.deployment: member for member in members}
        self._began = time.monotonic()
        self._finish_interrupted(members)
        for number, group in groupby(members, key=lambda member: member.wave):
            wave = [member.deployment for member in group]
            self._wave(wave)
            if self.stop.is_set():
                return "running"
            self._look(number, wave)
            if self._is_bad():
                return self._end("halted", self._why())
            if self.stop.is_set():
                return "running"
            self._say("wave", wave=number)
        bad = [one for one in self._members.values() if one.state in BAD]
        return self._end("done", self._why() if bad else "")

    # -- one wave

    def _wave(self, wave: Sequence[str]) -> None:
        waiting = [id_ for id_ in wave if self._members[id_].state == "waiting"]
        with ThreadPoolExecutor(self.options.at_once, thread_name_prefix="upgrade") as pool:
            list(pool.map(self._upgrade, waiting))

    def _upgrade(self, deployment: str) -> None:
        if self.stop.is_set() or self._is_bad():
            return
        member = replace(self._members[deployment], state="running")
        self.rollouts.mark(self.rollout.id, member)
        payload = self.rollouts.payload(self.rollout.id, deployment)

        def begin() -> RunResult:
            return self.runs.start(
                member.kind,
                deployment,
                payload,
                started_by=self.rollout.started_by,
                lock_wait=self.options.lock_wait,
                reserve_revision=True,
            )

        self._carry(member, begin)

    def _carry(self, member: Member, begin: Callable[[], RunResult]) -> None:
        try:
            result = begin()
        except (LockedError, UnfinishedRunError) as error:
            self._mark(replace(member, state="skipped", message=error.what))
            return
        except BarberProError as error:
            self._mark(replace(member, state="failed", message=str(error)))
            return
        if result.status == "interrupted":
            self.stop.set()  # asked for, or the registry is away: either way it is resumed later
            return
        state: MemberState = "done" if result.status == "done" else "failed"
        self._mark(
            replace(
                member, state=state, run=result.run, message=result.message, seconds=result.seconds
            )
        )

    def _finish_interrupted(self, members: Sequence[Member]) -> None:
        """What a killed process had in flight, one after the other: the queue that hands a run over
        takes one at a time."""
        for member in members:
            if member.state != "running" or self.stop.is_set():
                continue
            pending = self.runs.pending(member.deployment)
            if pending is not None and self._ours(pending.payload):
                run = pending.run
                self._carry(member, lambda run=run: self._resume(run))  # type: ignore[misc]
                continue
            last = self.history.runs(member.deployment, limit=1)
            if last and self._ours(last[0].payload) and not last[0].unfinished:
                state: MemberState = "done" if last[0].status == "done" else "failed"
                self._mark(replace(member, state=state, run=last[0].id, message=last[0].message))
            else:  # killed before its run was begun
                self._members[member.deployment] = replace(member, state="waiting")

    def _resume(self, run: str) -> RunResult:
        return self.runs.resume(run, lock_wait=self.options.lock_wait)

    def _ours(self, payload: Mapping[str, Json]) -> bool:
        options = payload.get("options")
        return isinstance(options, dict) and options.get("rollout") == self.rollout.id

    # -- signals

    def _look(self, number: int, wave: Sequence[str]) -> None:
        """The health of what this wave upgraded, after the soak."""
        upgraded = [id_ for id_ in wave if self._members[id_].state == "done"]
        if not upgraded or self.stop.wait(self.options.soak):
            return
        for deployment in upgraded:
            trouble = self.unwell(deployment)
            if trouble:
                self._mark(replace(self._members[deployment], state="unwell", message=trouble))

    def _is_bad(self) -> bool:
        with self._lock:
            bad = sum(1 for one in self._members.values() if one.state in BAD)
        return bad > self.options.allow_failed

    def _why(self) -> str:
        bad = [one for one in self._members.values() if one.state in BAD]
        shown = "; ".join(
            f"{one.deployment}: {(one.message.splitlines() or [one.state])[0]}"
            for one in bad[:SHOWN]
        )
        more = f"; and {len(bad) - SHOWN} more" if len(bad) > SHOWN else ""
        return f"{len(bad)} bad: {shown}{more}"

    # -- what is told and kept

    def _mark(self, member: Member) -> None:
        with self._lock:
            known = self._members[member.deployment].state
            self._members[member.deployment] = member
            self._ended_here += known not in ("done", *BAD)
        self.rollouts.mark(self.rollout.id, member)
        self._say("member", member=member)

    def _end(self, status: RolloutStatus, message: str) -> RolloutStatus:
        self.rollouts.end(self.rollout.id, status, message)
        self._say("ended", state=status, message=message)
        return status

    def _say(
        self,
        event: str,
        *,
        member: Member | None = None,
        wave: int = 0,
        state: str = "",
        message: str = "",
    ) -> None:
        with self._lock:
            members = list(self._members.values())
            spent, here = time.monotonic() - self._began, self._ended_here
        open_ = sum(1 for one in members if one.state in ("waiting", "running"))
        self.tell(
            Progress(
                event, time.time(), member.wave if member else wave, max(m.wave for m in members),
                len(members) - open_, len(members), member.deployment if member else "",
                member.state if member else state, member.message if member else message,
                member.seconds if member else spent,
                spent / here * open_ if here and open_ else None,
            )
        )  # fmt: skip
