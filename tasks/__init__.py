"""The workers' side. `procrastinate --app=tasks.app worker` runs stages and upkeep."""

import sys

from app.settings import BadSettings, read_settings
from tasks.worker import make_app

try:
    app = make_app(read_settings())
except BadSettings as error:
    sys.exit(str(error))
