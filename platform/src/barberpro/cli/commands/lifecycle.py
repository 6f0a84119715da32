"""``barberpro start``, ``stop`` and ``destroy``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from barberpro.cli import preload
from barberpro.cli.composition import Operator, open_operator
from barberpro.cli.following import Show, follow_run
from barberpro.cli.known import LOCAL, KnownDeployment, known_deployment
from barberpro.cli.options import consent_options, run_options
from barberpro.cli.output import output_option
from barberpro.cli.preload import RunEngine
from barberpro.errors import InvalidInputError
from barberpro.operations.lifecycle import DESTROY, START, STOP
from barberpro.runs.outcomes import Json
from barberpro.runs.results import RunResult
from barberpro.targets.local.layout import Layout
from barberpro.targets.local.platform import LocalPlatform
from barberpro.targets.local.user_service import user_service

KEPT_AT_LOGIN = ("BARBERPRO_HOME", "BARBERPRO_CACHE", "BARBERPRO_PYTHON")

some_deployment = click.argument("deployment", required=False)


@click.command()
@some_deployment
@click.option(
    "--login-service",
    is_flag=True,
    help="Print a user service that does this at login; change nothing.",
)
@run_options
@output_option
def start(deployment: str | None, login_service: bool, **options: Any) -> int:
    """Start DEPLOYMENT; without a name, everything that was running before a reboot.

    \b
    Examples:
      barberpro start
      barberpro start barbershop-palermo
      barberpro start --login-service
    """
    if login_service:
        return _print_login_service()
    if deployment is None:
        return _start_all()
    return _run(START, deployment, {}, options)


@click.command()
@some_deployment
@click.option(
    "--all", "everything", is_flag=True, help="Stop all of them, and the shared services."
)
@run_options
@output_option
def stop(deployment: str | None, everything: bool, **options: Any) -> int:
    """Stop DEPLOYMENT; its data stays. --all stops everything until the next start.

    \b
    Examples:
      barberpro stop barbershop-palermo
      barberpro stop --all
    """
    if everything == (deployment is not None):
        raise InvalidInputError(
            "say what to stop", mend="barberpro stop DEPLOYMENT, or barberpro stop --all"
        )
    if deployment is not None:
        return _run(STOP, deployment, {}, options)
    LocalPlatform.open().stop_all()
    click.echo("everything is stopped; barberpro start brings it back", err=True)
    return 0


@click.command()
@click.argument("deployment")
@click.option("--no-backup", is_flag=True, help="Keep no final backup of the database.")
@click.option(
    "--confirm", metavar="NAME", help="The deployment's id again, in place of the question."
)
@consent_options
@run_options
@output_option
def destroy(deployment: str, no_backup: bool, confirm: str | None, **options: Any) -> int:
    """Remove DEPLOYMENT for good: processes, database, files. A final backup is kept.

    \b
    Examples:
      barberpro destroy barbershop-palermo
      barberpro destroy barbershop-palermo --yes --no-backup
    """
    known = known_deployment(Layout.of(), deployment)
    _agree(known, confirm, yes=options.pop("yes"), silent=options.pop("non_interactive"))
    payload: dict[str, Json] = {"options": {"keep_backup": not no_backup}}
    return _run(DESTROY, deployment, payload, options, remove=True)


def _agree(known: KnownDeployment, confirm: str | None, *, yes: bool, silent: bool) -> None:
    deployment = known.id
    where = (
        f" on the cluster of context {known.context or '(in-cluster)'}"
        if known.target != LOCAL
        else ""
    )
    if yes or confirm == deployment:
        return
    if confirm is not None:
        raise InvalidInputError(f"--confirm says '{confirm}', the deployment is '{deployment}'")
    if silent:
        raise InvalidInputError(
            "destroy asks before it removes anything", mend=f"add --yes or --confirm {deployment}"
        )
    typed = click.prompt(
        f"This removes {deployment} and its data{where}. Type its name to go on", err=True
    )
    if typed.strip() != deployment:
        raise InvalidInputError(f"'{typed.strip()}' is not '{deployment}': nothing was removed")


def _run(
    kind: str,
    deployment: str,
    payload: Mapping[str, Json],
    options: Mapping[str, Any],
    *,
    remove: bool = False,
) -> int:
    known_deployment(Layout.of(), deployment)
    preload.begin()  # not sooner: what is refused needs no engine
    with open_operator(remove=remove) as operator:
        result = _follow(operator, kind, deployment, payload, options)
    return result.exit_code


def _follow(
    operator: Operator,
    kind: str,
    deployment: str,
    payload: Mapping[str, Json],
    options: Mapping[str, Any],
) -> RunResult:
    def begin(engine: RunEngine) -> RunResult:
        earlier = engine.pending(deployment)
        if earlier is not None and earlier.kind == kind:
            return engine.resume(earlier.run, lock_wait=options["lock_wait"])
        return engine.start(
            kind, deployment, payload, started_by=operator.name, lock_wait=options["lock_wait"]
        )

    show = Show(f"{kind} {deployment}", options["output"], options["timeout"])
    return follow_run(operator, show, begin)


def _print_login_service() -> int:
    program = Path(os.environ.get("BARBERPRO_REPOSITORY", ".")) / "scripts" / "barberpro"
    kept = {name: os.environ[name] for name in KEPT_AT_LOGIN if name in os.environ}
    service = user_service([str(program.resolve()), "start"], kept)
    click.echo(service.text, nl=False)
    click.echo(f"\nwrite this to {service.path}, then run:", err=True)
    for command in service.enable:
        click.echo(f"  {command}", err=True)
    return 0


def _start_all() -> int:
    local = LocalPlatform.open()
    records = local.store.deployments()
    wanted = [record for record in records if not record.stopped]
    if not wanted:
        stopped = ", ".join(record.id for record in records)
        hint = (
            f"stopped on purpose: {stopped}; barberpro start NAME starts one"
            if stopped
            else "nothing is deployed here"
        )
        click.echo(hint, err=True)
        return 0
    click.echo(local.ensure_running().detail, err=True)
    for record in wanted:
        name = record.hostnames[0] if record.hostnames else f"{record.id}.localhost"
        click.echo(f"https://{name}:{local.store.platform().https_port}")
    return 0
