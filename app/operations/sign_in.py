"""How operators sign in at the console: links that are good once, and sessions. Secrets are kept as hashes."""

import hashlib
import secrets
from dataclasses import dataclass

from psycopg import Connection
from psycopg.rows import DictRow

from app.auth.operators import ConsoleRole
from app.database.pool import Database
from app.database.queries import QUERIES
from app.generation.audit import Actor, record_audit

SESSION_S = 8 * 3600
#: The longest time for which a link may be good.
MAX_LINK_S = 24 * 3600


@dataclass(frozen=True, slots=True)
class Operator:
    """Who is signed in, as the audit names them, and what they may do."""

    name: str
    role: ConsoleRole


def create_link(db: Database, role: ConsoleRole, expires_s: int, actor: Actor) -> str:
    """The secret of a new link, which signs in once with that role. Audited."""
    secret = secrets.token_urlsafe(32)
    with db.transaction() as conn:
        conn.execute(QUERIES["delete_expired_sign_ins"])
        values = {"hash": _hash(secret), "role": role, "created_by": actor.name, "expires_s": expires_s}
        conn.execute(QUERIES["insert_console_link"], values)
        record_audit(conn, actor, "console_link", role=role, expires_s=expires_s)
    return secret


def sign_in_by_link(db: Database, link: str) -> str | None:
    """The secret of a new session with the link's role; None if the link is unknown, used or expired. Audited."""
    with db.transaction() as conn:
        row = conn.execute(QUERIES["use_console_link"], {"hash": _hash(link)}).fetchone()
        if row is None:
            return None
        return _begin_session(conn, Operator(f"console:link of {row['created_by']}", ConsoleRole(row["role"])))


def sign_in(db: Database, operator: Operator) -> str:
    """The secret of a new session of that operator. Audited."""
    with db.transaction() as conn:
        return _begin_session(conn, operator)


def _begin_session(conn: Connection[DictRow], operator: Operator) -> str:
    secret = secrets.token_urlsafe(32)
    conn.execute(QUERIES["delete_expired_sign_ins"])
    values = {"hash": _hash(secret), "operator": operator.name, "role": operator.role, "expires_s": SESSION_S}
    conn.execute(QUERIES["insert_console_session"], values)
    record_audit(conn, Actor(operator.name), "console_sign_in", role=operator.role)
    return secret


def find_operator(db: Database, session: str) -> Operator | None:
    """The operator of the session; None if it has ended or is unknown."""
    with db.connection() as conn:
        row = conn.execute(QUERIES["find_console_session"], {"hash": _hash(session)}).fetchone()
    return None if row is None else Operator(row["operator"], ConsoleRole(row["role"]))


def sign_out(db: Database, session: str) -> None:
    """The session has ended; a second call changes nothing."""
    with db.transaction() as conn:
        conn.execute(QUERIES["delete_console_session"], {"hash": _hash(session)})


def _hash(secret: str) -> bytes:
    """No salt: the secrets are random and long."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()
