"""``barberpro completion SHELL``."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from barberpro.errors import InvalidInputError


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script for SHELL.

    \b
    Examples:
      barberpro completion bash > ~/.local/share/bash-completion/completions/barberpro
      barberpro completion zsh > "${fpath[1]}/_barberpro"
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise InvalidInputError(f"no completion for {shell}", mend="use bash, zsh or fish")
    click.echo(kind(ctx.find_root().command, {}, "barberpro", "_BARBERPRO_COMPLETE").source())
