"""Each form acts once, however often it is sent, and what came of it can be shown again."""

from collections.abc import Callable
from uuid import UUID

from app.database.pool import Database
from app.database.queries import QUERIES
from app.generation.errors import GenerationError, OutcomeUnknown
from app.operations.listings import NotFound

#: What may come of a form, apart from what its action says.
RESULTS = {
    "under way": "This was sent already. Its result is not known yet: load the page again in a moment.",
    "unknown": "This failed, and its outcome is not known. Look whether it has happened before you repeat it.",
    "refused": "Nothing was changed: {error}.",
}


def act_once(db: Database, key: UUID, operator: str, act: Callable[[], str], translate: Callable[[str], str]) -> None:
    """Acts, unless the form of that key was sent before, and keeps what came of it. A refusal is a result, too.

    If the process dies meanwhile, the key stays used and has no result: nothing is repeated by itself.
    """
    with db.transaction() as conn:
        is_new = conn.execute(QUERIES["begin_console_form"], {"key": key, "operator": operator}).fetchone() is not None
    if not is_new:
        return
    result = translate(RESULTS["unknown"])
    try:
        result = act()
    except OutcomeUnknown:
        pass
    except (GenerationError, NotFound) as error:
        result = translate(RESULTS["refused"]).format(error=str(error).rstrip("."))
    finally:
        with db.transaction() as conn:
            conn.execute(QUERIES["finish_console_form"], {"key": key, "result": result})


def find_result(db: Database, key: str) -> str | None:
    """What came of the form of that key; None if no such form was sent."""
    try:
        values = {"key": UUID(key)}
    except ValueError:
        return None
    with db.connection() as conn:
        row = conn.execute(QUERIES["find_console_form"], values).fetchone()
    return None if row is None else row["result"] or RESULTS["under way"]
