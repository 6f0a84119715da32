"""``barberpro upgrade``: all deployments, or some, brought up to date in waves."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import click

from barberpro.cli import preload
from barberpro.cli.composition import Operator, open_operator
from barberpro.cli.fleet_output import (
    plan_data,
    rollout_data,
    show_plan,
    show_rollout,
    tell,
    tell_json,
)
from barberpro.cli.fleet_plans import new_rollout_id, upgrades, waves_of
from barberpro.cli.options import DURATION, consent_options
from barberpro.cli.output import emit, output_option
from barberpro.errors import BarberProError, ExitCode, InvalidInputError
from barberpro.operations.fleet.carrying import BAD, Carrying, Options
from barberpro.operations.fleet.planning import Upgrade
from barberpro.runs.events import Event
from barberpro.runs.outcomes import Json
from barberpro.runs.rollouts import Rollout, Rollouts


@dataclass(frozen=True, slots=True)
class Asked:
    """The flags of one call."""

    everything: bool
    dry_run: bool
    detailed_exitcode: bool
    resume: bool
    give_up: bool
    show: bool
    yes: bool
    non_interactive: bool
    output: str


@click.command()
@click.argument("deployments", metavar="[DEPLOYMENT]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every deployment that is not up to date.")
@click.option(
    "--image",
    metavar="IMAGE",
    default="",
    help="On clusters: the app's image from now on, by tag or digest.",
)
@click.option("--again", is_flag=True, help="Also those that are up to date.")
@click.option(
    "--canaries",
    metavar="N",
    default="1%",
    show_default=True,
    help="How many go first, as a number or a share; 0 for none.",
)
@click.option(
    "--wave",
    metavar="N",
    default="10%",
    show_default=True,
    help="How many belong to one wave after that.",
)
@click.option(
    "--at-once",
    type=click.IntRange(1, 32),
    default=2,
    show_default=True,
    help="Deployments in flight at the same time.",
)
@click.option(
    "--soak",
    type=DURATION,
    default=10.0,
    show_default=True,
    metavar="TIME",
    help="After a wave, wait this long before its health is looked at.",
)
@click.option(
    "--allow-failed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    metavar="N",
    help="So many bad ones do not stop it.",
)
@click.option(
    "--lock-wait",
    type=DURATION,
    default=0.0,
    metavar="TIME",
    help="Wait this long for another run of a deployment to end.",
)
@click.option(
    "--dry-run", is_flag=True, help="Show the waves and what would change; change nothing."
)
@click.option(
    "--detailed-exitcode", is_flag=True, help="With --dry-run: exit 10 where there are changes."
)
@click.option("--resume", is_flag=True, help="Go on with an upgrade that was stopped or killed.")
@click.option("--give-up", is_flag=True, help="End an unfinished upgrade where it stands.")
@click.option("--show", is_flag=True, help="How the newest upgrade stands.")
@click.option(
    "--catalog",
    "catalogs",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="PATH",
    help="Folder with verticals of your own; may be given several times.",
)
@consent_options
@output_option
def upgrade(
    deployments: tuple[str, ...], image: str, again: bool, catalogs: tuple[Path, ...], canaries: str,
    wave: str, **options: Any,
) -> int:  # fmt: skip
    """Bring deployments up to date with this release and catalog: a few canaries first, then waves.

    A bad signal (a run that failed, a deployment that is not well after its wave) stops it: what was
    begun ends, nothing new begins, and what failed was undone. The same command goes on after a kill.

    \b
    Examples:
      barberpro upgrade --all --dry-run
      barberpro upgrade --all --image registry.example/barberpro/app:1.4 --canaries 5 --wave 10%
      barberpro upgrade --show
    """
    asked = Asked(**{name: options.pop(name) for name in Asked.__dataclass_fields__})
    how = Options(**{name: options.pop(name) for name in Options.__dataclass_fields__})
    if asked.show or asked.give_up or asked.resume:
        return _standing_one(asked, how, catalogs)
    if asked.everything == bool(deployments):
        raise InvalidInputError(
            "say what to upgrade", mend="barberpro upgrade --all, or barberpro upgrade DEPLOYMENT"
        )
    id_ = new_rollout_id()
    found = upgrades(id_, image, deployments, catalogs, again=again)
    placed = waves_of(found, canaries, wave)
    if asked.dry_run:
        emit(plan_data(found, placed), asked.output, lambda: show_plan(found, placed))
        return ExitCode.CHANGES if placed and asked.detailed_exitcode else ExitCode.DONE
    wish: dict[str, Json] = {"image": image, "deployments": [*sorted(deployments)]}
    preload.begin()
    with (
        open_operator(catalogs, many=True) as operator,
        Rollouts(operator.platform.registry_url()) as kept,
    ):
        rollout = kept.unfinished()
        if rollout is not None:
            _same(rollout, wish)
            click.echo(f"going on with {rollout.id}, which was not finished", err=True)
        elif placed:
            if asked.output == "table":
                show_plan(found, placed)
            _agree(asked, len(placed))
            kept.begin(id_, operator.name, wish, placed)
            rollout = kept.unfinished()
        if rollout is None:
            return _nothing_to_do(found, asked.output)
        return _carry(operator, kept, rollout, how, asked.output)


def _standing_one(asked: Asked, how: Options, catalogs: tuple[Path, ...]) -> int:
    """What is done with an upgrade that was begun earlier."""
    if asked.resume:
        preload.begin()
    with (
        open_operator(catalogs, many=True) as operator,
        Rollouts(operator.platform.registry_url()) as kept,
    ):
        rollout = kept.newest() if asked.show else kept.unfinished()
        if rollout is None:
            raise InvalidInputError(
                "there is no unfinished upgrade" if not asked.show else "nothing was upgraded yet",
                mend="barberpro upgrade --all --dry-run shows what there is to do",
            )
        if asked.give_up:
            kept.end(rollout.id, "given-up", "ended by the operator")
            click.echo(
                f"{rollout.id} is ended where it stood; a run in flight is finished or taken back by: "
                "barberpro resume DEPLOYMENT [--undo]",
                err=True,
            )
        elif asked.resume:
            return _carry(operator, kept, rollout, how, asked.output)
        members = kept.members(rollout.id)
        rollout = kept.newest() or rollout
        emit(rollout_data(rollout, members), asked.output, lambda: show_rollout(rollout, members))
    return ExitCode.DONE


def _same(rollout: Rollout, wish: dict[str, Json]) -> None:
    if dict(rollout.options) != wish:
        raise InvalidInputError(
            f"another upgrade is unfinished: {rollout.id}, begun by {rollout.started_by}",
            where=json.dumps(dict(rollout.options)),
            mend="barberpro upgrade --resume goes on with that one, --give-up ends it where it stands",
        )


def _agree(asked: Asked, number: int) -> None:
    if asked.yes:
        return
    if asked.non_interactive:
        raise InvalidInputError("upgrade asks before it begins", mend="add --yes to agree")
    click.confirm(f"Upgrade {number} deployments?", abort=True, err=True)


def _nothing_to_do(found: Sequence[Upgrade], output: str) -> int:
    left = sum(1 for one in found if one.left_out)
    emit(
        plan_data(found, []), output,
        lambda: click.echo(f"all is up to date ({len(found)} deployments, {left} left out)", err=True),
    )  # fmt: skip
    return ExitCode.DONE


def _carry(operator: Operator, kept: Rollouts, rollout: Rollout, how: Options, output: str) -> int:
    def unwell(deployment: str) -> str:
        try:
            states = operator.target.services(deployment)
        except BarberProError as error:
            return error.what
        return "; ".join(
            f"{one.name} is {one.state}: {one.detail}" for one in states if one.state != "running"
        )

    with operator.engine(_quiet) as engine, operator.registry() as registry:
        carrying = Carrying(
            engine, registry, kept, rollout, how, unwell, tell_json if output == "json" else tell
        )
        with _stops(carrying, engine):
            status = carrying.carry_out()
    if status == "running":
        click.echo("stopped; the same command goes on, or: barberpro upgrade --resume", err=True)
        return ExitCode.INTERRUPTED
    if output == "table":
        members, ended = kept.members(rollout.id), kept.newest() or rollout
        show_rollout(ended, members)
    bad = status == "halted" or any(one.state in BAD for one in kept.members(rollout.id))
    return ExitCode.FAILED if bad else ExitCode.DONE


@contextmanager
def _stops(carrying: Carrying, engine: preload.RunEngine) -> Iterator[None]:
    """Ctrl-C or SIGTERM once: stop after the steps in flight. Twice: end at once."""

    def stop(number: int, frame: FrameType | None) -> None:
        carrying.stop.set()
        engine.request_stop()
        click.echo("\nstopping after the steps in flight", err=True)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _quiet(_event: Event) -> None:
    """The steps of each run are in the registry: barberpro runs RUN shows them."""
