"""`coursegen`: runs the service's processes and everything that its operators do.

It stands above both the API and the workers, which know nothing of each other.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import click

from app.settings import VERSION, BadSettings, read_settings
from app.settings.env_file import UNITS_FILE, VARIABLE, BadEnvFile, load_env_file
from coursegen import completion
from tasks.supervision.workers import WORKERS, run_worker, run_workers

T = TypeVar("T")


class Commands(click.Group):
    """The processes, and what operators do, which is imported when it is asked for: a worker needs none of it."""

    def list_commands(self, context: click.Context) -> list[str]:
        from app.cli import COMMANDS

        return sorted([*self.commands, *(command.name or "" for command in COMMANDS)])

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name in self.commands:
            return self.commands[name]
        from flask.cli import ScriptInfo

        from app import create_app
        from app.cli import COMMANDS

        context.obj = ScriptInfo(create_app=partial(_configured, create_app), set_debug_flag=False)
        return next((command for command in COMMANDS if command.name == name), None)


@click.group(cls=Commands, commands=[completion.command])
@click.version_option(VERSION, prog_name="coursegen")
@click.option(
    "--env-file",
    envvar=VARIABLE,
    type=click.Path(path_type=Path),
    help=f"A file of settings, which the environment overrides. [default: {UNITS_FILE}, without a DATABASE_URL]",
)
@click.pass_context
def main(context: click.Context, env_file: Path | None) -> None:
    """Run and operate the course generation service. The environment configures it, and the file of its units."""
    if not _configured(partial(load_env_file, env_file)):
        click.echo(f"This user can't read {UNITS_FILE}: use sudo.", err=True)


@main.command("api")
def api() -> None:
    """Run the API in the foreground."""
    from app.server.serve import main as serve  # the other commands need no server

    serve()


@main.command("console")
def console() -> None:
    """Run the operators' console in the foreground."""
    from app.console.serve import main as serve

    serve()


@main.command("worker")
@click.option("--only", type=click.Choice(list(WORKERS)), help="Run one worker, which serves this alone.")
@click.pass_context
def worker(context: click.Context, only: str | None) -> None:
    """Run the workers in the foreground. A worker that dies is started again."""
    settings = _configured(read_settings)
    if only is None:
        context.exit(run_workers(settings))
    run_worker(settings, only)


def _configured(make: Callable[[], T]) -> T:
    """What `make` returns. Bad settings end the command with a sentence on each."""
    try:
        return make()
    except (BadSettings, BadEnvFile) as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
