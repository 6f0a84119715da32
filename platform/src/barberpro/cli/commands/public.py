"""``barberpro public``: whether and how the world reaches this machine's deployments."""

from __future__ import annotations

import ipaddress
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from barberpro.adapters.dns.providers import CDNS, MANUAL, NAMES, NO_CDN, open_provider
from barberpro.cli.options import DURATION
from barberpro.cli.output import duration, emit, marked, output_option
from barberpro.errors import ExitCode, InvalidInputError
from barberpro.operations.domain_check import RecordState, examine, leads_here
from barberpro.operations.publishing import target_facts
from barberpro.planning.hosts import HostError, email_address, public_domain
from barberpro.targets.local.platform import LocalPlatform
from barberpro.targets.local.publishing import set_public
from barberpro.targets.local.state import LETS_ENCRYPT, Public

POLL_SECONDS = 10.0
STAGING = "https://acme-staging-v02.api.letsencrypt.org/directory"


@click.group()
def public() -> None:
    """Serve deployments on their own domains: public address, DNS and certificates.

    \b
    Examples:
      barberpro public set --ipv4 203.0.113.7 --dns cloudflare --dns-credentials ~/cloudflare.json
      barberpro public show
      barberpro public check turnos.example.com.ar
      barberpro public off
    """


@public.command("set")
@click.option(
    "--listen",
    multiple=True,
    metavar="ADDRESS",
    help="Addresses to listen on; all of IPv4 (and IPv6) otherwise.",
)
@click.option("--https-port", type=click.IntRange(1, 65535), default=443, show_default=True)
@click.option("--http-port", type=click.IntRange(1, 65535), default=80, show_default=True)
@click.option("--ipv4", default="", metavar="ADDRESS", help="What public A records lead to.")
@click.option("--ipv6", default="", metavar="ADDRESS", help="What public AAAA records lead to.")
@click.option(
    "--cname",
    "name",
    default="",
    metavar="NAME",
    help="A name to follow, in place of addresses (dynamic DNS).",
)
@click.option(
    "--dns",
    type=click.Choice(NAMES),
    default=MANUAL,
    show_default=True,
    help="Who writes the records; manual: you do.",
)
@click.option(
    "--dns-credentials",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="JSON file, readable by you alone.",
)
@click.option(
    "--cdn",
    type=click.Choice(CDNS),
    default=NO_CDN,
    show_default=True,
    help="A network in front, by the same credentials as --dns.",
)
@click.option(
    "--resolver",
    "resolvers",
    multiple=True,
    metavar="ADDRESS[:PORT]",
    help="Ask this resolver in place of the machine's.",
)
@click.option(
    "--acme-directory",
    default=LETS_ENCRYPT,
    show_default=True,
    metavar="URL",
    help="Certificate authority.",
)
@click.option("--acme-email", default="", metavar="EMAIL", help="Where the authority writes to.")
@click.option(
    "--acme-roots",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="PEM: who vouches for a private directory.",
)
@click.option(
    "--trusted-roots",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="PEM: who vouches for its certificates.",
)
@click.option(
    "--renew-check", "renew_check_seconds", type=DURATION, default="10m", show_default=True,
    help="How often certificates are looked at.",
)  # fmt: skip
@click.option(
    "--certificate-authority", metavar="NAME", help="The authority's name in CAA records."
)
def set_(**options: Any) -> None:
    """Open this machine to the world, or change how. Deployments follow with the next deploy.

    \b
    Try it first with certificates that browsers do not trust:
      barberpro public set --ipv4 203.0.113.7 \\
          --acme-directory https://acme-staging-v02.api.letsencrypt.org/directory
    """
    wanted = _wanted(options)
    platform = LocalPlatform.open()
    set_public(platform, wanted)
    _show(wanted)
    click.echo("next: deploy with --domain, or deploy again what has one", err=True)


@public.command()
@output_option
def show(output: str) -> None:
    """Show how the world reaches this machine."""
    known = LocalPlatform.open().store.platform().public
    emit(known.model_dump(mode="json") if known else None, output, lambda: _show(known))


@public.command()
@click.argument("domain")
@click.option(
    "--wait",
    type=DURATION,
    default=0.0,
    metavar="TIME",
    help="Ask again until it is so, at most this long.",
)
@output_option
def check(domain: str, wait: float, output: str) -> int:
    """Ask DNS whether DOMAIN leads to this machine, record by record. Exits 1 where it does not.

    \b
    Examples:
      barberpro public check turnos.example.com.ar
      barberpro public check turnos.example.com.ar --wait 30m
    """
    known = LocalPlatform.open().store.platform().public
    if known is None:
        raise InvalidInputError(
            "this machine is not open to the world", mend="barberpro public set --help"
        )
    try:
        name = public_domain(domain)
    except HostError as error:
        raise InvalidInputError(f"'{domain}' is not a public domain: {error}") from error
    facts, resolvers = target_facts(known, None), tuple(known.resolvers)
    deadline = time.monotonic() + wait
    while not leads_here(states := examine(name, facts, resolvers)):
        left = deadline - time.monotonic()
        if left <= 0:
            break
        click.echo(f"not yet; asking again for {duration(left)}", err=True)
        time.sleep(min(POLL_SECONDS, left))
    emit(
        [asdict(state) | {"there": state.there} for state in states],
        output,
        lambda: _show_records(states),
    )
    return ExitCode.DONE if leads_here(states) else ExitCode.FAILED


