"""What a check found, and how it is said in a sentence."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from app.operations.ages import say_age

#: Where each check is explained.
RUNBOOK = "docs/runbook.md#findings-of-doctor"
#: What problems are called within a sentence.
CLAUSES = {
    "none": "Nothing is wrong.",
    "database": "the database can't be reached",
    "locked": "a transaction of another session locks the database",
    "open": "a transaction of another session has been open for {age}",
    "slow": "the database does not answer in time",
    "migrations": "the database is not migrated",
    "one stuck": "{stuck} course has made no progress for {age}",
    "stuck": "{stuck} courses have made no progress for {age}",
    "one silent": "a handler has reported nothing for {age}",
    "silent": "{silent} handlers have reported nothing, one for {age}",
    "standstill": "jobs wait and no stage has ended for {age}",
    "workers": "no worker serves `{queue}`",
    "short": "live workers run fewer stages at once ({places}) than the limit allows ({limit})",
    "versions": "live processes are of different versions",
    "conflicts": "live processes differ in {settings}",
    "one overtaken": "one generation has been overtaken in the queue for {age}",
    "overtaken": "{count} generations have been overtaken in the queue, one for {age}",
    "full": "all {limit} places are taken, and starts are refused",
    "unsigned webhooks": "webhooks wait for a WEBHOOK_SECRET",
    "late webhooks": "webhooks are {age} overdue",
    "receivers": "webhooks fail at their receivers, for {age}",
    "redis": "Redis can't be used",
    "slots": "Redis counts slots otherwise than PostgreSQL",
    "secret": "JWT_SECRET can be guessed",
    "keys": "the sign-in's keys can't be read",
    "tiers": "users can choose their own tier",
    "files": "the courses' files can't be read",
    "clock": "this host's clock is wrong",
    "connections": "the database is short of connections",
    "paused admissions": "admissions are paused",
    "paused stages": "stages are paused",
    "status": "the platform does not show each status",
}


class State(StrEnum):
    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check. `advice` says what to do about a problem, and `clause`, with `values`, what it is.

    The name of the check never changes: alerts and the runbook know a finding by it.
    """

    state: State
    check: str
    found: str
    advice: str = ""
    clause: str = ""
    values: Mapping[str, object] = field(default_factory=dict)


def judge(
    check: str, found: str, problem: State, advice: str, *, when: bool, clause: str = "", **values: object
) -> Finding:
    """`problem` with its advice and clause when the condition holds, else OK."""
    return Finding(problem, check, found, advice, clause, values) if when else Finding(State.OK, check, found)


def list_problems(findings: Iterable[Finding]) -> list[Finding]:
    """Those that are not OK, errors first."""
    found = list(findings)
    return [f for state in (State.ERROR, State.WARNING) for f in found if f.state is state]


def summarize(findings: Iterable[Finding], translate: Callable[[str], str] = str) -> str:
    """One sentence in plain words: what is wrong, errors first."""
    clauses = "; ".join(_say(finding, translate) for finding in list_problems(findings))
    return f"{clauses[0].upper()}{clauses[1:]}." if clauses else translate(CLAUSES["none"])


def _say(finding: Finding, translate: Callable[[str], str]) -> str:
    """What the problem is, within a sentence. Its `age`, in seconds, is said in words."""
    values = dict(finding.values)
    if "age" in values:
        values["age"] = say_age(float(str(values["age"])), translate)
    return (
        translate(CLAUSES[finding.clause]).format(**values) if finding.clause else f"{finding.check}: {finding.found}"
    )
