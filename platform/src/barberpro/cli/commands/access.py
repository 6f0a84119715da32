"""``barberpro open`` and ``barberpro certificate``: the ways in, and the certificate behind them."""

from __future__ import annotations

import hashlib
import ssl
import webbrowser
from pathlib import Path

import click

from barberpro.cli.composition import Operator, open_operator
from barberpro.cli.options import deployment_argument
from barberpro.cli.output import emit, output_option
from barberpro.cli.planned import applied_plan
from barberpro.cli.welcome import owner_link
from barberpro.errors import BarberProError
from barberpro.targets.local.platform import LocalPlatform


@click.command("open")
@deployment_argument
@click.option("--owner", "what", flag_value="owner", help="A one-time sign-in link for the owner.")
@click.option("--mail", "what", flag_value="mail", help="The mail catcher of this machine.")
@click.option("--runbook", "what", flag_value="runbook", help="The deployment's runbook.")
@click.option("--print", "only_print", is_flag=True, help="Print the address and open nothing.")
def open_(deployment: str, what: str | None, only_print: bool) -> None:
    """Open DEPLOYMENT in the browser: its booking page, or what a flag names.

    \b
    Examples:
      barberpro open barbershop-palermo
      barberpro open barbershop-palermo --owner --print
    """
    with open_operator() as operator:
        address = _address(operator, deployment, what)
    if not address:
        raise BarberProError("the app gave no link", mend=f"barberpro logs {deployment}")
    click.echo(address)
    if not only_print and not webbrowser.open(address):
        click.echo("no browser could be opened here; the address is above", err=True)


def _address(operator: Operator, deployment: str, what: str | None) -> str:
    plan, _ = applied_plan(operator.platform.layout, deployment)
    if what == "owner":
        return owner_link(operator, plan)
    if what == "mail":
        return operator.platform.mail_url()
    if what == "runbook":
        return operator.runbook(deployment).as_uri()
    return operator.target.access(plan, None).url


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