@public.command()
def off() -> None:
    """Serve on loopback alone again; every name gets a certificate of the local CA."""
    set_public(LocalPlatform.open(), None)
    click.echo(
        "the router listens on loopback alone; public DNS records stay as they are", err=True
    )


def _wanted(options: dict[str, Any]) -> Public:
    """The settings from the flags. Raises ``InvalidInputError`` that names the flag."""
    for flag in ("ipv4", "ipv6"):
        _check_address(flag, options[flag])
    if not (options["ipv4"] or options["ipv6"] or options["name"]):
        raise InvalidInputError(
            "say what public records are to lead to", mend="--ipv4, --ipv6 or --cname"
        )
    checked = {"name": public_domain, "acme_email": email_address}
    for field, convert in checked.items():
        try:
            options[field] = convert(options[field]) if options[field] else ""
        except HostError as error:
            raise InvalidInputError(
                f"'{options[field]}': {error}",
                where="--cname" if field == "name" else f"--{field.replace('_', '-')}",
            ) from error
    if not options["acme_directory"].startswith("https://"):
        raise InvalidInputError(
            "the directory of a certificate authority is an https:// address",
            where="--acme-directory",
        )
    for field in ("acme_roots", "trusted_roots", "dns_credentials"):
        options[field] = _existing(field, options[field])
    _check_provider(options)
    listen = list(options.pop("listen"))
    for address in listen:
        _check_address("listen", address)
    authority = options.pop("certificate_authority")
    if authority is None:
        authority = (
            "letsencrypt.org" if options["acme_directory"] in {LETS_ENCRYPT, STAGING} else ""
        )
    addresses = listen or ["0.0.0.0", *(["::"] if options["ipv6"] else [])]  # noqa: S104 - asked for
    return Public(
        addresses=addresses, certificate_authority=authority,
        **{
            **options,
            "resolvers": list(options["resolvers"]),
            "renew_check_seconds": int(options["renew_check_seconds"]),
        },
    )  # fmt: skip


def _check_address(flag: str, text: str) -> None:
    try:
        parsed = ipaddress.ip_address(text) if text else None
    except ValueError as error:
        raise InvalidInputError(f"'{text}' is not an IP address", where=f"--{flag}") from error
    if parsed is not None and flag in {"ipv4", "ipv6"} and flag != f"ipv{parsed.version}":
        raise InvalidInputError(f"'{text}' is an address of IPv{parsed.version}", where=f"--{flag}")


def _existing(field: str, path: Path | None) -> str:
    if path is None:
        return ""
    flag = "--" + field.replace("_", "-")
    if not path.is_file():
        raise InvalidInputError("there is no such file", where=f"{flag} {path}")
    return str(path.resolve())


def _check_provider(options: dict[str, Any]) -> None:
    """The credentials are read once here, so that a mistake is seen now and not at stage 6."""
    if options["cdn"] not in {NO_CDN, options["dns"]}:
        raise InvalidInputError(
            f"--cdn {options['cdn']} stands in front of a zone at {options['cdn']} alone",
            mend=f"--dns {options['cdn']}, or no --cdn",
        )
    if options["dns"] == MANUAL:
        if options["dns_credentials"]:
            raise InvalidInputError("credentials without a provider", mend="add --dns")
        return
    if not options["dns_credentials"]:
        raise InvalidInputError(
            f"--dns {options['dns']} needs its credentials", mend="--dns-credentials FILE"
        )
    open_provider(options["dns"], Path(options["dns_credentials"]))


def _show_records(states: list[RecordState]) -> None:
    for state in states:
        text = f"{state.name}. {state.type} {state.wanted}"
        if state.there:
            click.echo(marked("ok", text))
            continue
        instead = f"found {', '.join(state.seen)}" if state.seen else state.problem
        click.echo(marked("bad" if state.needed else "warn", f"{text}: {instead}"))


def _show(known: Public | None) -> None:
    if known is None:
        click.echo(
            marked("none", "loopback alone: nobody outside this machine reaches a deployment")
        )
        return
    click.echo(marked("ok", f"HTTPS on {', '.join(known.addresses)}, port {known.https_port}"))
    click.echo(marked("ok", f"HTTP on port {known.http_port}: proof for certificates, redirects"))
    leads = ", ".join(filter(None, (known.ipv4, known.ipv6, known.name)))
    click.echo(marked("ok", f"public records lead to {leads}"))
    who = "you write them" if known.dns == MANUAL else f"BarberPro writes them at {known.dns}"
    click.echo(marked("ok" if known.dns != MANUAL else "none", f"DNS records: {who}"))
    front = "nothing stands in front" if known.cdn == NO_CDN else f"{known.cdn} stands in front"
    click.echo(marked("none" if known.cdn == NO_CDN else "ok", f"CDN: {front}"))
    click.echo(marked("ok", f"certificates by {known.acme_directory}"))
