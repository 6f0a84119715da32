"""``barberpro open`` and ``barberpro certificate``: the ways in, and the certificate behind them."""

from __future__ import annotations

import hashlib
import signal
import ssl
import time
import webbrowser
from pathlib import Path
from urllib.parse import urlsplit

import click

from barberpro.cli.composition import Operator, open_operator
from barberpro.cli.known import KUBERNETES, has_public_way
from barberpro.cli.options import deployment_argument
from barberpro.cli.output import emit, output_option
from barberpro.cli.planned import applied_plan
from barberpro.cli.welcome import owner_link
from barberpro.errors import BarberProError
from barberpro.planning.model import Plan
from barberpro.targets.local.platform import LocalPlatform
from barberpro.targets.protocol import PassingFaultError

WATCH_SECONDS = 2.0


@click.command("open")
@deployment_argument
@click.option("--owner", "what", flag_value="owner", help="A one-time sign-in link for the owner.")
@click.option("--mail", "what", flag_value="mail", help="The mail catcher of this machine.")
@click.option("--runbook", "what", flag_value="runbook", help="The deployment's runbook.")
@click.option("--print", "only_print", is_flag=True, help="Print the address and open nothing.")
def open_(deployment: str, what: str | None, only_print: bool) -> None:
    """Open DEPLOYMENT in the browser: its booking page, or what a flag names.

    Where nothing leads the public to a deployment on a cluster, a way of this machine's own leads
    there, with HTTPS on loopback, until Ctrl-C.

    \b
    Examples:
      barberpro open barbershop-palermo
      barberpro open barbershop-palermo --owner --print
    """
    with open_operator() as operator:
        plan, _ = applied_plan(operator.platform.layout, deployment)
        own_way = what in (None, "owner") and not has_public_way(operator.platform.layout, plan)
        address = _address(operator, plan, what)
        if not address:
            raise BarberProError("the app gave no link", mend=f"barberpro logs {deployment}")
        if own_way:
            _show_page(_by_own_way(operator, plan, address), only_print)
            _keep_open(operator, plan)
            return
    _show_page(address, only_print)


def _show_page(address: str, only_print: bool) -> None:
    click.echo(address)
    if not only_print and not webbrowser.open(address):
        click.echo("no browser could be opened here; the address is above", err=True)


def _address(operator: Operator, plan: Plan, what: str | None) -> str:
    if what == "owner":
        return owner_link(operator, plan)
    if what == "mail":
        return operator.platform.mail_url()
    if what == "runbook":
        return operator.runbook(plan.deployment_id).as_uri()
    if plan.request.target == KUBERNETES:
        return f"https://{plan.network.hostname}"
    return operator.target.access(plan, None).url


def _by_own_way(operator: Operator, plan: Plan, address: str) -> str:
    """The same page at the end of the way that is opened here; no name of the world's leads there."""
    access = operator.target.access(plan, None)
    place = f"{plan.network.local_hostname}:{access.port}"
    return urlsplit(address)._replace(netloc=place).geturl()


def _keep_open(operator: Operator, plan: Plan) -> None:
    """Until Ctrl-C; a way that a rollout cut off is opened anew."""
    for ended_by in (signal.SIGTERM, signal.SIGHUP):  # in order too: nothing is left behind
        signal.signal(ended_by, signal.default_int_handler)
    authority = operator.target.access(plan, None).ca_certificate
    click.echo(f"open until Ctrl-C; who vouches for it: {authority}", err=True)
    try:
        while True:
            time.sleep(WATCH_SECONDS)
            try:
                operator.target.access(plan, None)
            except PassingFaultError as error:
                click.echo(f"cut off: {error.what}; trying again", err=True)
    except KeyboardInterrupt:
        click.echo("closed", err=True)


@click.command()
@output_option
def certificate(output: str) -> None:
    """Show the local CA's certificate and how to trust it. Nothing is changed.

    A browser that trusts it shows the local deployments without a warning.
    """
    path = LocalPlatform.open().ca_certificate
    if not path.is_file():
        raise BarberProError(
            "there is no local CA yet", where=str(path), mend="it is made by the first deployment"
        )
    digest = (
        hashlib.sha256(ssl.PEM_cert_to_DER_cert(path.read_text(encoding="ascii")))
        .hexdigest()
        .upper()
    )
    fingerprint = ":".join(digest[i : i + 2] for i in range(0, len(digest), 2))
    ways = trust_commands(path)
    data = {"certificate": str(path), "sha256": fingerprint, "trust": ways}
    emit(data, output, lambda: _show(path, fingerprint, ways))


def trust_commands(path: Path) -> dict[str, str]:
    """The command of each system; for the operator to read and run."""
    return {
        "Debian, Ubuntu, WSL": f'sudo cp "{path}" /usr/local/share/ca-certificates/barberpro.crt && sudo update-ca-certificates',
        "Fedora": f'sudo cp "{path}" /etc/pki/ca-trust/source/anchors/barberpro.pem && sudo update-ca-trust',
        "macOS": f'sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain "{path}"',
        "Chrome and Firefox on Linux": f'certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n barberpro -i "{path}"',
        "curl, once": f'curl --cacert "{path}" https://...',
    }


def _show(path: Path, fingerprint: str, ways: dict[str, str]) -> None:
    click.echo(f"local CA  {path}\nSHA-256   {fingerprint}\n")
    click.echo(
        "It signs certificates for this machine's deployments only, and its key never leaves this machine."
    )
    click.echo("To trust it, run what fits your system:")
    for system, command in ways.items():
        click.echo(f"\n  {system}\n    {command}")
