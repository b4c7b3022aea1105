"""Finds generations by what operators know of them."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import DictRow

from app.database.pool import Database, only_row
from app.database.queries import QUERIES
from app.generation.progress.status import read_id
from app.operations.generations.filters import ACTIVE, PARAMETERS, SAID, BadFilter, Filters
from app.operations.listings import NotFound

PAGE = 50
#: How many matches are counted.
MOST_COUNTED = 1000
#: How many courses a name may match.
MOST_COURSES = 200
#: Events of a rare type are looked up before the generations; of any other, a generation of the newest has one.
MOST_RARE = 20_000


class Ambiguous(NotFound):
    """Several generations have that name; `rows` are as of `search`."""

    def __init__(self, name: str, rows: list[DictRow]) -> None:
        self.rows = rows
        super().__init__(f"Several generations are called {name}: name one by its id")


@dataclass(frozen=True, slots=True)
class Found:
    """A page of generations. `matches`: how many match from this page on, at most one more than are counted."""

    rows: list[DictRow]
    matches: int
    #: The id after which the next page begins; None on the last one.
    after: UUID | None


def search(db: Database, filters: Filters, *, by_title: bool = True, limit: int = PAGE) -> Found:
    """The newest generations that match, at most `limit`. Raises `BadFilter` and `psycopg.errors.QueryCanceled`."""
    with db.connection() as conn:
        ids = match(conn, filters, max(MOST_COUNTED, limit) + 1, by_title=by_title)
        rows = conn.execute(QUERIES["list_generations_by_id"], {"ids": ids[:limit]}).fetchall()
    return Found(rows, len(ids), ids[limit - 1] if len(ids) > limit else None)


def match(conn: Connection[DictRow], filters: Filters, limit: int, *, by_title: bool = True) -> list[UUID]:
    """The ids of the newest generations that match. Raises as `search`."""
    values: dict[str, Any] = dict.fromkeys([*PARAMETERS, "courses", "after_at", "after_id"])
    values |= {**filters.values, "is_rare": False, "limit": limit}
    values["active"] = values["stuck_s"] is not None or values["status"] in ACTIVE
    if filters.course is not None:
        wanted = {"id": read_id(filters.course), "name": filters.course, "by_title": by_title}
        courses = conn.execute(QUERIES["find_course_ids"], {**wanted, "limit": MOST_COURSES + 1}).fetchall()
        if len(courses) > MOST_COURSES:
            raise BadFilter(SAID["courses"], most=MOST_COURSES)
        values["courses"] = [row["id"] for row in courses]
    if values["event"] is not None:
        counted = only_row(conn.execute(QUERIES["count_events_of_type"], {**values, "limit": MOST_RARE + 1}))
        values["is_rare"] = counted["events"] <= MOST_RARE
    if filters.after is not None:
        place = conn.execute(QUERIES["find_generation_place"], {"id": filters.after}).fetchone()
        if place is None:
            raise BadFilter(SAID["gone"])
        values |= {"after_at": place["created_at"], "after_id": place["id"]}
    return [row["id"] for row in conn.execute(QUERIES["search_generations"], values).fetchall()]


def find_named(db: Database, name: str) -> tuple[UUID, int]:
    """The generation of that id, else the latest of the course of that id or slug, else the one of that request's id.

    Returns its id, and how many others the course has. Raises `NotFound`, and `Ambiguous` for several.
    """
    if (generation_id := read_id(name)) is not None:
        with db.connection() as conn:
            if conn.execute(QUERIES["find_generation_place"], {"id": generation_id}).fetchone() is not None:
                return generation_id, 0
    of_course = search(db, Filters(course=name), by_title=False)
    if of_course.rows and len({row["course_id"] for row in of_course.rows}) == 1:
        return of_course.rows[0]["id"], of_course.matches - 1
    found = of_course.rows or search(db, Filters({"request_id": name})).rows
    if len(found) != 1:
        raise Ambiguous(name, found) if found else NotFound(f"No generation, course or request is called {name}")
    return found[0]["id"], 0
