"""The entry point: the table of commands, and how an error ends (DESIGN §10)."""

from __future__ import annotations

import difflib
import itertools
import json
import os
import sys
import time
import traceback
from pathlib import Path

import click

from barberpro import __version__
from barberpro.cli.lazy import Entry, LazyGroup
from barberpro.cli.settings import defaults_from_files
from barberpro.errors import BarberProError, ExitCode

COMMANDS = {
    "deploy": Entry(
        "barberpro.cli.commands.deploy:deploy",
        "Turn a template into a live booking business, or update one.",
        "BarberPro: reading the catalog and planning ...",
    ),
    "upgrade": Entry(
        "barberpro.cli.commands.upgrade:upgrade",
        "Bring all deployments up to date, in waves.",
        "BarberPro: looking at every deployment ...",
    ),
    "plan": Entry("barberpro.cli.commands.plan:plan", "Show what deploy would do, and change nothing."),
    "list": Entry("barberpro.cli.commands.overview:list_", "All deployments of this machine."),
    "status": Entry("barberpro.cli.commands.overview:status", "One deployment: state, services, open points."),
    "open": Entry("barberpro.cli.commands.access:open_", "Open a deployment, its owner's link or the mail catcher."),
    "certificate": Entry("barberpro.cli.commands.access:certificate", "The local CA, and how to trust it."),
    "logs": Entry("barberpro.cli.commands.logs:logs", "Log lines of a deployment, merged by time."),
    "runs": Entry("barberpro.cli.commands.runs:runs", "History of runs, or every step of one run."),
    "resume": Entry(
        "barberpro.cli.commands.runs:resume",
        "Finish a run that was interrupted or killed.",
        "BarberPro: looking for what was interrupted ...",
    ),
    "start": Entry(
        "barberpro.cli.commands.lifecycle:start",
        "Start a deployment, or all (after a reboot).",
        "BarberPro: starting ...",
    ),
    "stop": Entry("barberpro.cli.commands.lifecycle:stop", "Stop a deployment, or all; data stays.", "BarberPro: stopping ..."),
    "destroy": Entry("barberpro.cli.commands.lifecycle:destroy", "Remove a deployment; keeps a final backup."),
    "diff": Entry("barberpro.cli.commands.drift:diff", "What somebody changed by hand on the cluster."),
    "public": Entry("barberpro.cli.commands.public:public", "Serve on public domains: address, DNS, certificates."),
    "catalog": Entry("barberpro.cli.commands.catalog:catalog", "Verticals, markets, regions, providers, controls."),
    "cluster": Entry("barberpro.cli.commands.cluster:cluster", "Is a Kubernetes cluster ready, and what makes it so."),
    "infrastructure": Entry(
        "barberpro.cli.commands.infrastructure:infrastructure", "Terraform for a cloud's cluster and database."
    ),
    "doctor": Entry("barberpro.cli.commands.doctor:doctor", "Check this machine and say what to mend."),
    "completion": Entry("barberpro.cli.commands.completion:completion", "Completion script for bash, zsh or fish."),
}  # fmt: skip

EXAMPLES = """\b
Examples:
  barberpro deploy --vertical barbershop --name "BarberShop Palermo" \\
      --market small --region argentina-central
  barberpro plan --vertical dental --name "Sonrisas Once" --market medium --region argentina-central
  barberpro status barbershop-palermo
  barberpro open barbershop-palermo --owner

\b
Exit codes: 0 done, 1 failed, 2 wrong usage or input, 3 refused by a finding,
4 locked by another run, 10 a dry run with changes (--detailed-exitcode).
"""


@click.group(
    cls=LazyGroup,
    entries=COMMANDS,
    epilog=EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "BARBERPRO"},
)
@click.version_option(__version__, prog_name="barberpro")
@click.pass_context
def root(ctx: click.Context) -> None:
    """One command turns a template into a live, lawful, monitored booking business."""
    ctx.default_map = defaults_from_files(Path.cwd(), os.environ)


def main() -> int:
    """Run the command line; every ending is an exit code and at most one message."""
    try:
        result = root.main(prog_name="barberpro", standalone_mode=False)
        return int(result) if isinstance(result, int) else ExitCode.DONE
    except BarberProError as error:
        _report(error)
        return error.exit_code
    except click.exceptions.Exit as ending:
        return ending.exit_code
    except click.Abort:
        click.echo("stopped: nothing more was changed", err=True)
        return ExitCode.INTERRUPTED
    except click.ClickException as error:
        _usage(error)
        return ExitCode.USAGE
    except KeyboardInterrupt:
        click.echo("\nstopped", err=True)
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # whoever read our output has closed it: leave without a word, as `yes | head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.FAILED
    except Exception as error:  # noqa: BLE001 - the last fence before the operator
        return _unexpected(error)


def _wants_json() -> bool:
    words = sys.argv[1:]
    return "--output=json" in words or "-ojson" in words or any(
        word in {"-o", "--output"} and following == "json" for word, following in itertools.pairwise(words)
    )  # fmt: skip


def _report(error: BarberProError) -> None:
    if _wants_json():
        fields = {"what": error.what, "where": error.where, "mend": error.mend}
        click.echo(
            json.dumps({"schema": 1, "event": "error", "exit_code": int(error.exit_code), **fields})
        )
    click.echo(click.style("error: ", fg="red", bold=True) + str(error), err=True)


def _usage(error: click.ClickException) -> None:
    message = error.format_message()
    if isinstance(error, click.UsageError) and message.startswith("No such command"):
        given = message.split("'")[1] if "'" in message else ""
        near = difflib.get_close_matches(given, COMMANDS, n=1)
        message += f" Did you mean '{near[0]}'?" if near else ""
    _report(_UsageError(message, mend=_help_hint(error)))


class _UsageError(BarberProError):
    exit_code = ExitCode.USAGE


def _help_hint(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    return f"see: {context.command_path} --help" if context is not None else "see: barberpro --help"


def _unexpected(error: Exception) -> int:
    """A defect of ours: the operator gets one message, the details go to a file."""
    folder = Path(os.environ.get("BARBERPRO_HOME") or Path.home() / ".cache" / "barberpro")
    report = folder / f"crash-{time.strftime('%Y%m%d-%H%M%S')}.log"
    text = "".join(traceback.format_exception(error))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        report.write_text(text, encoding="utf-8")
        where = str(report)
    except OSError:
        where = "the report could not be written: " + text.strip().splitlines()[-1]
    _report(
        BarberProError(
            f"this is a defect in BarberPro: {type(error).__name__}: {error}",
            where=where,
            mend="run the same command again (a run goes on where it was); if it comes back, send that file",
        )
    )
    return ExitCode.FAILED
