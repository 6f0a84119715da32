"""How an upgrade of the fleet is shown: its plan, its progress, and where it stands."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click

from barberpro.cli.output import duration, marked, table
from barberpro.operations.fleet.carrying import BAD, Progress
from barberpro.operations.fleet.comparing import Compared
from barberpro.operations.fleet.planning import Upgrade
from barberpro.runs.rollouts import Member, Rollout

EVENT_SCHEMA = 1
SHOWN = 20
SHOWN_OBJECTS, SHOWN_LINES = 5, 6
WORDS = {
    "changed": "changed by hand",
    "gone": "without their release",
    "unknown": "not looked at",
    "as-deployed": "as deployed",
}
MARKS = {"done": "✓", "failed": "✗", "unwell": "✗", "skipped": "–"}


def tell_json(now: Progress) -> None:
    fields = {name: value for name, value in asdict(now).items() if value not in ("", None)}
    click.echo(json.dumps({"schema": EVENT_SCHEMA, **fields}, ensure_ascii=False))


def tell(now: Progress) -> None:
    wave = "canaries" if now.wave == 0 else f"wave {now.wave} of {now.waves}"
    if now.event == "member":
        left = f" · about {duration(now.left_seconds)} left" if now.left_seconds else ""
        line = f"{MARKS.get(now.state, '·')} [{now.done}/{now.total}] {wave}: {now.deployment} {now.state}"
        click.echo(f"{line} in {duration(now.seconds)}{left}", err=True)
        if now.message:
            click.echo("    " + now.message.replace("\n", "\n    "), err=True)
    elif now.event == "wave":
        click.echo(f"  {wave}: well", err=True)
    elif now.state == "halted":
        click.echo(click.style("halted: ", fg="red", bold=True) + now.message, err=True)


def plan_data(found: Sequence[Upgrade], placed: Sequence[tuple[Member, str]]) -> dict[str, Any]:
    waves = {member.deployment: member.wave for member, _ in placed}
    return {
        "total": len(found),
        "to_upgrade": len(placed),
        "up_to_date": sum(1 for one in found if not one.wanted and not one.left_out),
        "deployments": [
            {"id": one.id, "target": one.target, "wave": waves.get(one.id), "software": one.software,
             "changes": [change.path for change in one.changes], "left_out": one.left_out}
            for one in found
        ],
    }  # fmt: skip


def show_plan(found: Sequence[Upgrade], placed: Sequence[tuple[Member, str]]) -> None:
    known = {one.id: one for one in found}
    rows = []
    for member, _ in placed[:SHOWN]:
        one = known[member.deployment]
        what = [*([one.software] if one.software else []), *(change.path for change in one.changes)]
        more = f" and {len(what) - 3} more" if len(what) > 3 else ""
        rows.append([
            "canaries" if member.wave == 0 else str(member.wave), one.id, one.target,
            (", ".join(what[:3]) or "the same again") + more,
        ])  # fmt: skip
    if rows:
        table(["wave", "deployment", "target", "changes"], rows)
    if len(placed) > SHOWN:
        click.echo(f"... and {len(placed) - SHOWN} more (-o json shows all)")
    for one in found:
        if one.left_out:
            click.echo(f"left out: {one.id}: {one.left_out}")
    waves = len({member.wave for member, _ in placed})
    click.echo(f"{len(placed)} of {len(found)} deployments to upgrade, in {waves} waves")


def rollout_data(rollout: Rollout, members: Sequence[Member]) -> dict[str, Any]:
    fields = asdict(rollout)
    return {**fields, "options": dict(rollout.options), "members": [asdict(one) for one in members]}


def show_rollout(rollout: Rollout, members: Sequence[Member]) -> None:
    states = sorted({one.state for one in members})
    counts = ", ".join(f"{sum(o.state == state for o in members)} {state}" for state in states)
    click.echo(click.style(f"{rollout.id}: {rollout.status}", bold=True) + f" · {counts}")
    if rollout.message:
        click.echo(f"  {rollout.message}")
    for one in members:
        if one.state in (*BAD, "skipped", "running"):
            said = (one.message.splitlines() or [""])[0]
            click.echo(
                f"  {MARKS.get(one.state, '·')} {one.deployment}: {one.state} {said}".rstrip()
            )
    if rollout.status == "halted":
        click.echo("  mend it, then barberpro upgrade --all again takes those that are left")


def show_compared(found: Sequence[Compared], shown: Sequence[Compared]) -> None:
    """The sum first, then what differs and nothing else."""
    counts = Counter[str](one.state for one in found)
    said = [f"{counts[state]} {WORDS[state]}" for state in WORDS if counts[state]]
    click.echo(click.style(f"{len(found)} on clusters: ", bold=True) + (", ".join(said) or "none"))
    for one in shown:
        if one.state == "as-deployed" and len(shown) == len(found):
            continue
        mark = "ok" if one.state == "as-deployed" else "bad"
        click.echo(
            marked(mark, f"{one.id}: {WORDS[one.state]}" + f" ({one.problem})" * bool(one.problem))
        )
        for drift in one.drift[:SHOWN_OBJECTS]:
            click.echo(f"    {drift.object}")
            for line in drift.lines[:SHOWN_LINES]:
                click.echo(click.style(f"      {line}", fg="red" if line[0] == "-" else "green"))
            if len(drift.lines) > SHOWN_LINES:
                click.echo(f"      ... and {len(drift.lines) - SHOWN_LINES} lines more")
        if len(one.drift) > SHOWN_OBJECTS:
            click.echo(f"    ... and {len(one.drift) - SHOWN_OBJECTS} objects more")
    if any(one.drift for one in shown):
        click.echo(
            "\n- is what the cluster has, + what was deployed; all of one: barberpro diff DEPLOYMENT",
            err=True,
        )
