"""`python -m barberpro_app COMMAND`: parses, calls one command module, reports errors."""

from __future__ import annotations

import argparse
import gc
import importlib
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import cast

from barberpro_app import __version__
from barberpro_app.kit.errors import AppError, ConfigurationError

DONE, FAILED, USAGE = 0, 1, 2

_MODULES = {
    "serve": "barberpro_app.commands.serve",
    "worker": "barberpro_app.commands.worker",
    "migrate": "barberpro_app.commands.migrate",
    "seed": "barberpro_app.commands.seed",
    "services": "barberpro_app.commands.services",
    "openapi": "barberpro_app.commands.openapi",
    "owner-link": "barberpro_app.commands.owner_link",
    "api-client": "barberpro_app.commands.api_client",
    "remove-test-data": "barberpro_app.commands.remove_test_data",
    "rotate-notes-key": "barberpro_app.commands.rotate_notes_key",
    "console": "barberpro_app.commands.console",
}

#: Libraries that others use where they find them, only to colour terminals: without this structlog
#: loads rich, which costs each process 5 MB and 0.2 s for lines of JSON.
_LEFT_OUT = ("rich",)


def build_parser() -> argparse.ArgumentParser:
    """The commands of docs/reference/app-contract.md."""
    parser = argparse.ArgumentParser(
        prog="barberpro-app", description="The booking product of one brand.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    _add_serve(commands)
    commands.add_parser("worker", help="run the jobs alone: messages, expiry, clean-up")
    commands.add_parser("migrate", help="bring the schema up to date; safe to repeat")
    seed = commands.add_parser("seed", help="load first data; safe to repeat")
    seed.add_argument("file", metavar="FILE", help="seed.json, or - for stdin")
    commands.add_parser("services", help="the services that this release contains")

    commands.add_parser("openapi", help="the API of all services, as it is kept in the release")

    link = commands.add_parser("owner-link", help="a one-time sign-in link for an owner")
    link.add_argument("--email", required=True)

    client = commands.add_parser("api-client", help="programs that may use the API")
    actions = client.add_subparsers(dest="action", required=True, metavar="ACTION")
    create = actions.add_parser("create", help="prints the secret once")
    create.add_argument("name", metavar="NAME")
    create.add_argument("--scope", action="append", required=True, metavar="S", dest="scopes")
    remove = actions.add_parser("remove")
    remove.add_argument("name", metavar="NAME")

    test_data = commands.add_parser("remove-test-data", help="remove what a test left")
    test_data.add_argument(
        "--marker", required=True, metavar="DOMAIN", help="part after @ of the test clients' e-mail"
    )
    test_data.add_argument(
        "--api-client", metavar="NAME", help="remove the test's API client too, where there is one"
    )
    commands.add_parser(
        "rotate-notes-key", help="wrap the patients' data keys under the new notes-key"
    )
    commands.add_parser("console", help="many commands in one process: JSON lines in and out")
    parser.set_defaults(run_command=main)
    return parser


def _add_serve(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    serve = commands.add_parser("serve", help="serve pages and API until SIGTERM")
    where = serve.add_mutually_exclusive_group()
    where.add_argument("--uds", metavar="PATH", help="listen on a Unix socket")
    where.add_argument("--host", default="127.0.0.1", help="address (default 127.0.0.1)")
    serve.add_argument("--port", type=_port, default=8000, help="port with --host; 0 takes any")
    serve.add_argument("--with-worker", action="store_true", help="run the jobs in this process")
    serve.add_argument(
        "--services", metavar="A,B", help="serve these of the enabled services alone (default: all)"
    )
    serve.add_argument(
        "--peers",
        default="",
        metavar="URL",
        help="where the other services are, with {service} in it: the gateway passes requests on",
    )
    serve.add_argument(
        "--trusted-proxies",
        default="127.0.0.1,::1",
        metavar="NETS",
        help="whose X-Forwarded-For is believed with --host (default: this machine)",
    )
    serve.add_argument(
        "--socket-mode", type=_mode, default=0o660, metavar="OCTAL", help="default 0660"
    )


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return number


def _mode(text: str) -> int:
    mode = int(text, 8)
    if not 0 <= mode <= 0o777 or mode & 0o007:
        raise argparse.ArgumentTypeError("others must not reach the socket: 0600 or 0660")
    return mode


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command. Exit codes: 0 done, 1 failed, 2 wrong usage or configuration."""
    parsed = build_parser().parse_args(arguments)
    run = _load(parsed.command)
    try:
        return run(parsed)
    except ConfigurationError as error:
        return _fail(str(error), USAGE)
    except AppError as error:
        return _fail(error.message, FAILED)
    except KeyboardInterrupt:
        return _fail("interrupted", 130)


def _load(command: str) -> Callable[[argparse.Namespace], int]:
    for name in _LEFT_OUT:
        sys.modules.setdefault(name, cast("ModuleType", None))
    gc.disable()  # what modules make stays: looking for garbage among it costs a tenth of the start
    try:
        module = importlib.import_module(_MODULES[command])
    finally:
        gc.enable()
    return cast("Callable[[argparse.Namespace], int]", module.run)


def _fail(message: str, code: int) -> int:
    sys.stderr.write(f"error: {message}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
