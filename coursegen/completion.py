"""`coursegen completion`: the script that makes a shell complete commands, options and their values."""

import click
from click.shell_completion import get_completion_class


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the completion script of SHELL.

    \b
    bash:  coursegen completion bash > /etc/bash_completion.d/coursegen
    zsh:   coursegen completion zsh > "${fpath[1]}/_coursegen"
    fish:  coursegen completion fish > ~/.config/fish/completions/coursegen.fish
    """
    completion = get_completion_class(shell)
    if completion is None:
        raise LookupError(f"click completes nothing in {shell}")
    click.echo(completion(context.find_root().command, {}, "coursegen", "_COURSEGEN_COMPLETE").source())
