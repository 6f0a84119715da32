"""Flags that several commands share (DESIGN §10), and the values that they parse to."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

_UNITS = {"s": 1, "m": 60, "h": 3600}


class DurationType(click.ParamType[float]):
    """Seconds from ``90``, ``90s``, ``5m`` or ``1h``."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        if isinstance(value, (int, float)):
            return float(value)
        match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)([smh]?)", str(value).strip())
        if match is None:
            self.fail(f"'{value}' is not a duration; write 90s, 5m or 1h", param, ctx)
        return float(match.group(1)) * _UNITS[match.group(2) or "s"]


DURATION = DurationType()

_REQUEST = (
    click.option("--vertical", metavar="VERTICAL", help="Kind of business: barbershop, psychology, fitness, dental ..."),
    click.option("--name", metavar="NAME", help='Name of the brand, such as "BarberShop Palermo".'),
    click.option("--market", metavar="MARKET", help="Size: small, medium, large, enterprise."),
    click.option("--region", metavar="REGION", help="argentina-central, argentina-north, argentina-south."),
    click.option("--domain", metavar="DOMAIN", help="Public domain of the brand, such as psicologia.salud.ar."),
    click.option(
        "--environment", metavar="ENVIRONMENT", default="production", show_default=True,
        help="production, staging or development.",
    ),
    click.option("--provider", metavar="PROVIDER", help="Where it stands: this-machine, on-premises, aws, gcp, azure, huawei."),
    click.option("--provider-location", metavar="LOCATION", help="Which of the provider's locations; its default otherwise."),
    click.option("--target", metavar="TARGET", default="local", show_default=True, help="local or kubernetes."),
    click.option("--owner-email", metavar="EMAIL", help="Address of the owner's account."),
    click.option("--id", "id", metavar="ID", help="Id of the deployment, where the one made from the name will not do."),
    click.option("--clinical-retention-years", metavar="YEARS", help="Keep clinical records this long; the law's floor is 10."),
    click.option(
        "--transfer-instrument", "transfer_instruments", multiple=True, metavar="COUNTRY=INSTRUMENT",
        help="Legal basis for data outside Argentina, such as US=scc-60e-annex-ii:contract-2026-14.",
    ),
    click.option(
        "--catalog", "catalogs", type=click.Path(path_type=Path), multiple=True, metavar="PATH",
        help="Folder with verticals of your own; may be given several times.",
    ),
)  # fmt: skip

_RUN = (
    click.option("--lock-wait", type=DURATION, default=0.0, metavar="TIME", help="Wait this long for another run to end."),
    click.option("--timeout", type=DURATION, metavar="TIME", help="Stop cleanly after this long; the run can be resumed."),
    click.option("--wait/--no-wait", default=True, show_default=True, help="Follow the run, or leave it to the background."),
)  # fmt: skip

_CONSENT = (
    click.option("-y", "--yes", is_flag=True, help="Answer yes to every question."),
    click.option(
        "--non-interactive",
        is_flag=True,
        help="Ask nothing: fail where a question would be needed.",
    ),
)


def together(options: tuple[Callable[[F], F], ...]) -> Callable[[F], F]:
    """One decorator that adds all of them, in their order."""

    def decorate(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


request_options = together(_REQUEST)
run_options = together(_RUN)
consent_options = together(_CONSENT)

deployment_argument = click.argument("deployment", metavar="DEPLOYMENT")
