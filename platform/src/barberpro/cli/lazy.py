"""A command group that loads a command's module only when it is called.

``--help`` then costs what click costs, and a long command says its first word before it imports
what it works with (DESIGN §10: first output within 100 ms).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

import click


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a command lives (``package.module:attribute``), its one line of help, and the words
    said on stderr while it loads (none for commands that answer at once)."""

    place: str
    help: str
    greeting: str = ""


class LazyGroup(click.Group):
    def __init__(self, *args: object, entries: Mapping[str, Entry], **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        self.entries = entries

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = self.entries.get(cmd_name)
        if entry is None:
            return None
        if entry.greeting and _is_for_a_person(sys.argv):
            click.echo(entry.greeting, err=True)
        module, _, attribute = entry.place.partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in self.entries.items()])


def _is_for_a_person(words: list[str]) -> bool:
    quiet = {"--help", "-h", "--quiet", "-q"}
    machine = any(word in {"json", "yaml", "-ojson", "--output=json"} for word in words)
    return not machine and quiet.isdisjoint(words)
