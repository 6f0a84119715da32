"""How the world reaches this machine, for the eyes of an operator."""

from __future__ import annotations

from collections.abc import Sequence

import click

from barberpro.adapters.dns.providers import MANUAL, NO_CDN
from barberpro.cli.output import marked
from barberpro.operations.domain_check import RecordState
from barberpro.operations.publishing import ClusterWay
from barberpro.targets.local.state import Public


def show_records(states: list[RecordState]) -> None:
    for state in states:
        text = f"{state.name}. {state.type} {state.wanted}"
        if state.there:
            click.echo(marked("ok", text))
            continue
        instead = f"found {', '.join(state.seen)}" if state.seen else state.problem
        click.echo(marked("bad" if state.needed else "warn", f"{text}: {instead}"))


def show_public(known: Public | None, ways: Sequence[ClusterWay] = ()) -> None:
    """``ways`` are those of the deployments on clusters."""
    _show_machine(known)
    for way in ways:
        text = f"{way.domain or way.deployment}: {way.shown}"
        click.echo(marked("ok" if way.certified else "warn", text))


def _show_machine(known: Public | None) -> None:
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
