"""The workers' side: `procrastinate --app=tasks.app worker` runs stages and upkeep.

`app` is made from the environment when it is first asked for, so that importing this package needs none.
"""

import sys
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tasks.worker_app import WorkerApp


def __getattr__(name: str) -> "WorkerApp":
    if name == "app":
        return _app()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@cache
def _app() -> "WorkerApp":
    from app.settings import BadSettings, read_settings
    from tasks.worker_app import make_app

    try:
        return make_app(read_settings())
    except BadSettings as error:
        sys.exit(str(error))
