"""What the processes of all Python stacks share: servers, statements, tiers, slots, log."""

import json
import logging
import os
import re
from pathlib import Path

DATABASE_URL = os.environ["DATABASE_URL"]
REDIS_URL = os.environ["REDIS_URL"]
JWT_SECRET = os.environ["JWT_SECRET"]
JWT_AUDIENCE = os.environ["JWT_AUDIENCE"]
SYSTEM_LIMIT = int(os.environ["GLOBAL_CONCURRENCY_LIMIT"])

#: Connections of one process.
POOL_SIZE = 8
CONCURRENCY = int(os.environ.get("WORKER_CONCURRENCY", "4"))

#: How long a stage waits between its two writes, in place of work.
STAGE_S = float(os.environ.get("STAGE_S", "0"))
FIRST_STAGE, LAST_STAGE = 2, 5
MESSAGES = {"in_progress": "Стадия началась", "completed": "Стадия завершена"}

#: Statements with `$1`, `$2`, … for their values; asyncpg reads them as they are.
STATEMENTS: dict[str, str] = json.loads(os.environ["STATEMENTS"])
#: The same with `%s`, as psycopg reads them.
PSYCOPG_STATEMENTS = {name: re.sub(r"\$\d+", "%s", text) for name, text in STATEMENTS.items()}

#: Generations that a user of the tier may run at once.
USER_LIMITS = {"FREE": 1, "BASIC": 2, "STANDARD": 3, "TRIAL": 5, "PREMIUM": 5}
#: The tier's urgency from 1, the least urgent, to 10.
URGENCY = {"FREE": 1, "BASIC": 3, "STANDARD": 5, "TRIAL": 5, "PREMIUM": 10}

TAKE_SLOTS = (Path(__file__).parent / "slots.lua").read_text(encoding="utf-8")
ADMITTED = "Генерация курса инициализирована"

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")


def slot_keys(user_id: str) -> list[str]:
    """The counters of the user and of the system."""
    return [f"concurrency:user:{user_id}", "concurrency:global"]
