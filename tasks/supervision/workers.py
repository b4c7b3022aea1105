"""The production worker in the foreground: `python -m tasks.supervision.workers`, configured by the environment alone.

Stages run apart from upkeep and webhooks, each with a concurrency of its own, so that full stages never starve what
takes over the work of the dead.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

from app.settings import BadSettings, read_settings
from tasks.supervision.supervisor import Command, Supervisor

ROOT = Path(__file__).resolve().parents[2]

WORKER = [sys.executable, "-m", "procrastinate", "--app=tasks.app", "worker"]
UPKEEP_QUEUES = "upkeep,builtin"
UPKEEP_CONCURRENCY = 2

#: A worker is killed this long after its own grace is over.
MARGIN_S = 5.0


def worker_commands(
    concurrency: int, environment: Mapping[str, str] | None = None, logs: Path | None = None
) -> list[Command]:
    """The workers of one machine, together serving every queue; their output goes to files in `logs` if given.

    How much those of webhooks send at once is `WEBHOOK_CONCURRENCY`'s to say.
    """
    queues = {
        "worker": ("stages", ["--concurrency", str(concurrency)]),
        "upkeep": (UPKEEP_QUEUES, ["--concurrency", str(UPKEEP_CONCURRENCY)]),
        "webhooks": ("webhooks", []),
    }
    return [
        Command(
            name,
            [*WORKER, "--name", name, "--queues", served, *more],
            environment,
            logs / f"{name}.log" if logs is not None else None,
        )
        for name, (served, more) in queues.items()
    ]


def main() -> int:
    """The exit code: 0 after SIGINT or SIGTERM, 1 or a worker's own when the settings or the database don't fit."""
    try:
        settings = read_settings()
    except BadSettings as error:
        print(error, file=sys.stderr)
        return 1
    commands = worker_commands(settings.worker_concurrency)
    return Supervisor(commands, grace_s=settings.shutdown_grace_s + MARGIN_S, cwd=ROOT).run()


if __name__ == "__main__":
    sys.exit(main())
