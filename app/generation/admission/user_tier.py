"""A user's tier by the platform's database, in place of the token's."""

from dataclasses import replace

from app.database.pool import Database, only_row
from app.database.queries import QUERIES
from app.generation.callers import Caller
from app.generation.tiers import TierNames


def with_platform_tier(db: Database, caller: Caller, names: TierNames) -> Caller:
    """The caller with the tier that the platform has for them now; FREE where it has none."""
    with db.connection() as conn:
        row = only_row(conn.execute(QUERIES["find_user_tier"], {"user_id": caller.user_id}))
    return replace(caller, tier=names.read(row["tier"]))
