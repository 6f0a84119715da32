"""``barberpro public``: whether and how the world reaches this machine's deployments."""

from __future__ import annotations

import time
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from barberpro.adapters.dns.providers import CDNS, MANUAL, NAMES, NO_CDN
from barberpro.cli.options import DURATION, together
from barberpro.cli.output import duration, emit, output_option
from barberpro.cli.public_settings import public_settings
from barberpro.cli.public_view import show_public, show_records
from barberpro.errors import ExitCode, InvalidInputError
from barberpro.operations.domain_check import examine, leads_here
from barberpro.operations.publishing import cluster_facts, cluster_ways, target_facts
from barberpro.planning.hosts import HostError, public_domain
from barberpro.targets.kubernetes.records import Records
from barberpro.targets.local.platform import LocalPlatform
from barberpro.targets.local.publishing import set_public
from barberpro.targets.local.state import LETS_ENCRYPT

POLL_SECONDS = 10.0
PATH = click.Path(path_type=Path)
SETTINGS = together(
    (
        click.option("--listen", multiple=True, metavar="ADDRESS", help="Addresses to listen on; all of IPv4 (and IPv6) otherwise."),
        click.option("--https-port", type=click.IntRange(1, 65535), default=443, show_default=True),
        click.option("--http-port", type=click.IntRange(1, 65535), default=80, show_default=True),
        click.option("--ipv4", default="", metavar="ADDRESS", help="What public A records lead to."),
        click.option("--ipv6", default="", metavar="ADDRESS", help="What public AAAA records lead to."),
        click.option("--cname", "name", default="", metavar="NAME", help="A name to follow, in place of addresses (dynamic DNS)."),
        click.option("--dns", type=click.Choice(NAMES), default=MANUAL, show_default=True, help="Who writes the records; manual: you do."),
        click.option("--dns-credentials", type=PATH, metavar="FILE", help="JSON file, readable by you alone."),
        click.option("--cdn", type=click.Choice(CDNS), default=NO_CDN, show_default=True, help="A network in front, by the credentials of --dns."),
        click.option("--resolver", "resolvers", multiple=True, metavar="ADDRESS[:PORT]", help="Ask this resolver in place of the machine's."),
        click.option("--challenge", type=click.Choice(["http-01", "dns-01"]), default="http-01", show_default=True, help="Where the authority looks for its proof: at port 80 here, or in DNS (needs --dns)."),
        click.option("--acme-directory", default=LETS_ENCRYPT, show_default=True, metavar="URL", help="Certificate authority."),
        click.option("--acme-email", default="", metavar="EMAIL", help="Where the authority writes to."),
        click.option("--acme-roots", type=PATH, metavar="FILE", help="PEM: who vouches for a private directory."),
        click.option("--trusted-roots", type=PATH, metavar="FILE", help="PEM: who vouches for its certificates."),
        click.option("--renew-check", "renew_check_seconds", type=DURATION, default="10m", show_default=True, help="How often certificates are looked at."),
        click.option("--certificate-authority", metavar="NAME", help="The authority's name in CAA records."),
    )
)  # fmt: skip


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
@SETTINGS
def set_(**options: Any) -> None:
    """Open this machine to the world, or change how. Deployments follow with the next deploy.

    \b
    Try it first with certificates that browsers do not trust:
      barberpro public set --ipv4 203.0.113.7 \\
          --acme-directory https://acme-staging-v02.api.letsencrypt.org/directory
    """
    wanted = public_settings(options)
    platform = LocalPlatform.open()
    set_public(platform, wanted)
    show_public(wanted)
    click.echo("next: deploy with --domain, or deploy again what has one", err=True)


@public.command()
@output_option
def show(output: str) -> None:
    """Show how the world reaches this machine, and the deployments on clusters."""
    platform = LocalPlatform.open()
    known = platform.store.platform().public
    ways = list(cluster_ways(Records(platform.layout.home)))
    data = known.model_dump(mode="json") if known else None
    if ways:
        data = {**(data or {}), "clusters": [asdict(way) for way in ways]}
    emit(data, output, lambda: show_public(known, ways))


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
    """Ask DNS whether DOMAIN leads to this machine, or to the cluster that serves it, record by record.
    Exits 1 where it does not.

    \b
    Examples:
      barberpro public check turnos.example.com.ar
      barberpro public check turnos.example.com.ar --wait 30m
    """
    platform = LocalPlatform.open()
    known = platform.store.platform().public
    on_cluster = cluster_facts(Records(platform.layout.home), domain)
    if known is None and on_cluster is None:
        raise InvalidInputError(
            "this machine is not open to the world", mend="barberpro public set --help"
        )
    try:
        name = public_domain(domain)
    except HostError as error:
        raise InvalidInputError(f"'{domain}' is not a public domain: {error}") from error
    facts = on_cluster or target_facts(known, None)
    resolvers = tuple(known.resolvers) if known is not None else ()
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
        lambda: show_records(states),
    )
    return ExitCode.DONE if leads_here(states) else ExitCode.FAILED


@public.command()
@click.option(
    "--watch", "forever", is_flag=True, help="Go on looking; the platform itself runs this."
)
def renew(forever: bool) -> int:
    """Renew the certificates that are proved in DNS and have a third of their life left. Exits 1 where
    one could not be. The platform does it by itself; this is to see why it does not."""
    platform = LocalPlatform.open()
    renewing = import_module("barberpro.operations.renewing")
    if forever:
        renewing.watch(platform, click.echo)
    failed = False
    for name, problem in renewing.renew_all(platform):
        failed = failed or bool(problem)
        click.echo(f"{name}: {problem or 'renewed'}")
    return ExitCode.FAILED if failed else ExitCode.DONE


@public.command()
def off() -> None:
    """Serve on loopback alone again; every name gets a certificate of the local CA."""
    set_public(LocalPlatform.open(), None)
    click.echo(
        "the router listens on loopback alone; public DNS records stay as they are", err=True
    )
